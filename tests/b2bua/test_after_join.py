"""Whoever has seen SDP of two sources knows the router's o= from then on, whatever else comes (RFC 3264 §8)."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import WHO, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.b2bua.test_refer import kept
from tests.end_to_end.wire import Wire, beside_origin, origin


def agree(asker: Leg, asked: Leg, offer: bytes, answer: bytes, late: bool = False) -> tuple[Wire, Wire]:
    """Has both agree anew; returns what each of them hears of the other's SDP: who was asked, and who asked."""
    invite = reinvites(asker, asked, body=b"" if late else offer)
    asked.answers(invite, 200, body=answer)
    heard = asker.hears(200)
    asker.ack(body=offer if late else b"")
    ack = asked.hears("ACK")
    return (ack if late else invite), heard


@WHO
@pytest.mark.parametrize("body", [None, b""], ids=["offer", "late offer"])
@pytest.mark.parametrize("late", [False, True], ids=["hold", "hold without offer"])
def test_after_a_join_both_hear_of_one_session_that_counts_up_by_one(
    stage: Stage, who: str, body: bytes | None, late: bool
) -> None:
    caller, callee = kept(stage, body)
    callee.says(200)
    if body is None:
        callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    if body is not None:
        callee.hears("ACK")
    asker, asked = (caller, callee) if who == "caller" else (callee, caller)
    known_to_callee, known_to_caller = origin(stage.carrier.sdp), origin(again.body)
    for step in (1, 2):
        mine, yours = media(asker, 10 * step, "sendonly"), media(asked, 7 * step, "recvonly")
        for repeated in (False, True):  # the same text has the same version
            to_asked, to_asker = agree(asker, asked, mine, yours, late and not repeated)
            to_callee, to_caller = (to_asked, to_asker) if who == "caller" else (to_asker, to_asked)
            for came, known in ((to_callee, known_to_callee), (to_caller, known_to_caller)):
                user, session, version, address = known
                assert origin(came.body) == (user, session, version + step, address)
            assert beside_origin(to_asked.body) == beside_origin(mine)
            assert beside_origin(to_asker.body) == beside_origin(yours)
    part(asker, asked)


@WHO
def test_after_a_join_an_update_counts_too(stage: Stage, who: str) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    asker, asked = (caller, callee) if who == "caller" else (callee, caller)
    asker.asks("UPDATE", body=media(asker, 30))
    came = asked.hears("UPDATE")
    asked.answers(came, 200, body=media(asked, 40))
    heard = asker.hears(200, "UPDATE")
    to_callee, to_caller = (came, heard) if who == "caller" else (heard, came)
    assert origin(to_callee.body)[2] == origin(stage.carrier.sdp)[2] + 1
    assert origin(to_caller.body)[2] == origin(again.body)[2] + 1
    part(asker, asked)


@WHO
def test_what_is_no_sdp_passes_and_counts_nothing(stage: Stage, who: str) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.answers(again, 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    asker, asked = (caller, callee) if who == "caller" else (callee, caller)
    asker.asks("UPDATE", "Content-Type: application/x-other", body=b"Hello")
    came = asked.hears("UPDATE")
    assert came.body == b"Hello"
    asked.answers(came, 200)
    asker.hears(200, "UPDATE")
    _, heard = agree(caller, callee, media(caller, 2), media(callee, 2))
    assert origin(heard.body)[2] == origin(again.body)[2] + 1
    part(asker, asked)


@WHO
def test_a_caller_who_saw_early_media_of_another_target(open_stage: OpenStage, who: str) -> None:
    """His o= is the first target's; the callee has only ever seen his own."""
    targets = ["sip:198.51.100.31:5060", "sip:198.51.100.22:5060"]
    stage = open_stage(premise={"targets": targets})
    caller = stage.carrier.calls(PREMISE_ONLY)
    first = stage.premise.is_called()
    first.says(183, body=stage.premise.sdp)
    first.refuses(500)
    callee = stage.spare.is_called()
    callee.says(200)
    caller.hears(100)
    caller.hears(183)
    connected = caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    asker, asked = (caller, callee) if who == "caller" else (callee, caller)
    mine, yours = media(asker, 2, "sendonly"), media(asked, 2, "recvonly")
    to_asked, to_asker = agree(asker, asked, mine, yours)
    to_callee, to_caller = (to_asked, to_asker) if who == "caller" else (to_asker, to_asked)
    user, session, version, address = origin(connected.body)
    assert origin(stage.premise.sdp) == (user, session, version - 1, address)
    assert origin(to_caller.body) == (user, session, version + 1, address)
    assert to_callee.body == media(caller, 2, "sendonly" if who == "caller" else "recvonly")
    part(asker, asked)
