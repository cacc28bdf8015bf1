"""A REFER with Replaces: a transfer to somebody whom the transferor has asked first (RFC 5589 §7)."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import accepts, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage
from tests.b2bua.transfers import FROM_ANYWHERE, arrives, ends, is_told, refers
from tests.end_to_end.wire import Wire, beside_origin, tag_of

WHOS = pytest.mark.parametrize(
    ("first", "second"), [("caller", "caller"), ("callee", "caller"), ("caller", "callee"), ("callee", "callee")]
)


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(peers=FROM_ANYWHERE)


def refer_to(consulting: Leg, more: str = "") -> str:
    tags = f"to-tag%3D{tag_of(consulting.remote)}%3Bfrom-tag%3D{tag_of(consulting.local)}{more}"
    return f"Refer-To: <sip:{CLOUD_FIRST}@192.0.2.1?Replaces={consulting.call_id.replace('@', '%40')}%3B{tags}>"


def two_calls(stage: Stage, first: str, second: str) -> tuple[Leg, Leg, Leg, Leg]:
    """The transferor's leg of a call and who is there, his leg of another and whom he asks there.

    He is the carrier's where he is the caller of the first, else the premise's.
    """
    transferor, stays = ends(stage, first)
    me = transferor.party
    if second == "caller":
        consulting = me.calls(CLOUD_FIRST, calling="+13125550123")
        consulting.hears(100)
        asked = stage.cloud.is_called()
        asked.says(200)
        consulting.hears(200)
        consulting.ack()
        asked.hears("ACK")
    else:
        rules_there = {stage.premise: PREMISE_ONLY, stage.carrier: "+18005556000"}
        asked = stage.cloud.calls(rules_there[me])
        asked.hears(100)
        consulting = me.is_called()
        consulting.says(200)
        asked.hears(200)
        asked.ack()
        consulting.hears("ACK")
    return transferor, stays, consulting, asked


def begins(transferor: Leg, consulting: Leg, asked: Leg) -> Wire:
    """The REFER is accepted, and who was asked is re-INVITEd."""
    transferor.asks("REFER", refer_to(consulting))
    transferor.hears(202)
    is_told(transferor, "100 Trying")
    return asked.hears("INVITE")


@pytest.fixture
def both(open_stage: OpenStage) -> Stage:
    rules = [{"name": "back", "when": 'call.called.endsWith("6000")', "to": "carrier"}]
    return open_stage(rules=rules, peers=(*FROM_ANYWHERE, {"name": "carrier", "outgoing": {"trunk": "carrier"}}))


@WHOS
def test_the_two_are_joined(both: Stage, first: str, second: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    again = begins(transferor, consulting, asked)
    assert beside_origin(again.body) == beside_origin(stays.party.sdp)
    asked.answers(again, 200, body=media(asked, 2))
    asked.hears("ACK")
    offered = stays.hears("INVITE")
    assert beside_origin(offered.body) == beside_origin(media(asked, 2))
    stays.answers(offered, 200, body=stays.party.sdp)
    stays.hears("ACK")
    consulting.is_hung_up()
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    trunks = {"": (1, 0), "cloud": (0, 1) if second == "caller" else (1, 0)}
    trunks["premise" if first == "caller" else "carrier"] = (0, 1) if first == "caller" else (1, 0)
    assert both.loads() == trunks
    accepts(asked, reinvites(stays, asked), stays)
    accepts(stays, reinvites(asked, stays), asked)
    part(stays, asked)
    over, whole = both.ear.records
    assert (over.outcome, whole.outcome) == ("answered", "answered")
    assert whole.transferred_to == f"sip:{CLOUD_FIRST}@192.0.2.1"
    assert whole.call_id in over.reason


@pytest.mark.parametrize("refused", [False, True])
def test_sessions_keep_their_name(both: Stage, refused: bool) -> None:
    """RFC 7989 §7: each of the two hears the other's, and who is brought back that of the one whom he had."""
    nobody, mine, at_first, there, theirs = "0" * 32, "a" * 32, "b" * 32, "d" * 32, "c" * 32
    transferor = both.carrier.calls(PREMISE_ONLY, f"Session-ID: {at_first};remote={nobody}")
    stays = both.premise.is_called()
    consulting = both.carrier.calls(CLOUD_FIRST, f"Session-ID: {there};remote={nobody}")
    asked = both.cloud.is_called()
    for caller, callee, name in ((transferor, stays, mine), (consulting, asked, theirs)):
        callee.says(200, f"Session-ID: {name};remote={callee.invite.get('Session-ID')[:32]}")
        caller.hears(100)
        caller.hears(200)
        caller.ack()
        callee.hears("ACK")
    again = begins(transferor, consulting, asked)
    assert again.get("Session-ID") == f"{mine};remote={theirs}"
    asked.answers(again, 200, body=media(asked, 2))
    asked.hears("ACK")
    offered = stays.hears("INVITE")
    assert offered.get("Session-ID") == f"{theirs};remote={mine}"
    if refused:
        stays.answers(offered, 488)
        stays.hears("ACK")
        back = asked.hears("INVITE")
        assert back.get("Session-ID") == f"{there};remote={theirs}"
        asked.answers(back, 200, body=media(asked, 3))
        asked.hears("ACK")
        is_told(transferor, "488 Not Acceptable Here")
        part(consulting, asked)
        part(transferor, stays)
        return
    stays.answers(offered, 200, body=stays.party.sdp)
    stays.hears("ACK")
    consulting.is_hung_up()
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    part(stays, asked)


@WHOS
def test_and_transferred_again(both: Stage, first: str, second: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    stays.answers(stays.hears("INVITE"), 200, body=stays.party.sdp)
    stays.hears("ACK")
    consulting.is_hung_up()
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    third = refers(asked, new=both.cloud)
    arrives(asked, stays, third)
    part(third, stays)


@WHOS
def test_the_transferor_hangs_up_both_at_once(both: Stage, first: str, second: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    again = begins(transferor, consulting, asked)
    consulting.hangs_up()
    transferor.hangs_up()
    asked.answers(again, 200, body=media(asked, 2))
    asked.hears("ACK")
    stays.answers(stays.hears("INVITE"), 200, body=stays.party.sdp)
    stays.hears("ACK")
    is_told(transferor, "200 OK")
    part(asked, stays)


@WHOS
def test_who_was_asked_refuses(both: Stage, first: str, second: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    asked.answers(begins(transferor, consulting, asked), 488)
    asked.hears("ACK")
    is_told(transferor, "488 Not Acceptable Here")
    part(consulting, asked)
    part(transferor, stays)


@WHOS
def test_who_was_asked_refuses_and_the_transferor_is_gone(both: Stage, first: str, second: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    again = begins(transferor, consulting, asked)
    transferor.hangs_up()
    consulting.hangs_up()
    asked.answers(again, 488)
    asked.hears("ACK")
    is_told(transferor, "488 Not Acceptable Here")
    stays.is_hung_up()
    asked.is_hung_up()


@WHOS
def test_who_stays_refuses(both: Stage, first: str, second: str) -> None:
    """Who was asked is brought back to the transferor first."""
    transferor, stays, consulting, asked = two_calls(both, first, second)
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    stays.answers(stays.hears("INVITE"), 488)
    stays.hears("ACK")
    back = asked.hears("INVITE")
    assert beside_origin(back.body) == beside_origin(consulting.party.sdp)
    asked.answers(back, 200, body=media(asked, 3))
    asked.hears("ACK")
    is_told(transferor, "488 Not Acceptable Here")
    part(consulting, asked)
    part(transferor, stays)


@WHOS
@pytest.mark.parametrize("by", ["stays", "asked"])
def test_one_of_the_two_hangs_up(both: Stage, first: str, second: str, by: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    again = begins(transferor, consulting, asked)
    (stays if by == "stays" else asked).hangs_up()
    (asked if by == "stays" else stays).is_hung_up()
    consulting.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    transferor.is_hung_up()
    asked.answers(again, 487)
    asked.hears("ACK")


def loses(this: Leg, other: Leg) -> None:
    """The call of these two ends: one says that there is no such dialog (RFC 3261 §12.2.1.2)."""
    this.asks("INFO")
    other.answers(other.hears("INFO"), 481)
    this.hears(481, "INFO")


def is_brought_back(leg: Leg, to: Leg, code: int = 200) -> None:
    """Who has taken media of somebody who is gone is offered those that he had before."""
    back = leg.hears("INVITE")
    assert beside_origin(back.body) == beside_origin(to.party.sdp)
    leg.answers(back, code, body=media(leg, 4) if code == 200 else b"")
    leg.hears("ACK")


@WHOS
@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("first_answered", [False, True])
def test_the_other_call_ends_when_new_media_are_offered(
    both: Stage, first: str, second: str, first_answered: bool, refused: bool
) -> None:
    """Whichever comes first, the answer of who stays or the end of the other call."""
    transferor, stays, consulting, asked = two_calls(both, first, second)
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    offered, again = stays.hears("INVITE"), None
    if first_answered:  # with other media than the first time, so that it goes on
        stays.answers(offered, 200, body=media(stays, 2).replace(b"m=audio 4", b"m=audio 5"))
        stays.hears("ACK")
        again = asked.hears("INVITE")
    loses(consulting, asked)
    consulting.is_hung_up()
    asked.is_hung_up()
    if again is not None:
        asked.answers(again, 487)
        asked.hears("ACK")
    else:
        stays.answers(offered, 200, body=media(stays, 2))
        stays.hears("ACK")
    is_brought_back(stays, transferor, 488 if refused else 200)
    is_told(transferor, "500 Server Internal Error")
    if refused:
        stays.is_hung_up()
        transferor.is_hung_up()
        return
    accepts(transferor, reinvites(stays, transferor), stays)
    part(transferor, stays)


@WHOS
def test_the_other_call_ends_and_who_stays_refuses_the_new_media(both: Stage, first: str, second: str) -> None:
    """He has what he had."""
    transferor, stays, consulting, asked = two_calls(both, first, second)
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    offered = stays.hears("INVITE")
    loses(consulting, asked)
    consulting.is_hung_up()
    asked.is_hung_up()
    stays.answers(offered, 488)
    stays.hears("ACK")
    is_told(transferor, "500 Server Internal Error")
    part(transferor, stays)


@WHOS
@pytest.mark.parametrize("who", ["transferor", "stays"])
def test_one_hangs_up_as_he_is_brought_back(both: Stage, first: str, second: str, who: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    offered = stays.hears("INVITE")
    loses(consulting, asked)
    consulting.is_hung_up()
    asked.is_hung_up()
    stays.answers(offered, 200, body=media(stays, 2))
    stays.hears("ACK")
    if who == "transferor":
        transferor.hangs_up()
        is_brought_back(stays, transferor)
        is_told(transferor, "500 Server Internal Error")
        stays.is_hung_up()
    else:
        back = stays.hears("INVITE")
        stays.hangs_up()
        is_told(transferor, "500 Server Internal Error")
        transferor.is_hung_up()
        stays.answers(back, 487)
        stays.hears("ACK")


@WHOS
def test_the_other_call_ends_before_new_media_are_offered(both: Stage, first: str, second: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    again = begins(transferor, consulting, asked)
    loses(consulting, asked)
    consulting.is_hung_up()
    asked.is_hung_up()
    asked.answers(again, 200, body=media(asked, 2))
    asked.hears("ACK")
    is_told(transferor, "500 Server Internal Error")
    part(transferor, stays)


@WHOS
@pytest.mark.parametrize("what", ["not yet", "took", "refuses to come back", "transferor left", "hangs up"])
def test_the_call_ends_and_who_was_asked_is_brought_back(both: Stage, first: str, second: str, what: str) -> None:
    transferor, stays, consulting, asked = two_calls(both, first, second)
    again = begins(transferor, consulting, asked)
    offered = None
    if what == "took":
        asked.answers(again, 200, body=media(asked, 2))
        asked.hears("ACK")
        offered = stays.hears("INVITE")
    loses(transferor, stays)
    stays.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    transferor.is_hung_up()
    if offered is not None:
        stays.answers(offered, 200, body=media(stays, 2))
        stays.hears("ACK")
    else:
        if what == "transferor left":
            consulting.hangs_up()
        asked.answers(again, 200, body=media(asked, 2))
        asked.hears("ACK")
    if what == "hangs up":
        back = asked.hears("INVITE")
        asked.hangs_up()
        consulting.is_hung_up()
        asked.answers(back, 487)
        asked.hears("ACK")
        return
    is_brought_back(asked, consulting, 488 if what == "refuses to come back" else 200)
    if what == "refuses to come back":
        asked.is_hung_up()
        consulting.is_hung_up()
    elif what == "transferor left":
        asked.is_hung_up()
    else:
        accepts(consulting, reinvites(asked, consulting), asked)
        part(consulting, asked)


@WHOS
@pytest.mark.parametrize("which", range(4))
def test_nobody_negotiates_meanwhile(both: Stage, first: str, second: str, which: int) -> None:
    transferor, stays, consulting, asked = legs = two_calls(both, first, second)
    again = begins(transferor, consulting, asked)
    asker = legs[which]
    asker.asks("UPDATE", body=media(asker, 5))
    asker.hears(491, "UPDATE")
    asked.answers(again, 488)
    asked.hears("ACK")
    is_told(transferor, "488 Not Acceptable Here")
    part(consulting, asked)
    part(transferor, stays)


@pytest.mark.parametrize(("more", "code"), [("%3Bearly-only", 486), ("", 403)])
def test_what_is_refused(both: Stage, more: str, code: int) -> None:
    transferor, stays, consulting, asked = two_calls(both, "caller", "caller")
    by = transferor if more else stays
    by.asks("REFER", refer_to(consulting, more))
    by.hears(code, "REFER")
    part(consulting, asked)
    part(transferor, stays)


def test_the_call_itself_and_one_that_rings(both: Stage) -> None:
    transferor, stays = ends(both, "caller")
    transferor.asks("REFER", refer_to(transferor))
    transferor.hears(481)
    other, rings = both.ringing()
    transferor.asks("REFER", refer_to(other))
    transferor.hears(481)
    rings.refuses(486)
    other.hears_refusal(486)
    part(transferor, stays)


def test_a_dialog_that_is_not_ours(both: Stage) -> None:
    """Whoever is called is told."""
    transferor, stays = ends(both, "caller")
    uri = f"sip:{CLOUD_FIRST}@192.0.2.1?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db"
    new = refers(transferor, f"Refer-To: <{uri}>", new=both.cloud)
    assert new.invite.get("Replaces") == "x;to-tag=a;from-tag=b"
    assert new.invite.get("Require") == "replaces"
    arrives(transferor, stays, new)
    part(stays, new)
