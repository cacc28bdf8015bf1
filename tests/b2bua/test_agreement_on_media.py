"""What each side of a transfer is told when somebody answers with other media than he had before (RFC 3725 §4.2)."""

from typing import Final

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import accepts, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.b2bua.test_attended_transfer import WHOS, begins, loses, two_calls
from tests.b2bua.transfers import FROM_ANYWHERE, WHO, is_told, refers
from tests.end_to_end.wire import Wire, beside_origin, origin

PORT: Final = 40_000
NOBODY: Final = "0" * 32


def secure(leg: Leg, version: int, port: int, key: str) -> bytes:
    """The SDP of a leg with this port and key."""
    body = media(leg, version).replace(b"m=audio %d RTP/AVP" % PORT, b"m=audio %d RTP/SAVP" % port)
    return body + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n".encode()


def moved(leg: Leg, version: int, port: int = PORT + 2) -> bytes:
    """The SDP of a leg with another port."""
    return media(leg, version).replace(b"%d" % PORT, b"%d" % port)


def hears(leg: Leg, said: bytes, answer: bytes) -> Wire:
    """A leg is offered what the other ``said``, and answers."""
    offer = leg.hears("INVITE")
    assert beside_origin(offer.body) == beside_origin(said)
    leg.answers(offer, 200, body=answer)
    leg.hears("ACK")
    return offer


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    rules = [{"name": "back", "when": 'call.called.endsWith("6000")', "to": "carrier"}]
    return open_stage(rules=rules, peers=(*FROM_ANYWHERE, {"name": "carrier", "outgoing": {"trunk": "carrier"}}))


# ------------------------------------------------------------------------------------------------ blind


@WHO
@pytest.mark.parametrize(("port", "key"), [(PORT + 10, "stays1"), (PORT, "stays2"), (PORT + 10, "stays2")])
def test_what_each_side_hears_after_a_blind_transfer(stage: Stage, who: str, port: int, key: str) -> None:
    """Who stays answers with another port or key: the new party hears of it, and so on until both know the same."""
    caller = stage.carrier.calls(PREMISE_ONLY)
    callee = stage.premise.is_called()
    transferor, stays = (caller, callee) if who == "caller" else (callee, caller)
    callee.says(200)
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    first = secure(stays, 2, PORT, "stays1")
    secured = reinvites(stays, transferor, body=first)
    transferor.answers(secured, 200, body=secure(transferor, 2, PORT, "transferor"))
    stays.hears(200)
    stays.ack()
    transferor.hears("ACK")

    new = refers(transferor, new=stage.cloud)
    assert new.invite.body == first
    answer = secure(new, 1, PORT, "new1")
    new.says(200, body=answer)
    new.hears("ACK")
    second = secure(stays, 3, port, key)
    to_stays = hears(stays, answer, second)
    user, session, version, address = origin(secure(transferor, 2, PORT, "transferor"))
    assert origin(to_stays.body) == (user, session, version + 1, address)
    third = secure(new, 2, PORT, "new2")
    to_new = hears(new, second, third)
    assert origin(to_new.body) == (*origin(first)[:2], origin(first)[2] + 1, origin(first)[3])
    again = hears(stays, third, secure(stays, 4, port, key))
    assert origin(again.body) == (user, session, version + 2, address)
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    accepts(new, reinvites(stays, new), stays)
    accepts(stays, reinvites(new, stays), new)
    part(stays, new)


@WHO
@pytest.mark.parametrize("named", [True, False])
def test_every_offer_says_whose_session_it_is(stage: Stage, who: str, named: bool) -> None:
    """RFC 7989 §7: by the name that the new party heard first, though it be ours."""
    his = {"caller": "a" * 32, "callee": "b" * 32}
    caller = stage.carrier.calls(PREMISE_ONLY, *([f"Session-ID: {his['caller']};remote={NOBODY}"] if named else []))
    callee = stage.premise.is_called()
    callee.says(200, *([f"Session-ID: {his['callee']};remote={his['caller']}"] if named else []))
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    transferor, stays = (caller, callee) if who == "caller" else (callee, caller)
    new = refers(transferor, new=stage.cloud)
    mine, theirs = new.invite.get("Session-ID")[:32], "c" * 32
    if named:
        assert mine == his["callee" if who == "caller" else "caller"]
    new.says(200, f"Session-ID: {theirs};remote={mine}")
    new.hears("ACK")
    assert hears(stays, new.party.sdp, moved(stays, 2)).get("Session-ID") == f"{theirs};remote={mine}"
    assert hears(new, moved(stays, 2), moved(new, 2)).get("Session-ID") == f"{mine};remote={theirs}"
    assert hears(stays, moved(new, 2), moved(stays, 3)).get("Session-ID") == f"{theirs};remote={mine}"
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    part(stays, new)


# ------------------------------------------------------------------------------------------------ brought back


def refused_by_who_stays(transferor: Leg, stays: Leg, consulting: Leg, asked: Leg) -> None:
    """Who was asked has taken the new media, who stays hasn't: the first is back, by another port than before."""
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    stays.answers(stays.hears("INVITE"), 488)
    stays.hears("ACK")
    hears(asked, consulting.party.sdp, moved(asked, 3))


@WHOS
@pytest.mark.parametrize("moves", [False, True])
def test_the_transferor_hears_where_who_was_asked_is_now(stage: Stage, first: str, second: str, moves: bool) -> None:
    """And if he moves in turn, the other hears of that."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    refused_by_who_stays(transferor, stays, consulting, asked)
    if moves:
        hears(consulting, moved(asked, 3), moved(consulting, 2))
        hears(asked, moved(consulting, 2), moved(asked, 4))
    else:
        hears(consulting, moved(asked, 3), media(consulting, 2))
    is_told(transferor, "488 Not Acceptable Here")
    accepts(consulting, reinvites(asked, consulting), asked)
    part(consulting, asked)
    part(transferor, stays)


@WHOS
@pytest.mark.parametrize("which", range(4))
def test_nobody_negotiates_while_he_hears_that(stage: Stage, first: str, second: str, which: int) -> None:
    transferor, stays, consulting, asked = legs = two_calls(stage, first, second)
    refused_by_who_stays(transferor, stays, consulting, asked)
    offer = consulting.hears("INVITE")
    asker = legs[which]
    asker.asks("UPDATE", body=media(asker, 5))
    asker.hears(491, "UPDATE")
    consulting.answers(offer, 200, body=media(consulting, 2))
    consulting.hears("ACK")
    is_told(transferor, "488 Not Acceptable Here")
    part(consulting, asked)
    part(transferor, stays)


@WHOS
@pytest.mark.parametrize("moves", [False, True])
def test_the_transferor_hangs_up_as_he_hears_that(stage: Stage, first: str, second: str, moves: bool) -> None:
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    refused_by_who_stays(transferor, stays, consulting, asked)
    if moves:  # and is offered nothing more
        hears(consulting, moved(asked, 3), moved(consulting, 2))
        offer = asked.hears("INVITE")
        consulting.hangs_up()
        asked.answers(offer, 200, body=moved(asked, 4, PORT + 4))
        asked.hears("ACK")
    else:
        offer = consulting.hears("INVITE")
        consulting.hangs_up()
        consulting.answers(offer, 487)
        consulting.hears("ACK")
    is_told(transferor, "488 Not Acceptable Here")
    asked.is_hung_up()
    part(transferor, stays)


@WHOS
@pytest.mark.parametrize("code", [200, 481])
def test_the_call_ends_as_he_hears_that(stage: Stage, first: str, second: str, code: int) -> None:
    """The other one goes on, if he is there."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    refused_by_who_stays(transferor, stays, consulting, asked)
    offer = consulting.hears("INVITE")
    loses(transferor, stays)
    stays.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    transferor.is_hung_up()
    consulting.answers(offer, code, body=media(consulting, 2) if code == 200 else b"")
    consulting.hears("ACK")
    if code == 200:
        accepts(consulting, reinvites(asked, consulting), asked)
        part(consulting, asked)
    else:
        consulting.is_hung_up()
        asked.is_hung_up()


@WHOS
@pytest.mark.parametrize("code", [0, 200, 488])
def test_the_transferor_hears_where_who_stays_is_now(stage: Stage, first: str, second: str, code: int) -> None:
    """The other call has ended; 0: he hangs up himself."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    offered = stays.hears("INVITE")
    loses(consulting, asked)
    consulting.is_hung_up()
    asked.is_hung_up()
    stays.answers(offered, 200, body=media(stays, 2))
    stays.hears("ACK")
    hears(stays, transferor.party.sdp, moved(stays, 3))
    offer = transferor.hears("INVITE")
    assert beside_origin(offer.body) == beside_origin(moved(stays, 3))
    if code == 0:
        transferor.hangs_up()
        transferor.answers(offer, 487)
        transferor.hears("ACK")
        is_told(transferor, "500 Server Internal Error")
        stays.is_hung_up()
        return
    transferor.answers(offer, code, body=media(transferor, 2) if code == 200 else b"")
    transferor.hears("ACK")
    is_told(transferor, "500 Server Internal Error")
    accepts(transferor, reinvites(stays, transferor), stays)
    part(transferor, stays)


@WHOS
def test_the_transferor_hears_where_who_was_asked_is_after_the_call_has_ended(
    stage: Stage, first: str, second: str
) -> None:
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    again = begins(transferor, consulting, asked)
    loses(transferor, stays)
    stays.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    transferor.is_hung_up()
    asked.answers(again, 200, body=media(asked, 2))
    asked.hears("ACK")
    hears(asked, consulting.party.sdp, moved(asked, 3))
    hears(consulting, moved(asked, 3), media(consulting, 2))
    accepts(consulting, reinvites(asked, consulting), asked)
    part(consulting, asked)
