"""A simulated contact centre of a given size, in a process of its own, and what of it the bench knows.

The bench lays the same centre out for itself, since the same script gives the same ids: so it can send events of queues
and agents that the simulator has.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.places import Places
from bench.process import BenchError, Process
from state_client.picture import TELEPHONY
from state_client.simulator.__main__ import arguments, script_of
from state_client.simulator.world import World

PORT = 8090
SECRET = "the-secret-that-the-bench-signs-its-events-with"
_PATIENCE = 120.0  # s for the simulator to lay itself out, or to take in all the calls
_LAG = 3.0  # s that its searches are behind
_AGENTS_OF_A_TEAM = 10
_ENOUGH = 0.9  # of the calls that agents are to take: the last ones ring in vain first, for half a minute


@dataclass(frozen=True)
class Size:
    """How much there is of everything. Half of the tasks are talked about, the other half wait."""

    queues: int = 200
    agents: int = 10_000
    tasks: int = 5_000

    def arguments(self) -> list[str]:
        """What the simulator is started with: nothing happens in it but what it is told."""
        return [
            *("--queues", str(self.queues), "--agents", str(self.agents)),
            *("--teams", str(max(1, self.agents // _AGENTS_OF_A_TEAM)), "--load", "0", "--lag", str(_LAG)),
        ]


@dataclass(frozen=True)
class Layout:
    """Who and what is there: ids of telephone queues, those of agents with their teams', and queues that stay empty."""

    org_id: str
    queues: list[str]
    agents: list[tuple[str, str]]
    watched: str  # id of a queue in which nobody waits but whom the bench sends
    watched_name: str
    busy_name: str  # a queue in which somebody always waits


def lay_out(size: Size) -> Layout:
    """What the simulator's own process lays out for the same size."""
    world = World(script_of(arguments().parse_args(size.arguments())))
    telephony = [queue for queue in world.centre.queues.values() if queue.channel == TELEPHONY]
    watched, *others = telephony
    return Layout(
        org_id=world.org_id,
        queues=[queue.id for queue in others],
        agents=[(agent.id, agent.team.id) for agent in world.centre.agents.values()],
        watched=watched.id,
        watched_name=watched.name,
        busy_name=others[0].name,
    )


class Centre:
    """The running simulator."""

    def __init__(self, process: Process, said: dict[str, str]) -> None:
        self.process = process
        self.said = said

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Tell it something, or ask; see `state_client.simulator.rooms.control`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.said['api']}/simulator/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:
            return json.loads(answer.read() or b"null")

    def fill(self, layout: Layout, tasks: int) -> None:
        """So many interactions in progress: first those for which there are agents, then those who wait."""
        self._call(layout, tasks // 2)
        limit = time.monotonic() + _PATIENCE
        while self._talking() < _ENOUGH * (tasks // 2):
            if time.monotonic() > limit:
                raise BenchError("the simulated agents don't take their calls")
            time.sleep(0.5)
        self.ask("POST", "agents", {"state": "idle"})
        self._call(layout, tasks - tasks // 2)
        time.sleep(_LAG + 1)  # until a search shows them

    def _call(self, layout: Layout, tasks: int) -> None:
        queues = layout.queues
        for place, queue in enumerate(queues):
            count = tasks // len(queues) + (place < tasks % len(queues))
            if count:
                self.ask("POST", "calls", {"queue": queue, "count": count})

    def _talking(self) -> int:
        return sum(status == "connected" for status in self.ask("GET", "truth")["tasks"].values())


@contextmanager
def running_centre(size: Size, places: Places, scratch: Path) -> Iterator[Centre]:
    """The simulator, ready and empty; stopped at the end."""
    log = scratch / "contact-centre.log"
    where = ["--host", places.contact_centre, "--port", str(PORT)]
    root = str(Path(__file__).parents[1])
    command = [sys.executable, "-m", "state_client.simulator", *size.arguments(), *where]
    with Process(command, log, {"PYTHONPATH": root, "PYTHONUNBUFFERED": "1"}) as process:
        process.wait_until(lambda: "truth " in log.read_text(), _PATIENCE)
        said = dict(line.split() for line in log.read_text().splitlines() if len(line.split()) == 2)
        yield Centre(process, said)
