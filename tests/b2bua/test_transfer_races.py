"""Whatever two things happen while a transfer is under way, in either order: all hear an end, and nothing is left."""

from collections.abc import Callable
from itertools import permutations
from typing import Final, NamedTuple

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import media
from tests.b2bua.leg import Leg
from tests.b2bua.stage import Stage
from tests.b2bua.transfers import FROM_ANYWHERE, TO_CLOUD, ends, refers
from tests.end_to_end.wire import Wire, tag_of


class Underway(NamedTuple):
    """A transfer: the new party rings, or has answered, and who stays is being re-INVITEd (``again``)."""

    stage: Stage
    transferor: Leg
    stays: Leg
    new: Leg
    again: Wire | None


def answers(now: Underway, code: int) -> None:
    """Who stays answers his re-INVITE; before that the new party answers its INVITE."""
    if now.again is not None:
        now.stays.answers(now.again, code, body=now.stays.party.sdp if code == 200 else b"")
    else:
        now.new.says(code)


def takes_over(now: Underway) -> None:
    leg = now.stays
    tags = f"to-tag={tag_of(leg.remote)};from-tag={tag_of(leg.local)}"
    leg.party.calls("+18005551000", f"Replaces: {leg.call_id};{tags}")


EVENTS: Final[dict[str, Callable[[Underway], object]]] = {
    "transferor hangs up": lambda now: now.transferor.asks("BYE"),
    "who stays hangs up": lambda now: now.stays.asks("BYE"),
    "new party hangs up": lambda now: now.new.asks("BYE"),
    "180": lambda now: now.new.says(180),
    "200": lambda now: answers(now, 200),
    "488": lambda now: answers(now, 488),
    "491": lambda now: answers(now, 491),
    "481": lambda now: answers(now, 481),
    "transferor invites": lambda now: now.transferor.asks("INVITE", body=media(now.transferor, 3)),
    "who stays invites": lambda now: now.stays.asks("INVITE", body=media(now.stays, 3)),
    "who stays updates": lambda now: now.stays.asks("UPDATE", body=media(now.stays, 3)),
    "who stays informs": lambda now: now.stays.asks("INFO"),
    "transferor refers": lambda now: now.transferor.asks("REFER", TO_CLOUD),
    "who stays refers": lambda now: now.stays.asks("REFER", TO_CLOUD),
    "new party refers": lambda now: now.new.asks("REFER", TO_CLOUD),
    "new party invites": lambda now: now.new.asks("INVITE", body=media(now.new, 3)),
    "who stays is replaced": takes_over,
    "time": lambda now: now.stage.pass_time(GIVE_UP),
    "stop": lambda now: now.stage.router.interrupt(),
}


PAIRS: Final = [(("caller", "callee")[place % 2], *pair) for place, pair in enumerate(permutations(EVENTS, 2))]


@pytest.mark.parametrize("answered", [False, True], ids=["ringing", "answered"])
@pytest.mark.parametrize(("who", "first", "second"), PAIRS)
def test_two_while_it_is_transferred(open_stage: OpenStage, who: str, answered: bool, first: str, second: str) -> None:
    stage = open_stage(peers=FROM_ANYWHERE)
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    again = None
    if answered:
        new.says(200)
        new.hears("ACK")
        again = stays.hears("INVITE")
    now = Underway(stage, transferor, stays, new, again)
    EVENTS[first](now)
    EVENTS[second](now)
    winds_down(stage)
    assert len(stage.ear.records) in (1, 2)
    assert stage.ear.refused["internal error"] == 0


def winds_down(stage: Stage) -> None:
    """Whatever is asked from now on is answered or refused, and all hang up on what they believe to be a call."""
    for _ in range(3):
        for _ in range(6):
            settle(stage)
        for call in list(stage.router.calls.values()):
            for leg in (call.caller, call.callee):
                if leg is not None and call.record.call_id in stage.router.calls:
                    hang_up_on(stage, leg.dialog.call_id, leg.dialog.remote, leg.dialog.local)
        stage.pass_time(2)
    stage.pass_time(GIVE_UP)
    for party in stage.line.parties.values():
        party.unheard.clear()


def hang_up_on(stage: Stage, call_id: str, from_: str, to: str) -> None:
    party = stage.premise
    leg = Leg(party, call_id, from_, to, "sip:192.0.2.1:5060")
    leg.seq = 900 + len(party.unheard)
    leg.asks("BYE")


def settle(stage: Stage) -> None:
    """Everybody answers what he has heard."""
    for party in list(stage.line.parties.values()):
        heard, party.unheard = party.unheard, []
        for message in heard:
            if message.code or message.method == "ACK":
                continue
            leg = Leg(party, message.get("Call-ID"), message.get("To"), message.get("From"), "sip:192.0.2.1:5060")
            if not tag_of(leg.local):
                leg.local += ";tag=settled"
            leg.answers(message, 488 if message.method == "INVITE" else 200)
    stage.pass_time(0.1)
