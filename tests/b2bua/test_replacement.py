"""An INVITE with Replaces (RFC 3891): its sender takes the place of a leg in a call."""

import pytest

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import accepts, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.b2bua.transfers import FROM_ANYWHERE, WHO, ends
from tests.end_to_end.wire import beside_origin, origin, tag_of


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(peers=FROM_ANYWHERE)


def replaces(leg: Leg, more: str = "") -> str:
    """The header that names the dialog of this leg."""
    return f"Replaces: {leg.call_id};to-tag={tag_of(leg.remote)};from-tag={tag_of(leg.local)}{more}"


def takes_over(replaced: Leg, *headers: str, body: bytes | None = None) -> Leg:
    """Whoever sends an INVITE from where this leg is, to replace it."""
    return replaced.party.calls(PREMISE_ONLY, replaces(replaced), *headers, body=body, calling="+13125550177")


@WHO
def test_the_new_one_takes_the_place(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced, "Require: replaces")
    new.hears(100)
    again = stays.hears("INVITE")
    assert beside_origin(again.body) == beside_origin(new.party.sdp)
    assert origin(again.body)[2] == origin(replaced.party.sdp)[2] + (again.body != replaced.party.sdp)
    stays.answers(again, 200, body=media(stays, 2))
    assert new.hears(200).body == media(stays, 2)
    stage.pass_time(0.1)
    replaced.hears_nothing()
    new.ack()
    stays.hears("ACK")
    replaced.is_hung_up()
    assert stage.loads() == {
        "": (1, 0),
        "carrier": (1, 0),
        "premise": (0, 1) if who == "caller" else (1, 0),
    }
    accepts(new, reinvites(stays, new), stays)
    accepts(stays, reinvites(new, stays), new)
    part(new, stays)
    assert (stage.record.outcome, stage.record.ended_by) == ("answered", who)
    assert f"took the {who}'s place" in stage.record.reason


@WHO
def test_without_an_offer(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced, body=b"")
    new.hears(100)
    again = stays.hears("INVITE")
    assert again.body == b""
    stays.answers(again, 200, body=media(stays, 2))
    new.hears(200)
    new.ack(body=new.party.sdp)
    assert beside_origin(stays.hears("ACK").body) == beside_origin(new.party.sdp)
    replaced.is_hung_up()
    part(stays, new)


@WHO
def test_who_stays_refuses(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced)
    new.hears(100)
    stays.answers(stays.hears("INVITE"), 488)
    stays.hears("ACK")
    new.hears_refusal(488)
    accepts(replaced, reinvites(stays, replaced), stays)
    part(replaced, stays)


@WHO
def test_the_new_one_cancels(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced)
    new.hears(100)
    again = stays.hears("INVITE")
    stays.answers(again, 100)
    new.cancel()
    new.hears(200, "CANCEL")
    stays.answers(stays.hears("CANCEL"), 200)
    stays.answers(again, 487)
    stays.hears("ACK")
    new.hears_refusal(487)
    part(replaced, stays)


@WHO
def test_the_replaced_one_hangs_up_first(stage: Stage, who: str) -> None:
    """As soon as the new one is accepted, that ends no call."""
    replaced, stays = ends(stage, who)
    new = takes_over(replaced)
    new.hears(100)
    stays.answers(stays.hears("INVITE"), 200, body=media(stays, 2))
    new.hears(200)
    replaced.hangs_up()
    new.ack()
    stays.hears("ACK")
    part(stays, new)


@WHO
@pytest.mark.parametrize("by", ["replaced", "stays"])
def test_somebody_hangs_up_before_it_is_agreed(stage: Stage, who: str, by: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced)
    new.hears(100)
    again = stays.hears("INVITE")
    first, second = (replaced, stays) if by == "replaced" else (stays, replaced)
    first.hangs_up()
    second.is_hung_up()
    stays.answers(again, 487)
    stays.hears("ACK")
    new.hears_refusal(487)


@WHO
def test_who_stays_hangs_up_before_the_ack(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced)
    new.hears(100)
    stays.answers(stays.hears("INVITE"), 200, body=media(stays, 2))
    new.hears(200)
    stays.hangs_up()
    stays.hears("ACK")
    replaced.is_hung_up()
    new.ack()
    new.is_hung_up()


@WHO
def test_the_new_one_hangs_up_before_its_ack(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced)
    new.hears(100)
    stays.answers(stays.hears("INVITE"), 200, body=media(stays, 2))
    new.hears(200)
    new.hangs_up()
    stays.hears("ACK")
    stays.is_hung_up()
    replaced.is_hung_up()


@WHO
def test_the_new_one_never_acknowledges(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    new = takes_over(replaced)
    new.hears(100)
    again = stays.hears("INVITE")
    stays.answers(again, 200, body=media(stays, 2))
    stage.pass_time(GIVE_UP + 0.2)
    new.party.unheard = [each for each in new.party.unheard if each.code != 200]
    for leg in (new, replaced, stays):
        if leg is stays:
            stays.hears("ACK")
        leg.is_hung_up()


@WHO
@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Replaces: nobody;to-tag=a;from-tag=b", 481),
        ("Replaces: nobody;to-tag=a", 400),
        ("Replaces: {}\r\nReplaces: {}", 400),
        ("Replaces: {};early-only", 486),
    ],
)
def test_what_is_refused(stage: Stage, who: str, header: str, code: int) -> None:
    replaced, stays = ends(stage, who)
    mine = replaces(replaced).partition(": ")[2]
    new = replaced.party.calls(PREMISE_ONLY, *header.format(mine, mine).split("\r\n"))
    new.hears_refusal(code)
    part(replaced, stays)


def test_another_trunk_may_not(stage: Stage) -> None:
    caller, callee = stage.connected()
    new = stage.cloud.calls(PREMISE_ONLY, replaces(callee))
    new.hears_refusal(403)
    wrong = f"Replaces: {caller.call_id};to-tag={tag_of(caller.remote)};from-tag=other"
    stage.carrier.calls(PREMISE_ONLY, wrong).hears_refusal(481)
    part(caller, callee)


def test_a_call_that_only_rings(stage: Stage) -> None:
    caller, callee = stage.ringing()
    for leg in (caller, callee):
        leg.party.calls(PREMISE_ONLY, replaces(leg)).hears_refusal(481)
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    part(caller, callee)


@WHO
def test_while_something_else_is_negotiated(stage: Stage, who: str) -> None:
    replaced, stays = ends(stage, who)
    invite = reinvites(stays, replaced)
    takes_over(replaced).hears_refusal(491)
    accepts(replaced, invite, stays)
    part(replaced, stays)
