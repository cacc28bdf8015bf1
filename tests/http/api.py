"""A state API on a real server, and the contact centre behind it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from edge_router import __version__
from edge_router.b2bua.reports.record import CallRecord
from edge_router.b2bua.trunks.live_trunk import LiveTrunk
from edge_router.dialplan.trunk import Limit, Target, Trunk
from edge_router.http.access import Access
from edge_router.http.answer import Answer
from edge_router.http.decisions_api import REFUSALS, Asked, DecisionsApi
from edge_router.http.description import route
from edge_router.http.operation_api import KEYS as OPERATION_KEYS
from edge_router.http.operation_api import Operation, OperationApi
from edge_router.http.rate import Rate
from edge_router.http.server import HttpServer, Readiness
from edge_router.http.state_api import EVENTS, KEYS, StateApi
from edge_router.http.switches_api import REFUSED as SWITCHES_REFUSED
from edge_router.http.switches_api import SwitchesApi
from edge_router.http.webex_api import route as webex_route
from edge_router.switches import STATES, Switch, Switches
from state_client.centre import ContactCentre
from state_client.picture import Picture, Queue
from state_client.rows import AgentRow, QueueRow, TaskEvent, TaskRow, TeamRow

HOST = "127.0.0.1"


def nothing() -> Iterable[bytes]:
    return ()


def centre() -> ContactCentre:
    """Support has one caller who waits, one agent who could take him; Pushed waits for somebody to say how it is."""
    now = time.time()
    found = ContactCentre(now - time.monotonic(), Picture())
    found.configure([QueueRow("q-1", "Support", team_ids=("t-1",))], [TeamRow("t-1", "Day")])
    found.picture.add(Queue("Pushed"))
    waiting = TaskRow(
        "task-1", "parked", "q-1", channel="telephony", direction="inbound", created=now - 9, active_at=now
    )
    found.compare_tasks([waiting], now, now)
    found.compare_agents([AgentRow("a-1", "available", name="Ann", team_id="t-1", since=now - 60)], now, now)
    return found


def parked(task_id: str, queue_id: str = "q-1") -> TaskEvent:
    return TaskEvent(
        f"event of {task_id}",
        "task:parked",
        time.time(),
        task_id,
        queue_id=queue_id,
        channel="telephony",
        direction="inbound",
    )


def refuses(name: str) -> str:
    return "" if name == "Pushed" else "the values of this queue come from webex"


async def no_cloud() -> None:
    """A router that follows no cloud."""


class Works:
    """A router in which a test says what there is: no more than what the API asks of one."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []
        self.faults: list[str] = []
        self.reloads = 0
        self.draining = False
        target = Target("sip:192.0.2.13:5060", "192.0.2.13")
        trunk = Trunk("premise", (target,), inbound_limit=Limit(max_cps=2.5), limit=Limit(100))
        self.trunk = LiveTrunk(trunk, time.monotonic)

    @property
    def operation(self) -> Operation:
        return Operation(lambda: self.records, lambda: [self.trunk], self._reload, self._drain)

    async def _reload(self) -> Sequence[str]:
        self.reloads += 1
        return self.faults

    def _drain(self) -> int:
        self.draining = True
        return len(self.records)


def record(call_id: str = "c-1", calling: str = "+13125550100", called: str = "+18005550100") -> CallRecord:
    return CallRecord(call_id, f"{call_id}@carrier", "edge-1", calling, called, "carrier", start=1_800_000_000.0)


def decisions_api() -> DecisionsApi:
    """Decides everything alike."""

    def decide(asked: Asked) -> Answer:
        return Answer(True, "cloud", "redirect", asked.called, age_secs=0.4)

    def safe(called: str, why: str) -> Answer:
        return Answer(False, "premise", "bridge", called, error=why)

    return DecisionsApi(decide, safe, lambda request: "somebody", Rate(1e6, 1_000_000))


def switches_api() -> SwitchesApi:
    switches = Switches({kind: ["one"] for kind in STATES})

    def set_switch(kind: str, name: str, state: str, who: str) -> Switch:
        return switches.set(kind, name, state, who, time.time())

    return SwitchesApi(switches, set_switch, lambda request: "somebody")


@asynccontextmanager
async def served(api: StateApi, operation: Operation | None = None) -> AsyncIterator[str]:
    """The URL of a server with these routes."""
    works = OperationApi(operation or Works().operation)
    server = HttpServer(
        lambda: Readiness("ready"),
        nothing,
        Access(["/healthz"]),
        [
            *api.routes(),
            *works.routes(),
            *decisions_api().routes(),
            *switches_api().routes(),
            webex_route(no_cloud),
            route(__version__),
        ],
        endless={EVENTS},
        keys={**KEYS, **OPERATION_KEYS, **SWITCHES_REFUSED},
        refusals=REFUSALS,
    )
    await server.start(HOST, 0)
    try:
        yield f"http://{HOST}:{server.port}"
    finally:
        api.feed.close()
        await server.close()
