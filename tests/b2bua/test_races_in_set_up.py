"""Whatever two things happen while a call rings, or while its 200 waits for the ACK, in either order and from either
side: both ends hear an end, the call has one record, and nothing is left (the fixture looks).
"""

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Final, NamedTuple

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.in_call import media
from tests.b2bua.leg import Leg
from tests.b2bua.stage import Stage
from tests.end_to_end.wire import Wire

RINGS_TOO_LONG: Final = 61.0  # the usual answer_timeout, and a second
REFER_TO: Final = "Refer-To: <sip:x@198.51.100.9>"


class Begun(NamedTuple):
    """A call that isn't set up yet."""

    stage: Stage
    caller: Leg
    callee: Leg


Event = Callable[[Begun], object]

EITHER: Final[Mapping[str, Event]] = {
    "caller cancels": lambda now: now.caller.cancel(),
    "caller hangs up": lambda now: now.caller.asks("BYE"),
    "callee hangs up": lambda now: now.callee.asks("BYE"),
    "caller invites": lambda now: now.caller.asks("INVITE", body=media(now.caller, 3)),
    "callee invites": lambda now: now.callee.asks("INVITE", body=media(now.callee, 3)),
    "caller updates": lambda now: now.caller.asks("UPDATE", body=media(now.caller, 3)),
    "callee updates": lambda now: now.callee.asks("UPDATE", body=media(now.callee, 3)),
    "caller refers": lambda now: now.caller.asks("REFER", REFER_TO),
    "callee refers": lambda now: now.callee.asks("REFER", REFER_TO),
    "caller informs": lambda now: now.caller.asks("INFO"),
    "callee informs": lambda now: now.callee.asks("INFO"),
    "stop": lambda now: now.stage.router.interrupt(),
}
WHILE_IT_RINGS: Final[Mapping[str, Event]] = {
    **EITHER,
    "183": lambda now: now.callee.says(183, body=media(now.callee, 1)),
    "200": lambda now: now.callee.says(200),
    "486": lambda now: now.callee.says(486),
    "another 200": lambda now: now.callee.answers(now.callee.invite, 200, f"To: {now.callee.local}-fork"),
    "time": lambda now: now.stage.pass_time(RINGS_TOO_LONG),
}
BEFORE_THE_ACK: Final[Mapping[str, Event]] = {
    **EITHER,
    "ack": lambda now: now.caller.ack(),
    "another 200": lambda now: now.callee.answers(now.callee.invite, 200, f"To: {now.callee.local}-fork"),
    "late 486": lambda now: now.callee.says(486),
    "time": lambda now: now.stage.pass_time(GIVE_UP + 0.2),
}


@pytest.mark.parametrize(("first", "second"), list(permutations(WHILE_IT_RINGS, 2)))
def test_two_at_once_while_it_rings(stage: Stage, first: str, second: str) -> None:
    now = Begun(stage, *stage.ringing())
    for event in (first, second):
        WHILE_IT_RINGS[event](now)
    both_hear_an_end(now)


@pytest.mark.parametrize(("first", "second"), list(permutations(BEFORE_THE_ACK, 2)))
def test_two_at_once_before_the_ack(stage: Stage, first: str, second: str) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    now = Begun(stage, caller, callee)
    for event in (first, second):
        BEFORE_THE_ACK[event](now)
    both_hear_an_end(now)


def both_hear_an_end(now: Begun) -> None:
    """Both ends answer what they are asked, then hang up, and that is the end."""
    settle(now, 2)
    now.caller.asks("BYE")
    settle(now, 1)
    now.callee.asks("BYE")
    settle(now, GIVE_UP + 2)
    stage = now.stage
    assert stage.router.calls == {}
    assert len(stage.ear.records) == 1
    assert stage.ear.refused["internal error"] == 0


def settle(now: Begun, seconds: float) -> None:
    for _ in range(round(seconds / 0.5)):
        for leg in (now.caller, now.callee):
            while leg.party.unheard:
                reacts(leg, leg.party.unheard.pop(0))
        now.stage.pass_time(0.5)


def reacts(leg: Leg, message: Wire) -> None:
    """As who wants no trouble: yes to everything but new offers, and an ACK to every final answer."""
    if message.method == "INVITE":
        leg.answers(message, 488)
    elif message.method == "CANCEL":
        leg.answers(message, 200)
        leg.says(487)
    elif message.method and message.method != "ACK":
        leg.answers(message, 200)
    elif message.code >= 200 and message.cseq_method == "INVITE":
        leg.learn(message)
        branch = message.branch if message.code >= 300 else ""
        leg.party.says(leg.request("ACK", branch=branch, seq=message.cseq))
