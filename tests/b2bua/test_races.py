"""Whatever two things happen while a re-INVITE or an UPDATE is open, in either order and from either side: both hear
an end.
"""

from collections.abc import Callable
from itertools import permutations
from typing import Final, NamedTuple

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.in_call import WHO, ends_of, media
from tests.b2bua.leg import Leg
from tests.b2bua.stage import Stage
from tests.end_to_end.wire import Wire


class Open(NamedTuple):
    """A re-INVITE or UPDATE of ``this`` that the ``other`` has heard as ``invite``."""

    stage: Stage
    this: Leg
    other: Leg
    invite: Wire


def cancels(now: Open) -> None:
    branch, seq = now.this.invite.branch, now.this.invite.cseq
    now.this.party.says(now.this.request("CANCEL", branch=branch, seq=seq))


def acknowledges(now: Open) -> None:
    now.this.party.says(now.this.request("ACK", seq=now.this.invite.cseq))


EVENTS: Final[dict[str, Callable[[Open], object]]] = {
    "this hangs up": lambda now: now.this.asks("BYE"),
    "other hangs up": lambda now: now.other.asks("BYE"),
    "cancel": cancels,
    "180": lambda now: now.other.answers(now.invite, 180),
    "200": lambda now: now.other.answers(now.invite, 200, body=media(now.other, 2)),
    "488": lambda now: now.other.answers(now.invite, 488),
    "481": lambda now: now.other.answers(now.invite, 481),
    "ack": acknowledges,
    "this invites": lambda now: now.this.asks("INVITE", body=media(now.this, 3)),
    "other invites": lambda now: now.other.asks("INVITE", body=media(now.other, 3)),
    "this updates": lambda now: now.this.asks("UPDATE", body=media(now.this, 3)),
    "other updates": lambda now: now.other.asks("UPDATE", body=media(now.other, 3)),
    "this informs": lambda now: now.this.asks("INFO"),
    "this refers": lambda now: now.this.asks("REFER", "Refer-To: <sip:x@198.51.100.9>"),
    "other refers": lambda now: now.other.asks("REFER", "Refer-To: <sip:x@198.51.100.9>"),
    "time": lambda now: now.stage.pass_time(GIVE_UP),
    "stop": lambda now: now.stage.router.interrupt(),
}
OF_AN_UPDATE: Final = [each for each in EVENTS if each not in ("cancel", "180", "481", "ack", "this informs")]


@WHO
@pytest.mark.parametrize(("first", "second"), list(permutations(EVENTS, 2)))
def test_two_at_once(stage: Stage, who: str, first: str, second: str) -> None:
    this, other = ends_of(stage, who)
    this.invite = this.asks("INVITE", body=media(this, 2))
    this.hears(100)
    happen(Open(stage, this, other, other.hears("INVITE")), first, second)


@WHO
@pytest.mark.parametrize(("first", "second"), list(permutations(OF_AN_UPDATE, 2)))
def test_two_while_an_update_is_open(stage: Stage, who: str, first: str, second: str) -> None:
    this, other = ends_of(stage, who)
    this.asks("UPDATE", body=media(this, 2))
    happen(Open(stage, this, other, other.hears("UPDATE")), first, second)


def happen(now: Open, first: str, second: str) -> None:
    """Both happen, and then both ends hear an end."""
    stage, this, other, _ = now
    for event in (first, second):
        EVENTS[event](now)
    settle(stage, 2, this, other)
    for leg in (this, other):
        leg.asks("BYE")
    settle(stage, GIVE_UP + 2, this, other)
    assert stage.router.calls == {}
    assert len(stage.ear.records) == 1
    assert stage.ear.refused["internal error"] == 0


def settle(stage: Stage, seconds: float, *legs: Leg) -> None:
    """Both ends answer what they are asked for so long, as who wants no trouble."""
    for _ in range(round(seconds / 0.5)):
        for leg in legs:
            while leg.party.unheard:
                reacts(leg, leg.party.unheard.pop(0))
        stage.pass_time(0.5)


def reacts(leg: Leg, message: Wire) -> None:
    if message.method == "INVITE":
        leg.answers(message, 487)
    elif message.method and message.method != "ACK":
        leg.answers(message, 200)
    elif message.code >= 200 and message.cseq_method == "INVITE":
        branch = message.branch if message.code >= 300 else ""
        leg.party.says(leg.request("ACK", branch=branch, seq=message.cseq))
