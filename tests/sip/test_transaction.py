"""The four machines: row by row against a transcription of the RFCs, and as stories on a fake clock."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest

from edge_router.sip.message import Request, Response, parse
from edge_router.sip.timers import TICK, TimerWheel
from edge_router.sip.transaction import (
    ACCEPTED,
    CALLING,
    COMPLETED,
    CONFIRMED,
    INVITE_CLIENT,
    INVITE_SERVER,
    NON_INVITE_CLIENT,
    NON_INVITE_SERVER,
    PROCEEDING,
    TERMINATED,
    TRYING,
    Address,
    ClientTransaction,
    Row,
    ServerTransaction,
    Table,
)
from edge_router.sip.transaction_layer import Arrival, TransactionLayer, arrived

PEER: Address = ("192.0.2.1", 5060)
BRANCH = "z9hG4bKabc"
START = 1000.0


class Wire:
    """A listener that notes what is sent, and when."""

    name = "pstn"
    via = "SIP/2.0/UDP 192.0.2.9;branch="

    def __init__(self, wheel: TimerWheel, reliable: bool) -> None:
        self.wheel = wheel
        self.reliable = reliable
        self.works = True
        self.sent: list[tuple[float, bytes, Address]] = []

    def send(self, data: bytes, address: Address) -> bool:
        if self.works:
            self.sent.append((self.wheel.now, data, address))
        return self.works

    def times(self) -> list[float]:
        """When something was sent, to half a second: each interval may be a tick of the wheel too long."""
        return [round((when - START) * 2) / 2 for when, _, _ in self.sent]


class Clock:
    """A wheel, and which timers were started on it lately. The compiled one has no heirs, so this looks into it."""

    def __init__(self) -> None:
        self.wheel = TimerWheel(START)
        self._known = self._waiting()

    def run(self, seconds: float) -> None:
        """Lets time pass, tick by tick."""
        for _ in range(round(seconds / TICK)):
            self.wheel.advance(self.wheel.now + TICK)

    def started(self) -> dict[str, float]:
        """The timers that were not there at the last `forget`, and their delays."""
        return dict((self._waiting() - self._known).keys())

    def forget(self) -> None:
        self._known = self._waiting()

    def _waiting(self) -> Counter[tuple[str, float]]:
        return Counter(
            (timer, round((tick - 1) * TICK - self.wheel.now, 1))
            for tick, (_, timers) in self.wheel._buckets.items()
            for timer in timers
        )


class User:
    """Sent a request and hears of its responses."""

    def __init__(self) -> None:
        self.heard: list[int | str] = []

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        self.heard.append(response.code)

    def on_timeout(self, transaction: ClientTransaction) -> None:
        self.heard.append("timeout")


def request(method: str, branch: str = BRANCH, more: str = "") -> Request:
    message = parse(
        f"{method} sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch={branch}\r\n"
        f"Route: <sip:proxy.example.net;lr>\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.net>\r\n"
        f"Call-ID: c\r\nCSeq: 7 {'INVITE' if method == 'ACK' else method}\r\n{more}\r\n".encode()
    )
    assert isinstance(message, Request)
    return message


def response(code: int, method: str, branch: str = BRANCH, tag: str = "b") -> Response:
    message = parse(
        f"SIP/2.0 {code} Text\r\nVia: SIP/2.0/UDP 192.0.2.9;branch={branch}\r\nFrom: <sip:alice@example.com>;tag=a\r\n"
        f"To: <sip:bob@example.net>;tag={tag}\r\nCall-ID: c\r\nCSeq: 7 {method}\r\n\r\n".encode()
    )
    assert isinstance(message, Response)
    return message


class Bench:
    """One transaction of each kind can be put on it and driven by the names of the tables' events."""

    def __init__(self, method: str, server: bool, reliable: bool = False) -> None:
        self.method = method
        self.clock = Clock()
        self.wire = Wire(self.clock.wheel, reliable)
        self.layer = TransactionLayer(self.clock.wheel)
        self.user = User()
        self.request = request(method)
        self.arrival = arrived(self.request, self.wire, PEER)
        self.transaction: ClientTransaction | ServerTransaction
        if server:
            self.transaction = self.layer.serve(self.arrival)
        else:
            self.transaction = self.layer.send(method, BRANCH, self.request.serialise(), self.wire, PEER, self.user)

    def comes(self, message: Request) -> Arrival:
        return arrived(message, self.wire, PEER)

    def happen(self, event: str) -> None:
        codes = {"1xx": 180, "2xx": 200, "3xx-6xx": 486, "408": 408}
        if isinstance(self.transaction, ServerTransaction) and event in codes:
            self.transaction.respond(codes[event], "Text", "b")
        elif event in codes:
            self.layer.receive_response(response(codes[event], self.method))
        elif event in ("request", "ACK"):
            self.layer.receive(self.arrival if event == "request" else self.comes(request("ACK")))
        elif event.startswith("Timer") or event == "transport error":
            self.transaction.expire(event, self.clock.wheel.now)
        else:
            self.transaction.fire(event)


# ------------------------------------------------------------------------------- row by row


@dataclass(frozen=True)
class Effect:
    """What a row does that can be seen from outside."""

    state: str
    sent: str = ""  # start of what goes out: "SIP/2.0 200", "ACK", "again"
    heard: int | str | None = None
    timers: dict[str, float] = field(default_factory=dict)


def ends(heard: int | str | None = None) -> Effect:
    return Effect(TERMINATED, heard=heard)


Rows = dict[tuple[str, str], Effect]

# RFC 3261 §17.1.1.2, figure 5; RFC 6026 §8.4 and figure 1 (Accepted, Timer M). "given up" is §9.1's last paragraph.
INVITE_CLIENT_ROWS: Rows = {
    (CALLING, "Timer A"): Effect(CALLING, sent="again", timers={"Timer A": 1.0}),
    (CALLING, "Timer B"): ends("timeout"),
    (CALLING, "transport error"): ends("timeout"),
    (CALLING, "given up"): ends(),
    (CALLING, "1xx"): Effect(PROCEEDING, heard=180),
    (CALLING, "2xx"): Effect(ACCEPTED, heard=200, timers={"Timer M": 32.0}),
    (CALLING, "3xx-6xx"): Effect(COMPLETED, sent="ACK", heard=486, timers={"Timer D": 32.0}),
    (PROCEEDING, "1xx"): Effect(PROCEEDING, heard=180),
    (PROCEEDING, "2xx"): Effect(ACCEPTED, heard=200, timers={"Timer M": 32.0}),
    (PROCEEDING, "3xx-6xx"): Effect(COMPLETED, sent="ACK", heard=486, timers={"Timer D": 32.0}),
    (PROCEEDING, "given up"): ends("timeout"),
    (ACCEPTED, "2xx"): Effect(ACCEPTED, heard=200),
    (ACCEPTED, "Timer M"): ends(),
    (COMPLETED, "3xx-6xx"): Effect(COMPLETED, sent="again"),
    (COMPLETED, "Timer D"): ends(),
}

# RFC 3261 §17.1.2.2, figure 6.
NON_INVITE_CLIENT_ROWS: Rows = {
    (TRYING, "Timer E"): Effect(TRYING, sent="again", timers={"Timer E": 1.0}),
    (TRYING, "Timer F"): ends("timeout"),
    (TRYING, "transport error"): ends("timeout"),
    (TRYING, "1xx"): Effect(PROCEEDING, heard=180),
    (TRYING, "2xx"): Effect(COMPLETED, heard=200, timers={"Timer K": 5.0}),
    (TRYING, "3xx-6xx"): Effect(COMPLETED, heard=486, timers={"Timer K": 5.0}),
    (PROCEEDING, "Timer E"): Effect(PROCEEDING, sent="again", timers={"Timer E": 4.0}),
    (PROCEEDING, "Timer F"): ends("timeout"),
    (PROCEEDING, "1xx"): Effect(PROCEEDING, heard=180),
    (PROCEEDING, "2xx"): Effect(COMPLETED, heard=200, timers={"Timer K": 5.0}),
    (PROCEEDING, "3xx-6xx"): Effect(COMPLETED, heard=486, timers={"Timer K": 5.0}),
    (COMPLETED, "Timer K"): ends(),
}

# RFC 3261 §17.2.1, figure 7; RFC 6026 §8.7 and figure 2 (Accepted, Timer L).
INVITE_SERVER_ROWS: Rows = {
    (PROCEEDING, "request"): Effect(PROCEEDING),  # nothing was sent yet that could go out again
    (PROCEEDING, "1xx"): Effect(PROCEEDING, sent="SIP/2.0 180"),
    (PROCEEDING, "2xx"): Effect(ACCEPTED, sent="SIP/2.0 200", timers={"Timer L": 32.0}),
    (PROCEEDING, "3xx-6xx"): Effect(COMPLETED, sent="SIP/2.0 486", timers={"Timer G": 0.5, "Timer H": 32.0}),
    (ACCEPTED, "request"): Effect(ACCEPTED),
    (ACCEPTED, "Timer L"): ends(),
    (COMPLETED, "request"): Effect(COMPLETED, sent="again"),
    (COMPLETED, "Timer G"): Effect(COMPLETED, sent="again", timers={"Timer G": 1.0}),
    (COMPLETED, "Timer H"): ends(),
    (COMPLETED, "ACK"): Effect(CONFIRMED, timers={"Timer I": 5.0}),
    (CONFIRMED, "ACK"): Effect(CONFIRMED),
    (CONFIRMED, "Timer I"): ends(),
}

# RFC 3261 §17.2.2, figure 8; RFC 4320 §4.2: no 408 leaves.
NON_INVITE_SERVER_ROWS: Rows = {
    (TRYING, "request"): Effect(TRYING),
    (TRYING, "1xx"): Effect(PROCEEDING, sent="SIP/2.0 180"),
    (TRYING, "2xx"): Effect(COMPLETED, sent="SIP/2.0 200", timers={"Timer J": 32.0}),
    (TRYING, "3xx-6xx"): Effect(COMPLETED, sent="SIP/2.0 486", timers={"Timer J": 32.0}),
    (TRYING, "408"): ends(),
    (PROCEEDING, "request"): Effect(PROCEEDING, sent="again"),
    (PROCEEDING, "1xx"): Effect(PROCEEDING, sent="SIP/2.0 180"),
    (PROCEEDING, "2xx"): Effect(COMPLETED, sent="SIP/2.0 200", timers={"Timer J": 32.0}),
    (PROCEEDING, "3xx-6xx"): Effect(COMPLETED, sent="SIP/2.0 486", timers={"Timer J": 32.0}),
    (PROCEEDING, "408"): ends(),
    (COMPLETED, "request"): Effect(COMPLETED, sent="again"),
    (COMPLETED, "Timer J"): ends(),
}


@dataclass(frozen=True)
class Machine:
    name: str
    method: str
    server: bool
    nested: Table
    rows: Rows
    way_to: dict[str, tuple[str, ...]]  # the events that lead from the start into a state

    @property
    def table(self) -> dict[tuple[str, str], Row]:
        return {(state, event): row for state, rows in self.nested.items() for event, row in rows.items()}


MACHINES = (
    Machine(
        "INVITE client",
        "INVITE",
        False,
        INVITE_CLIENT,
        INVITE_CLIENT_ROWS,
        {CALLING: (), PROCEEDING: ("1xx",), ACCEPTED: ("2xx",), COMPLETED: ("3xx-6xx",)},
    ),
    Machine(
        "non-INVITE client",
        "OPTIONS",
        False,
        NON_INVITE_CLIENT,
        NON_INVITE_CLIENT_ROWS,
        {TRYING: (), PROCEEDING: ("1xx",), COMPLETED: ("2xx",)},
    ),
    Machine(
        "INVITE server",
        "INVITE",
        True,
        INVITE_SERVER,
        INVITE_SERVER_ROWS,
        {PROCEEDING: (), ACCEPTED: ("2xx",), COMPLETED: ("3xx-6xx",), CONFIRMED: ("3xx-6xx", "ACK")},
    ),
    Machine(
        "non-INVITE server",
        "OPTIONS",
        True,
        NON_INVITE_SERVER,
        NON_INVITE_SERVER_ROWS,
        {TRYING: (), PROCEEDING: ("1xx",), COMPLETED: ("2xx",)},
    ),
)
EVENTS = sorted({event for machine in MACHINES for _, event in machine.table})
EVERY_ROW = [
    pytest.param(machine, state, event, id=f"{machine.name}-{state}-{event}")
    for machine in MACHINES
    for state, event in sorted(machine.table.keys() | machine.rows.keys())
]
EVERY_OTHER_PAIR = [
    pytest.param(machine, state, event, id=f"{machine.name}-{state}-{event}")
    for machine in MACHINES
    for state in machine.way_to
    for event in EVENTS
    if (state, event) not in machine.table.keys() | machine.rows.keys()
    # The messages that can't come to this machine at all.
    if not (machine.server and event in ("transport error", "given up"))
    if not (not machine.server and event in ("request", "ACK", "408"))
    if not (event == "ACK" and machine.method != "INVITE")
    if not (event == "408" and machine.method == "INVITE")
]


def arrive(machine: Machine, state: str, reliable: bool = False) -> Bench:
    """A transaction that came to a state by the events of its own life."""
    bench = Bench(machine.method, machine.server, reliable)
    for event in machine.way_to[state]:
        bench.happen(event)
    assert bench.transaction.state == state
    bench.wire.sent.clear()
    bench.clock.forget()
    bench.user.heard.clear()
    return bench


@pytest.mark.parametrize(("machine", "state", "event"), EVERY_ROW)
def test_row(machine: Machine, state: str, event: str) -> None:
    expected = machine.rows[state, event]
    bench = arrive(machine, state)
    last = bench.transaction.message
    bench.happen(event)

    assert bench.transaction.state == machine.table[state, event][0] == expected.state
    sent = [data for _, data, _ in bench.wire.sent]
    if expected.sent == "again":
        assert sent == [last]
        assert last
        assert bench.layer.retransmitted == 1
    elif expected.sent:
        assert len(sent) == 1
        assert sent[0].startswith(f"{expected.sent} ".encode())
        assert bench.layer.retransmitted == 0
    else:
        assert sent == []
    assert all(address == PEER for _, _, address in bench.wire.sent)
    assert bench.user.heard == ([] if expected.heard is None else [expected.heard])
    assert bench.clock.started() == expected.timers
    assert len(bench.layer) == (0 if expected.state == TERMINATED else 1)


@pytest.mark.parametrize(("machine", "state", "event"), EVERY_OTHER_PAIR)
def test_what_is_in_no_table_has_no_effect(machine: Machine, state: str, event: str) -> None:
    bench = arrive(machine, state)
    bench.happen(event)
    assert bench.transaction.state == state
    assert (bench.wire.sent, bench.user.heard, bench.clock.started()) == ([], [], {})
    assert len(bench.layer) == 1


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_is_reached_and_left(machine: Machine) -> None:
    states = {state for state, _ in machine.table}
    assert states == set(machine.way_to)
    for state in states:
        followers = {state}
        for _ in states:
            followers |= {row[0] for (at, _), row in machine.table.items() if at in followers}
        assert TERMINATED in followers


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
@pytest.mark.parametrize("reliable", [False, True])
def test_every_state_ends_by_itself(machine: Machine, reliable: bool) -> None:
    for state in machine.way_to:
        bench = arrive(machine, state, reliable)
        bench.clock.run(65)
        # A client waits for the callee's final answer as long as he rings, a server for its user.
        waits = machine.method == "INVITE" and state == PROCEEDING
        waits = waits or (machine.server and state in (TRYING, PROCEEDING))
        assert len(bench.layer) == (1 if waits else 0), state
        assert len(bench.clock.wheel) == 0


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_an_ended_transaction_holds_nothing(machine: Machine) -> None:
    state = COMPLETED if COMPLETED in machine.way_to else ACCEPTED
    bench = arrive(machine, state)
    bench.clock.run(65)
    assert bench.transaction.state == TERMINATED
    assert bench.transaction.message == b""
    assert bench.transaction.user is None


@pytest.mark.parametrize("machine", [each for each in MACHINES if each.server], ids=lambda machine: machine.name)
def test_a_request_is_kept_until_its_final_answer_alone(machine: Machine) -> None:
    bench = Bench(machine.method, server=True)
    references = [sys.getrefcount(bench.request)]
    for event in ("1xx", "2xx"):
        bench.happen(event)
        references.append(sys.getrefcount(bench.request))
    before = references[0]
    assert references == [before, before, before - 1]
    assert isinstance(bench.transaction, ServerTransaction)
    assert bench.transaction.respond(500, "Too late", "b") == b""


# ------------------------------------------------------------------------------- stories: clients


def test_an_invite_without_any_answer() -> None:
    bench = Bench("INVITE", server=False)
    bench.clock.run(40)
    assert bench.wire.times() == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert {data for _, data, _ in bench.wire.sent} == {bench.request.serialise()}
    assert bench.user.heard == ["timeout"]
    assert bench.layer.retransmitted == 6


def test_an_invite_is_not_sent_again_once_it_rings() -> None:
    bench = Bench("INVITE", server=False)
    bench.clock.run(1)
    bench.happen("1xx")
    bench.clock.run(300)
    assert bench.wire.times() == [0.0, 0.5]
    assert bench.user.heard == [180]


def test_an_options_without_any_answer() -> None:
    bench = Bench("OPTIONS", server=False)
    bench.clock.run(40)
    assert bench.wire.times() == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert bench.user.heard == ["timeout"]


def test_an_options_in_proceeding_is_sent_every_4_seconds() -> None:
    bench = Bench("OPTIONS", server=False)
    bench.clock.run(0.6)
    bench.happen("1xx")
    bench.clock.run(40)
    assert bench.wire.times() == [0.0, 0.5, 1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
    assert bench.user.heard == [180, "timeout"]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_reliable_transport_sends_once(method: str) -> None:
    bench = Bench(method, server=False, reliable=True)
    bench.clock.run(40)
    assert bench.wire.times() == [0.0]
    assert bench.user.heard == ["timeout"]


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
def test_a_request_that_can_not_be_sent(method: str) -> None:
    clock = Clock()
    wire, user = Wire(clock.wheel, False), User()
    wire.works = False
    layer = TransactionLayer(clock.wheel)
    layer.send(method, BRANCH, request(method).serialise(), wire, PEER, user)
    assert user.heard == []  # the user has no transaction in hand yet
    clock.run(0.1)
    assert user.heard == ["timeout"]
    assert len(layer) == 0
    clock.run(40)
    assert user.heard == ["timeout"]


def test_a_refused_invite_is_acknowledged_every_time() -> None:
    bench = Bench("INVITE", server=False)
    bench.layer.receive_response(response(486, "INVITE", tag="busy"))
    bench.layer.receive_response(response(486, "INVITE", tag="busy"))
    assert bench.user.heard == [486]
    acks = [data for _, data, _ in bench.wire.sent[1:]]
    assert acks[0] == acks[1]
    ack = parse(acks[0])
    assert isinstance(ack, Request)
    # RFC 3261 §17.1.1.3: all of the INVITE's, but for the method and the To tag.
    assert (ack.method, ack.uri) == ("ACK", "sip:bob@example.net")
    assert ack.all("via") == bench.request.all("via")
    assert ack.all("route") == bench.request.all("route")
    assert (ack.get("from"), ack.get("call-id")) == (bench.request.get("from"), "c")
    assert (ack.get("to"), ack.get("cseq")) == ("<sip:bob@example.net>;tag=busy", "7 ACK")
    assert ack.body == b""
    bench.clock.run(32.1)
    assert len(bench.layer) == 0


def test_on_a_reliable_transport_the_refusal_is_over_at_once() -> None:
    bench = Bench("INVITE", server=False, reliable=True)
    bench.happen("3xx-6xx")
    bench.clock.run(0.1)
    assert len(bench.layer) == 0


def test_every_2xx_reaches_the_user_for_64_t1() -> None:
    # RFC 6026 §8.4: retransmissions, and answers of other branches of a fork, are the user's to acknowledge.
    bench = Bench("INVITE", server=False)
    bench.happen("1xx")
    for tag in ("b", "b", "other"):
        bench.layer.receive_response(response(200, "INVITE", tag=tag))
    bench.happen("1xx")
    bench.happen("3xx-6xx")
    assert bench.user.heard == [180, 200, 200, 200]
    assert bench.wire.times() == [0.0]
    bench.clock.run(31.9)
    bench.happen("2xx")
    assert len(bench.user.heard) == 5
    bench.clock.run(0.2)
    assert bench.layer.receive_response(response(200, "INVITE")) is None
    assert len(bench.user.heard) == 5


def test_a_response_finds_its_transaction_by_branch_and_method() -> None:
    bench = Bench("INVITE", server=False)
    bench.layer.send("CANCEL", BRANCH, request("CANCEL").serialise(), bench.wire, PEER, None)
    assert bench.layer.receive_response(response(200, "INVITE", branch="z9hG4bKother")) is None
    assert bench.layer.receive_response(response(200, "OPTIONS")) is None
    cancel = bench.layer.receive_response(response(200, "CANCEL"))
    assert cancel is not None
    assert cancel.method == "CANCEL"
    assert bench.user.heard == []
    assert bench.layer.receive_response(response(487, "INVITE")) is bench.transaction
    assert bench.user.heard == [487]


def forged(via: str, cseq: str = "7 INVITE") -> Response:
    message = parse(f"SIP/2.0 200 OK\r\nVia: {via}\r\nCSeq: {cseq}\r\n\r\n".encode())
    assert isinstance(message, Response)
    return message


OURS = f"SIP/2.0/UDP 192.0.2.9;branch={BRANCH}"


@pytest.mark.parametrize(
    "via",
    [
        f"SIP/2.0/UDP 192.0.2.1;branch={BRANCH}",  # RFC 3261 §18.1.2: the sent-by is not ours
        f"SIP/2.0/UDP 192.0.2.9:5062;branch={BRANCH}",
        f"SIP/2.0/UDP 192.0.2.99;branch={BRANCH}",
        f"SIP/2.0/TCP 192.0.2.9;branch={BRANCH}",
        f"SIP/2.0 192.0.2.9;branch={BRANCH}",
        f"{OURS}, SIP/2.0/UDP 192.0.2.66",  # §8.1.3.3: more than one
        f"{OURS}\r\nVia: SIP/2.0/UDP 192.0.2.66",
    ],
)
def test_a_response_with_a_via_that_is_not_ours_alone_is_a_stray(via: str) -> None:
    bench = Bench("INVITE", server=False)
    assert bench.layer.receive_response(forged(via)) is None
    assert bench.user.heard == []


@pytest.mark.parametrize(
    "via",
    [
        f"{OURS};received=192.0.2.66;rport=7",
        f'{OURS};x="a, b"',
        f"SIP/2.0/UDP 192.0.2.9:5060;branch={BRANCH}",
        f"SIP / 2.0 / udp 192.0.2.9 ;received=192.0.2.66; branch={BRANCH}",
    ],
)
def test_our_via_may_come_back_in_another_spelling(via: str) -> None:
    bench = Bench("INVITE", server=False)
    assert bench.layer.receive_response(forged(via)) is bench.transaction


@pytest.mark.parametrize("cseq", ["7 XINVITE", "7INVITE", "7 invite", "7 INVITE x", "INVITEINVITE", ""])
def test_the_method_of_a_response_is_that_of_its_request(cseq: str) -> None:
    bench = Bench("INVITE", server=False)
    assert bench.layer.receive_response(forged(OURS, cseq)) is None


@pytest.mark.parametrize("cseq", ["7\tINVITE", "7   INVITE"])
def test_any_white_space_before_the_method_of_a_response(cseq: str) -> None:
    bench = Bench("INVITE", server=False)
    assert bench.layer.receive_response(forged(OURS, cseq)) is bench.transaction


def test_a_response_without_via_or_cseq_is_a_stray() -> None:
    bench = Bench("INVITE", server=False)
    stray = parse(b"SIP/2.0 200 OK\r\n\r\n")
    assert isinstance(stray, Response)
    assert bench.layer.receive_response(stray) is None


# ------------------------------------------------------------------------------- stories: servers


def test_a_refusal_that_is_never_acknowledged() -> None:
    bench = Bench("INVITE", server=True)
    bench.happen("3xx-6xx")
    bench.clock.run(40)
    assert bench.wire.times() == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert len(bench.layer) == 0


def test_the_ack_stops_the_retransmissions() -> None:
    bench = Bench("INVITE", server=True)
    bench.happen("3xx-6xx")
    bench.clock.run(1)
    bench.happen("ACK")
    bench.clock.run(4.9)
    assert bench.wire.times() == [0.0, 0.5]
    assert len(bench.layer) == 1
    bench.clock.run(0.2)
    assert len(bench.layer) == 0


def test_a_reliable_transport_gets_the_refusal_once() -> None:
    bench = Bench("INVITE", server=True, reliable=True)
    bench.happen("3xx-6xx")
    bench.clock.run(31.9)
    assert bench.wire.times() == [0.0]
    assert len(bench.layer) == 1
    bench.happen("ACK")
    bench.clock.run(0.1)
    assert len(bench.layer) == 0


def test_a_repeated_invite_gets_the_last_provisional_again() -> None:
    bench = Bench("INVITE", server=True)
    assert isinstance(bench.transaction, ServerTransaction)
    bench.transaction.respond(100, "Trying", "")
    ringing = bench.transaction.respond(180, "Ringing", "b")
    assert bench.layer.receive(bench.arrival)
    assert [data for _, data, _ in bench.wire.sent][-2:] == [ringing, ringing]
    assert bench.layer.repeated == 1


def test_after_a_2xx_a_repeated_invite_is_taken_in_and_the_ack_is_the_users() -> None:
    # RFC 6026 §7.1: the 2xx is the user's to send again, also its ACK where it bears the branch of the INVITE.
    bench = Bench("INVITE", server=True)
    bench.happen("2xx")
    assert bench.layer.receive(bench.arrival)
    assert not bench.layer.receive(bench.comes(request("ACK")))
    assert bench.wire.times() == [0.0]
    bench.clock.run(31.9)
    assert len(bench.layer) == 1
    bench.clock.run(0.2)
    assert len(bench.layer) == 0


def test_only_one_final_response_leaves() -> None:
    for method in ("INVITE", "OPTIONS"):
        bench = Bench(method, server=True)
        bench.happen("2xx")
        bench.happen("3xx-6xx")
        bench.happen("2xx")
        bench.happen("1xx")
        assert len(bench.wire.sent) == 1
        assert isinstance(bench.transaction, ServerTransaction)
        assert not bench.transaction.open


def test_no_408_to_a_request_other_than_invite() -> None:
    # RFC 4320 §4.2; an INVITE may get one.
    bench = Bench("OPTIONS", server=True)
    bench.happen("408")
    assert bench.wire.sent == []
    assert len(bench.layer) == 0
    bench = Bench("INVITE", server=True)
    bench.happen("408")
    assert bench.wire.sent[0][1].startswith(b"SIP/2.0 408 ")


def test_what_a_response_holds() -> None:
    bench = Bench("INVITE", server=True)
    assert isinstance(bench.transaction, ServerTransaction)
    data = bench.transaction.respond(183, "Session Progress", "ours", "X-One: 1\r\nX-Two: 2\r\n", b"body")
    assert bench.wire.sent == [(START, data, PEER)]
    message = parse(data)
    assert isinstance(message, Response)
    assert (message.code, message.reason, message.body) == (183, "Session Progress", b"body")
    for key in ("via", "from", "call-id", "cseq"):
        assert message.all(key) == bench.request.all(key)
    assert message.get("to") == "<sip:bob@example.net>;tag=ours"
    assert (message.get("x-one"), message.get("x-two")) == ("1", "2")
    assert b"To: <sip:bob@example.net>\r\n" in bench.transaction.respond(100, "Trying", "")


# ------------------------------------------------------------------------------- finding and routing


def invite_by(via: str, method: str = "INVITE", more: str = "") -> Request:
    message = parse(
        f"{method} sip:bob@h SIP/2.0\r\nVia: {via}\r\n{more}From: <sip:a@h>;tag=a\r\nTo: <sip:b@h>\r\n"
        f"Call-ID: c\r\nCSeq: 7 INVITE\r\n\r\n".encode()
    )
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize(
    ("via", "source", "address", "top"),
    [
        # RFC 3261 §18.2.1 and §18.2.2: received only where the sender's own address differs; his port, or 5060.
        ("SIP/2.0/UDP 192.0.2.1", ("192.0.2.1", 9), ("192.0.2.1", 5060), "SIP/2.0/UDP 192.0.2.1"),
        ("SIP/2.0/UDP 192.0.2.1:7", ("192.0.2.1", 9), ("192.0.2.1", 7), "SIP/2.0/UDP 192.0.2.1:7"),
        ("SIP/2.0/UDP h:7", ("192.0.2.1", 9), ("192.0.2.1", 7), "SIP/2.0/UDP h:7;received=192.0.2.1"),
        # RFC 3581 §4: received also where it is the same, rport with its value.
        (
            "SIP/2.0/UDP 192.0.2.1:7;rport;branch=z9hG4bK1",
            ("192.0.2.1", 9),
            ("192.0.2.1", 9),
            "SIP/2.0/UDP 192.0.2.1:7;rport=9;branch=z9hG4bK1;received=192.0.2.1",
        ),
        ("SIP/2.0/UDP h;rport", ("192.0.2.1", 9), ("192.0.2.1", 9), "SIP/2.0/UDP h;rport=9;received=192.0.2.1"),
        ("SIP/2.0/UDP h;rport=666;x", ("192.0.2.1", 9), ("192.0.2.1", 9), "SIP/2.0/UDP h;rport=9;x;received=192.0.2.1"),
        (
            'SIP/2.0/UDP h;x=";rport";rport',
            ("192.0.2.1", 9),
            ("192.0.2.1", 9),
            'SIP/2.0/UDP h;x=";rport";rport=9;received=192.0.2.1',
        ),
        (
            'SIP/2.0/UDP h:7;x=";rport"',
            ("192.0.2.1", 9),
            ("192.0.2.1", 7),
            'SIP/2.0/UDP h:7;x=";rport";received=192.0.2.1',
        ),
        (
            "SIP/2.0/UDP h;rportx=1; RPort = 2 ;y",
            ("192.0.2.1", 9),
            ("192.0.2.1", 9),
            "SIP/2.0/UDP h;rportx=1; RPort=9;y;received=192.0.2.1",
        ),
        (
            "SIP/2.0/UDP h;x=\u0130\u0130;rport=1;y",
            ("192.0.2.1", 9),
            ("192.0.2.1", 9),
            "SIP/2.0/UDP h;x=\u0130\u0130;rport=9;y;received=192.0.2.1",
        ),
        ("SIP/2.0/UDP [2001:db8::1]", ("2001:db8::1", 9), ("2001:db8::1", 5060), "SIP/2.0/UDP [2001:db8::1]"),
    ],
)
def test_where_answers_go(via: str, source: Address, address: Address, top: str) -> None:
    bench = Bench("OPTIONS", server=True)
    transaction = bench.layer.serve(arrived(invite_by(via), bench.wire, source))
    data = transaction.respond(200, "OK", "b")
    assert bench.wire.sent == [(START, data, address)]
    assert parse(data).all("via") == [top]


def test_on_a_reliable_transport_answers_go_back_where_the_request_came_from() -> None:
    bench = Bench("OPTIONS", server=True, reliable=True)
    bench.layer.serve(arrived(invite_by("SIP/2.0/TCP h:7"), bench.wire, ("192.0.2.1", 40_000))).respond(200, "OK", "b")
    assert [address for _, _, address in bench.wire.sent] == [("192.0.2.1", 40_000)]


@pytest.mark.parametrize(
    ("via", "more", "answered"),
    [
        ("SIP/2.0/UDP h , SIP/2.0/TCP x;rport", "", ["SIP/2.0/UDP h;received=192.0.2.1 , SIP/2.0/TCP x;rport"]),
        ("SIP/2.0/UDP h", "v: SIP/2.0/TCP x\r\n", ["SIP/2.0/UDP h;received=192.0.2.1", "SIP/2.0/TCP x"]),
        ('SIP/2.0/UDP h;x="a,b";rport', "", ['SIP/2.0/UDP h;x="a,b";rport=9;received=192.0.2.1']),
    ],
)
def test_only_the_topmost_via_is_marked(via: str, more: str, answered: list[str]) -> None:
    bench = Bench("OPTIONS", server=True)
    transaction = bench.layer.serve(arrived(invite_by(via, more=more), bench.wire, ("192.0.2.1", 9)))
    assert parse(transaction.respond(200, "OK", "b")).all("via") == answered


def test_a_cancel_finds_its_invite_by_branch_and_sent_by() -> None:
    bench = Bench("INVITE", server=True)
    cancel = request("CANCEL")
    assert not bench.layer.receive(bench.comes(cancel))
    assert bench.layer.invite_of(bench.comes(cancel)) is bench.transaction
    assert bench.layer.invite_of(bench.comes(request("CANCEL", branch="z9hG4bKx"))) is None
    raw = cancel.serialise().replace(b"UDP 192.0.2.1", b"UDP 192.0.2.66")
    forged = parse(raw)
    assert isinstance(forged, Request)
    assert bench.layer.invite_of(bench.comes(forged)) is None


def test_a_branch_is_matched_with_its_method() -> None:
    bench = Bench("INVITE", server=True)
    assert not bench.layer.receive(bench.comes(request("OPTIONS")))
    assert bench.layer.receive(bench.comes(request("INVITE")))


def test_a_peer_without_unique_branches_is_matched_as_rfc_2543_did() -> None:
    # RFC 3261 §17.2.3: Request-URI, From tag, Call-ID, CSeq number and topmost Via.
    bench = Bench("OPTIONS", server=True)
    invite = bench.comes(invite_by("SIP/2.0/UDP h;branch=1"))
    transaction = bench.layer.serve(invite)
    assert bench.layer.receive(invite)
    transaction.respond(486, "Busy Here", "b")
    assert bench.layer.receive(bench.comes(invite_by("SIP/2.0/UDP h;branch=1", "ACK")))
    assert transaction.state == CONFIRMED
    assert not bench.layer.receive(bench.comes(invite_by("SIP/2.0/UDP other;branch=1")))


def test_a_merged_request_is_known_as_long_as_the_first_runs() -> None:
    # RFC 3261 §8.2.2.2: same From tag, Call-ID and CSeq, no To tag, another branch.
    bench = Bench("OPTIONS", server=True)
    assert isinstance(bench.transaction, ServerTransaction)
    bench.layer.remember(bench.arrival, bench.transaction)
    assert bench.layer.merged(bench.comes(request("OPTIONS", branch="z9hG4bKother")))
    assert not bench.layer.merged(bench.comes(request("INVITE", branch="z9hG4bKother")))
    bench.happen("2xx")
    assert bench.layer.merged(bench.comes(request("OPTIONS", branch="z9hG4bKother")))
    bench.clock.run(32.1)
    assert not bench.layer.merged(bench.comes(request("OPTIONS", branch="z9hG4bKother")))


@pytest.mark.parametrize(("what", "other"), [("tag=a", "tag=z"), ("Call-ID: c", "Call-ID: z"), ("CSeq: 7", "CSeq: 8")])
def test_a_request_of_another_name_is_not_merged(what: str, other: str) -> None:
    bench = Bench("OPTIONS", server=True)
    assert isinstance(bench.transaction, ServerTransaction)
    bench.layer.remember(bench.arrival, bench.transaction)
    comes = parse(request("OPTIONS", branch="z9hG4bKother").serialise().replace(what.encode(), other.encode()))
    assert isinstance(comes, Request)
    assert not bench.layer.merged(bench.comes(comes))


# ------------------------------------------------------------------------------- connections


def test_a_lost_connection_is_the_end_of_an_invite_that_nobody_has_answered() -> None:
    bench = Bench("INVITE", server=False, reliable=True)
    bench.layer.lost(bench.wire, ("192.0.2.1", 9))
    bench.layer.lost(Wire(bench.clock.wheel, reliable=True), PEER)
    assert bench.user.heard == []
    bench.layer.lost(bench.wire, PEER)
    assert bench.user.heard == ["timeout"]
    assert len(bench.layer) == 0
    bench.layer.lost(bench.wire, PEER)
    assert bench.user.heard == ["timeout"]


def test_any_other_request_is_said_once_more_by_another_connection() -> None:
    """Else a BYE that was lost with its connection would leave the other end in the call."""
    bench = Bench("BYE", server=False, reliable=True)
    sent = len(bench.wire.sent)
    bench.layer.lost(bench.wire, PEER)
    assert [data for _, data, _ in bench.wire.sent[sent:]] == [bench.wire.sent[0][1]]
    assert bench.user.heard == []
    bench.layer.lost(bench.wire, PEER)
    assert bench.user.heard == ["timeout"]
    assert len(bench.layer) == 0


def test_a_lost_connection_is_no_end_for_what_has_been_heard_of() -> None:
    bench = Bench("INVITE", server=False, reliable=True)
    bench.happen("1xx")
    bench.layer.lost(bench.wire, PEER)
    bench.happen("2xx")
    assert bench.user.heard == [180, 200]


@pytest.mark.parametrize(
    ("via", "port"), [("SIP/2.0/TCP h:7", 7), ("SIP/2.0/TCP h", 5060), ("SIP/2.0/TLS h;rport", 5061)]
)
def test_an_answer_whose_connection_is_lost_goes_to_the_port_of_the_via(via: str, port: int) -> None:
    bench = Bench("OPTIONS", server=True, reliable=True)
    source = ("192.0.2.7", 40_000)
    transaction = bench.layer.serve(arrived(invite_by(via), bench.wire, source))
    transaction.respond(180, "Ringing", "b")
    bench.layer.lost(bench.wire, source)
    transaction.respond(486, "Busy Here", "b")
    assert [address for _, _, address in bench.wire.sent] == [source, ("192.0.2.7", port)]


def test_nothing_is_kept_of_connections_when_all_is_over() -> None:
    bench = Bench("INVITE", server=False, reliable=True)
    source = ("192.0.2.7", 40_000)
    transaction = bench.layer.serve(arrived(invite_by("SIP/2.0/TCP h:7"), bench.wire, source))
    bench.layer.lost(bench.wire, source)
    bench.happen("3xx-6xx")
    transaction.respond(486, "Busy Here", "b")
    bench.clock.run(40)
    assert len(bench.layer) == 0
    assert bench.layer._connected == {}


def test_a_request_that_comes_again_by_another_connection_is_answered_there() -> None:
    bench = Bench("OPTIONS", server=True, reliable=True)
    invite = invite_by("SIP/2.0/TCP h:7")
    bench.layer.serve(arrived(invite, bench.wire, ("192.0.2.7", 40_000))).respond(486, "Busy Here", "b")
    for source in (("192.0.2.7", 40_001), ("192.0.2.8", 40_002)):
        assert bench.layer.receive(arrived(invite, bench.wire, source))
    assert [address[1] for _, _, address in bench.wire.sent] == [40_000, 40_001, 40_001]
