"""Whatever two things happen while a refresh of ours is open, in either order: both ends hear an end of the call."""

from itertools import permutations

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.in_call import WHO
from tests.b2bua.sessions import TIMER, is_refreshed, one_sided, refreshed_by_us
from tests.b2bua.stage import Stage
from tests.b2bua.test_races import EVENTS, Open, settle

ON_A_REFRESH = {name: event for name, event in EVENTS.items() if name not in ("cancel", "ack", "this informs")} | {
    "other refreshes": lambda now: now.other.asks("UPDATE", TIMER, "Session-Expires: 90;refresher=uac"),
    "491": lambda now: now.other.answers(now.invite, 491),
    "422": lambda now: now.other.answers(now.invite, 422, "Min-SE: 120"),
}
"""``other`` is the end whose session is refreshed."""


@WHO
@pytest.mark.parametrize(("first", "second"), list(permutations(ON_A_REFRESH, 2)))
def test_two_while_a_refresh_is_open(stage: Stage, who: str, first: str, second: str) -> None:
    other, this = one_sided(stage, who, TIMER, refreshed_by_us(who, 90))
    now = Open(stage, this, other, is_refreshed(stage, other, 45, "INVITE"))
    for event in (first, second):
        ON_A_REFRESH[event](now)
    settle(stage, 2, this, other)
    for leg in (this, other):
        leg.asks("BYE")
    settle(stage, GIVE_UP + 2, this, other)
    assert stage.router.calls == {}
    assert len(stage.ear.records) == 1
    assert stage.ear.refused["internal error"] == 0
    assert len(stage.router.deadlines) == 0
