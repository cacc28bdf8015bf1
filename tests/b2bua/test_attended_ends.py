"""One of the two calls of an attended transfer ends by itself, wherever the transfer stands: what becomes of the other.

The rows of the table in attended_transfer.py that the stories of test_attended_transfer.py don't hold.
"""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import accepts, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import Stage
from tests.b2bua.test_attended_transfer import WHOS, begins, is_brought_back, loses, refer_to, two_calls
from tests.b2bua.transfers import FROM_ANYWHERE, is_told
from tests.end_to_end.wire import Wire, beside_origin


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    rules = [{"name": "back", "when": 'call.called.endsWith("6000")', "to": "carrier"}]
    return open_stage(rules=rules, peers=(*FROM_ANYWHERE, {"name": "carrier", "outgoing": {"trunk": "carrier"}}))


def takes_the_media(asked: Leg, offer: Wire, stays: Leg) -> Wire:
    """Who was asked agrees; returns what who stays is offered then."""
    asked.answers(offer, 200, body=media(asked, 2))
    asked.hears("ACK")
    return stays.hears("INVITE")


def refuses(leg: Leg, offer: Wire, code: int = 488) -> None:
    leg.answers(offer, code)
    leg.hears("ACK")


def the_call_ends(transferor: Leg, stays: Leg) -> None:
    loses(transferor, stays)
    stays.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    transferor.is_hung_up()


def the_other_call_ends(consulting: Leg, asked: Leg) -> None:
    loses(consulting, asked)
    consulting.is_hung_up()
    asked.is_hung_up()


def go_on(this: Leg, other: Leg) -> None:
    """These two are in a call as any."""
    accepts(this, reinvites(other, this), other)
    part(this, other)


@WHOS
def test_nobody_is_left_where_the_transferor_had_gone_before_new_media_were_offered(
    stage: Stage, first: str, second: str
) -> None:
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    offered = begins(transferor, consulting, asked)
    transferor.hangs_up()
    the_other_call_ends(consulting, asked)
    is_told(transferor, "500 Server Internal Error")
    stays.is_hung_up()
    refuses(asked, offered, 487)


@WHOS
@pytest.mark.parametrize("consulting_is_gone", [False, True])
def test_the_call_ends_and_who_was_asked_refuses_the_new_media(
    stage: Stage, first: str, second: str, consulting_is_gone: bool
) -> None:
    """He has what he had, and hears of nothing."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    offered = begins(transferor, consulting, asked)
    the_call_ends(transferor, stays)
    if consulting_is_gone:
        consulting.hangs_up()
    refuses(asked, offered)
    if consulting_is_gone:
        asked.is_hung_up()
    else:
        go_on(consulting, asked)


@WHOS
@pytest.mark.parametrize("consulting_is_gone", [False, True])
def test_the_call_ends_before_anybody_is_offered_new_media(
    stage: Stage, first: str, second: str, consulting_is_gone: bool
) -> None:
    """Who was asked has yet to acknowledge something of before; he hears of nothing."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    consulting.answers(reinvites(asked, consulting), 200, body=media(consulting, 2))
    asked.hears(200, "INVITE")
    transferor.asks("REFER", refer_to(consulting))
    transferor.hears(202)
    is_told(transferor, "100 Trying")
    if consulting_is_gone:
        consulting.hangs_up()
        consulting.hears("ACK")
    the_call_ends(transferor, stays)
    asked.ack()
    if consulting_is_gone:
        asked.is_hung_up()
        return
    consulting.hears("ACK")
    stage.pass_time(5)
    go_on(consulting, asked)


@WHOS
@pytest.mark.parametrize("transferor_is_gone", [False, True])
def test_the_other_call_ends_before_who_stays_is_offered_new_media(
    stage: Stage, first: str, second: str, transferor_is_gone: bool
) -> None:
    """So it is with him, though who was asked has taken them."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    transferor.answers(reinvites(stays, transferor), 200, body=media(transferor, 2))
    stays.hears(200, "INVITE")
    asked.answers(begins(transferor, consulting, asked), 200, body=media(asked, 2))
    asked.hears("ACK")
    if transferor_is_gone:
        transferor.hangs_up()
        transferor.hears("ACK")
    the_other_call_ends(consulting, asked)
    is_told(transferor, "500 Server Internal Error")
    stays.ack()
    if transferor_is_gone:
        stays.is_hung_up()
        return
    transferor.hears("ACK")
    stage.pass_time(5)
    go_on(transferor, stays)


@WHOS
def test_the_call_ends_as_who_was_asked_is_brought_back_already(stage: Stage, first: str, second: str) -> None:
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    refuses(stays, takes_the_media(asked, begins(transferor, consulting, asked), stays))
    back = asked.hears("INVITE")
    the_call_ends(transferor, stays)
    refuses(asked, back, 500)  # he has taken the new ones all the same
    is_brought_back(asked, consulting)
    go_on(consulting, asked)


@WHOS
@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("gone", [False, True])
def test_the_other_call_ends_when_who_stays_has_refused(
    stage: Stage, first: str, second: str, told: bool, gone: bool
) -> None:
    """He has what he had, and hears of nothing: as who was asked comes back, and as the transferor hears of that."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    refuses(stays, takes_the_media(asked, begins(transferor, consulting, asked), stays))
    pending, at = asked.hears("INVITE"), asked
    if told:
        moved = media(asked, 3).replace(b"m=audio 4", b"m=audio 5")
        asked.answers(pending, 200, body=moved)
        asked.hears("ACK")
        pending, at = consulting.hears("INVITE"), consulting
        assert beside_origin(pending.body) == beside_origin(moved)
    if gone:
        transferor.hangs_up()
    the_other_call_ends(consulting, asked)
    is_told(transferor, "500 Server Internal Error")
    refuses(at, pending, 487)
    if gone:
        stays.is_hung_up()
    else:
        go_on(transferor, stays)


@WHOS
@pytest.mark.parametrize("refused", [False, True])
def test_the_call_ends_as_both_agree(stage: Stage, first: str, second: str, refused: bool) -> None:
    """Whatever he says to what he is offered last, he has taken new media before."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    offered = takes_the_media(asked, begins(transferor, consulting, asked), stays)
    stays.answers(offered, 200, body=media(stays, 2).replace(b"m=audio 4", b"m=audio 5"))
    stays.hears("ACK")
    again = asked.hears("INVITE")
    the_call_ends(transferor, stays)
    if refused:
        refuses(asked, again)
    else:
        asked.answers(again, 200, body=media(asked, 3))
        asked.hears("ACK")
    is_brought_back(asked, consulting)
    go_on(consulting, asked)


@WHOS
def test_who_stays_refuses_what_he_hears_last_and_the_other_call_is_over(stage: Stage, first: str, second: str) -> None:
    """Both have agreed once; what who was asked answers next, who stays is offered as the other call ends."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    offered = takes_the_media(asked, begins(transferor, consulting, asked), stays)
    stays.answers(offered, 200, body=media(stays, 2).replace(b"m=audio 4", b"m=audio 5"))
    stays.hears("ACK")
    again = asked.hears("INVITE")
    asked.answers(again, 200, body=media(asked, 3).replace(b"m=audio 4", b"m=audio 6"))
    asked.hears("ACK")
    last = stays.hears("INVITE")
    the_other_call_ends(consulting, asked)
    refuses(stays, last)
    is_brought_back(stays, transferor)
    is_told(transferor, "500 Server Internal Error")
    go_on(transferor, stays)


@WHOS
@pytest.mark.parametrize("which", ["the call", "the other"])
def test_both_calls_end(stage: Stage, first: str, second: str, which: str) -> None:
    """The second one while he who was in it is brought back: nothing more is asked of him."""
    transferor, stays, consulting, asked = two_calls(stage, first, second)
    offered = takes_the_media(asked, begins(transferor, consulting, asked), stays)
    if which == "the other":
        the_other_call_ends(consulting, asked)
        loses(transferor, stays)
        stays.is_hung_up()
        is_told(transferor, "500 Server Internal Error")
        transferor.is_hung_up()
    else:
        the_call_ends(transferor, stays)
        back = asked.hears("INVITE")
        the_other_call_ends(consulting, asked)
        refuses(asked, back, 487)
    refuses(stays, offered, 487)
