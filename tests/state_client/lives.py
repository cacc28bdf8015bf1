"""Lives of calls and agents by chance: what is true at each moment, what events tell of it, what a search shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from state_client.centre import ContactCentre
from state_client.rows import AgentEvent, AgentRow, TaskEvent, TaskRow
from tests.state_client.tidings import agent, row, task

QUEUES = ("q", "r")
TEAMS = ("g", "s")

# state: what may follow, as (event, next state); "rona" is two events, the second of which says ended
NEXT: dict[str, tuple[tuple[str, str], ...]] = {
    "": (("new", "new"),),
    "new": (("parked", "parked"), ("ended", "ended")),
    "parked": (("connect", "connect"), ("ended", "ended"), ("parked", "parked"), ("connect", "connect")),
    "connect": (("connected", "connected"), ("rona", "parked"), ("ended", "ended")),
    "connected": (("on-hold", "on-hold"), ("consulting", "consulting"), ("parked", "parked"), ("ended", "ended")),
    "on-hold": (("hold-done", "connected"), ("ended", "ended")),
    "consulting": (("consult-done", "connected"), ("ended", "ended")),
    "ended": (),
}
AGENT_WORDS = ("available", "idle", "ringing", "connected", "wrapup", "not-responding", "logged-out")
STATE_OF = {"ringing": "reserved", "connected": "engaged", "not-responding": "not_responding", "logged-out": ""}


@dataclass
class Life:
    """One thing: (time, state, where) from then on, and the events that told it."""

    id: str
    moments: list[tuple[float, str, str]] = field(default_factory=list)
    told: list[TaskEvent | AgentEvent] = field(default_factory=list)

    def at(self, time: float) -> tuple[float, str, str]:
        """What is so at that time: since when, the state, the queue or team."""
        return next((moment for moment in reversed(self.moments) if moment[0] <= time), (0.0, "", ""))


@st.composite
def call(draw: st.DrawFn, id: str, begin: float) -> Life:
    life = Life(id)
    time, state, queue = begin, "", ""
    for _ in range(draw(st.integers(1, 9))):
        if not NEXT[state]:
            break
        event, state = draw(st.sampled_from(NEXT[state]))
        time += draw(st.integers(1, 25_000)) / 1000
        since = time
        if event == "rona":
            life.told.append(task(id, "parked", time, queue))
            time += 0.001
            life.told.append(task(id, "ended", time, queue, reason="RONA Timer Expired", terminating_party="System"))
        else:
            queue = draw(st.sampled_from(QUEUES)) if event == "parked" else queue
            life.told.append(task(id, event, time, queue if event in ("parked", "connect") else ""))
        life.moments.append((since, state, queue))
    return life


@st.composite
def worker(draw: st.DrawFn, id: str, begin: float) -> Life:
    life = Life(id)
    time, word = begin, ""
    team = draw(st.sampled_from(TEAMS))
    for _ in range(draw(st.integers(1, 9))):
        time += draw(st.integers(1, 25_000)) / 1000
        word = draw(st.sampled_from([other for other in AGENT_WORDS if other != word]))
        if word == "logged-out":
            life.told.append(agent(id, "", time, team, type="logout"))
        else:
            life.told.append(agent(id, word, time, team))
        life.moments.append((time, word, team))
    return life


def calls(begin: float, most: int = 4) -> st.SearchStrategy[list[Life]]:
    return _lives(call, "t", begin, most)


def workers(begin: float, most: int = 4) -> st.SearchStrategy[list[Life]]:
    return _lives(worker, "a", begin, most)


def _lives(kind: object, letter: str, begin: float, most: int) -> st.SearchStrategy[list[Life]]:
    make = call if kind is call else worker
    return st.integers(1, most).flatmap(
        lambda number: st.tuples(*(make(f"{letter}{n}", begin) for n in range(number))).map(list)
    )


def task_rows(lives: Iterable[Life], at: float) -> list[TaskRow]:
    """What a search that shows that moment says."""
    found = []
    for life in lives:
        since, state, queue = life.at(at)
        if state not in ("", "ended"):
            found.append(row(life.id, state, queue, since, life.moments[0][0]))
    return found


def parked_counts(lives: Iterable[Life], at: float) -> dict[str, int]:
    return _counted(queue for life in lives for _, state, queue in [life.at(at)] if state == "parked")


def agent_rows(lives: Iterable[Life], at: float) -> list[AgentRow]:
    found = []
    for life in lives:
        since, word, team = life.at(at)
        if word not in ("", "logged-out"):
            found.append(AgentRow(life.id, word, team_id=team, since=since))
    return found


def agent_counts(lives: Iterable[Life], at: float) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for life in lives:
        _, word, team = life.at(at)
        if word not in ("", "logged-out"):
            found[team, word] = found.get((team, word), 0) + 1
    return found


def lines(of: ContactCentre) -> dict[str, tuple[int, int]]:
    """Length and calls of each queue, as the picture has them."""
    return {id: (state.queue.length, state.queue.calls) for id, state in of.queues.items()}


def true_lines(lives: Iterable[Life], at: float) -> dict[str, tuple[int, int]]:
    now = [life.at(at) for life in lives]
    talking = ("connect", "connected", "on-hold", "consulting")
    return {
        id: (
            sum(state == "parked" and queue == id for _, state, queue in now),
            sum(state in talking and queue == id for _, state, queue in now),
        )
        for id in QUEUES
    }


def staff(of: ContactCentre) -> dict[str, dict[str, int]]:
    """Agents by team and state, as the picture has them."""
    return {id: {state: n for state, n in team.team.counts["telephony"].items() if n} for id, team in of.teams.items()}


def true_staff(lives: Iterable[Life], at: float) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {id: {} for id in TEAMS}
    for life in lives:
        _, word, team = life.at(at)
        state = STATE_OF.get(word, word)
        if state:
            found[team][state] = found[team].get(state, 0) + 1
    return found


def _counted(ids: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for id in ids:
        found[id] = found.get(id, 0) + 1
    return found
