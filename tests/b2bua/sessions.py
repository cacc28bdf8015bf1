"""What stories of session timers begin with: a call whose ends said something of them, told from either side."""

from typing import Final, NamedTuple

from edge_router.sip.timers import TICK
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.end_to_end.wire import Wire

TIMER: Final = "Supported: timer"
ALLOW: Final = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"
EXPIRED: Final = ['SIP;cause=408;text="Session timer expired"', "Q.850;cause=102"]


class Session(NamedTuple):
    """A call that stands: its ends, what the callee was sent, and what the caller was answered."""

    caller: Leg
    callee: Leg
    invite: Wire
    answer: Wire


def agreed(stage: Stage, asked: tuple[str, ...] = (), answered: tuple[str, ...] = ()) -> Session:
    """The caller's INVITE has these lines, and the callee's 200 those."""
    caller = stage.carrier.calls(PREMISE_ONLY, *asked)
    callee = stage.premise.is_called()
    callee.says(200, *answered)
    caller.hears(100)
    answer = caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    return Session(caller, callee, callee.invite, answer)


def one_sided(stage: Stage, who: str, *lines: str) -> tuple[Leg, Leg]:
    """A call of whose ends only ``who`` has a session timer, by these lines of his; he and the other."""
    session = agreed(stage, lines if who == "caller" else (), lines if who == "callee" else ())
    return (session.caller, session.callee) if who == "caller" else (session.callee, session.caller)


def refreshed_by_us(who: str, interval: int = 1800) -> str:
    """The Session-Expires by which ``who`` has the router refresh his session."""
    return f"Session-Expires: {interval};refresher={'uas' if who == 'caller' else 'uac'}"


def refreshed_by_him(who: str, interval: int = 1800) -> str:
    """The Session-Expires by which ``who`` takes it on himself."""
    return f"Session-Expires: {interval};refresher={'uac' if who == 'caller' else 'uas'}"


def is_refreshed(stage: Stage, leg: Leg, after: float, method: str) -> Wire:
    """Lets time pass until this end hears a refresh of ours: ``after`` seconds, and up to two more."""
    if after > 0.5:
        stage.pass_time(after - 0.5)
        leg.hears_nothing()
    for _ in range(round(2.6 / TICK)):
        if leg.party.unheard:
            break
        stage.pass_time(0)
    return leg.hears(method)


def both_end(stage: Stage, this: Leg, other: Leg, why: str) -> None:
    """The router has ended the call since its time was over."""
    for leg in (this, other):
        assert leg.is_hung_up().all("Reason") == EXPIRED
    record = stage.record
    assert (record.outcome, record.ended_by, record.cause, record.reason) == ("answered", "router", 102, why)
