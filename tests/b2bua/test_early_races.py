"""Whatever two things happen before a PRACK or around it, in either order: both ends hear an end; nothing is left."""

import gc
from collections.abc import Callable
from itertools import permutations
from typing import Final, NamedTuple

import pytest

from edge_router.b2bua.call.assurance import Assurance, Ringing
from edge_router.sip.timers import GIVE_UP
from tests.b2bua.in_call import media, part
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import SPEAKS, calls, crosses, is_answered, pracked, pracks, rang, rings
from tests.b2bua.stage import Stage
from tests.b2bua.test_races import settle
from tests.end_to_end.wire import Wire


class Rung(NamedTuple):
    """A callee has sent a reliable 183, which the caller has heard as ``response``."""

    stage: Stage
    caller: Leg
    callee: Leg
    response: Wire


EVENTS: Final[dict[str, Callable[[Rung], object]]] = {
    "prack": lambda now: pracks(now.caller, now.response),
    "prack that offers": lambda now: pracks(now.caller, now.response, body=media(now.caller, 2)),
    "next": lambda now: rings(now.callee, 2, 180),
    "unreliable": lambda now: now.callee.says(182),
    "199": lambda now: now.callee.says(199),
    "200": lambda now: now.callee.says(200, body=b""),
    "486": lambda now: now.callee.says(486),
    "cancel": lambda now: now.caller.cancel(),
    "caller's bye": lambda now: now.caller.asks("BYE"),
    "callee's bye": lambda now: now.callee.asks("BYE"),
    "caller updates": lambda now: now.caller.asks("UPDATE", body=media(now.caller, 3)),
    "callee updates": lambda now: now.callee.asks("UPDATE", body=media(now.callee, 3)),
    "callee informs": lambda now: now.callee.asks("INFO"),
    "a moment": lambda now: now.stage.pass_time(1),
    "time": lambda now: now.stage.pass_time(GIVE_UP + 0.2),
    "stop": lambda now: now.stage.router.interrupt(),
}


@pytest.mark.parametrize("body", [True, False], ids=["sdp", "without"])
@pytest.mark.parametrize(("first", "second"), list(permutations(EVENTS, 2)))
def test_two_at_once_before_the_answer(stage: Stage, first: str, second: str, body: bool) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, body=callee.party.sdp if body else b"")
    now = Rung(stage, caller, callee, rang(caller))
    for event in (first, second):
        EVENTS[event](now)
    settle(stage, 2, caller, callee)
    callee.says(486)
    for leg in (caller, callee):
        leg.asks("BYE")
    settle(stage, GIVE_UP + 2, caller, callee)
    assert stage.router.calls == {}
    assert len(stage.ear.records) == 1
    assert stage.ear.refused["internal error"] == 0


def kept(stage: Stage) -> Assurance | None:
    (call,) = stage.router.calls.values()
    return call.caller.assurance


def test_a_call_that_stands_keeps_nothing_of_it(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    crosses(caller, callee, 1, body=callee.party.sdp)
    rings(callee, 2, 180)
    response = rang(caller, 180)
    is_answered(caller, callee)
    assert kept(stage) is not None  # a PRACK is missing
    pracks(caller, response)
    pracked(callee, 2)
    caller.hears(200, "PRACK")
    assert kept(stage) is None
    part(caller, callee)


def test_what_waited_behind_a_prack_that_never_comes_is_not_kept(stage: Stage) -> None:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 1, 180)
    rang(caller, 180)
    callee.says(181)
    is_answered(caller, callee)
    gc.collect()
    assert [each.code for each in gc.get_objects() if type(each) is Ringing] == [180]
    part(caller, callee)
