"""Events and rows in few words, and a contact centre that is told them."""

import itertools

from state_client.centre import ContactCentre
from state_client.picture import Queue
from state_client.rows import AgentEvent, QueueRow, TaskEvent, TaskRow, TeamRow

IDS = itertools.count()


def centre(*queues: QueueRow, teams: tuple[str, ...] = (), offset: float = 0.0) -> ContactCentre:
    made = ContactCentre(offset)
    rows = queues or (QueueRow("q", "Support", team_ids=("g", "s")), QueueRow("r", "Sales", team_ids=("g",)))
    made.configure(rows, [TeamRow(id, id.upper()) for id in (teams or ("g", "s"))])
    return made


def task(id: str, type: str, time: float, queue: str = "", **fields: str) -> TaskEvent:
    given = {"channel": "telephony", "direction": "inbound", **fields}
    return TaskEvent(
        f"e{next(IDS)}", type if ":" in type else f"task:{type}", time, id, queue_id=queue, sent=0.0, **given
    )


def agent(
    id: str, state: str, time: float, team: str = "g", channel: str = "", type: str = "state_change"
) -> AgentEvent:
    return AgentEvent(f"e{next(IDS)}", f"agent:{type}", time, id, team_id=team, channel=channel, state=state)


def row(
    id: str,
    status: str,
    queue: str = "",
    touched: float = 0.0,
    created: float = 0.0,
    agent: str = "",
    *,
    active: bool = True,
    callback: bool = False,
    call: str = "",
) -> TaskRow:
    return TaskRow(
        id,
        status,
        queue,
        agent_id=agent,
        channel="telephony",
        direction="inbound",
        created=created or touched,
        active_at=touched,
        active=active,
        callback=callback,
        call=call,
    )


def tell(to: ContactCentre, *events: TaskEvent | AgentEvent, delay: float = 0.0) -> list[str]:
    return [to.apply(event, event.time + delay) for event in events]


def queue(of: ContactCentre, name: str = "Support") -> Queue:
    found = of.picture.queue(name)
    assert found is not None
    return found


def line(of: ContactCentre, name: str = "Support") -> tuple[int, int, int]:
    """Length, longest wait, total wait."""
    found = queue(of, name)
    return found.length, found.longest_wait, found.total_wait
