"""SUBSCRIBE inside a call: the transferor has the NOTIFYs of his REFER go on, or end (RFC 3515, RFC 6665)."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import part
from tests.b2bua.leg import Leg
from tests.b2bua.stage import Stage
from tests.b2bua.transfers import FROM_ANYWHERE, TO_CLOUD, WHO, arrives, ends, is_joined, is_told, refers
from tests.end_to_end.wire import Wire


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(peers=FROM_ANYWHERE)


def hears_state(transferor: Leg, status: str, state: str) -> None:
    """Hears a NOTIFY with this status and Subscription-State, and says 200 to it."""
    notify = transferor.hears("NOTIFY")
    assert notify.get("Subscription-State") == state
    assert notify.body == f"SIP/2.0 {status}\r\n".encode()
    transferor.answers(notify, 200)


def refers_and_is_slow(transferor: Leg, stage: Stage) -> tuple[Wire, Leg]:
    """He hears of it, and doesn't answer yet: that NOTIFY, and who is called."""
    transferor.asks("REFER", TO_CLOUD)
    transferor.hears(202)
    return transferor.hears("NOTIFY"), stage.cloud.is_called()


def subscribes(transferor: Leg, expires: int | None, granted: int, event: str = "refer") -> None:
    """Sends a SUBSCRIBE, and hears for how long it is taken."""
    transferor.asks("SUBSCRIBE", f"Event: {event}", *(() if expires is None else (f"Expires: {expires}",)))
    answer = transferor.hears(200, "SUBSCRIBE")
    assert answer.get("Expires") == str(granted)
    assert answer.get("Contact") == "<sip:192.0.2.1:5060>"


@WHO
@pytest.mark.parametrize(
    ("asked", "granted"), [(60, 60), (300, 300), (301, 300), (2**32 - 1, 300), (None, 300), (1, 1)]
)
def test_it_is_made_to_last(stage: Stage, who: str, asked: int | None, granted: int) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(180)
    is_told(transferor, "180 Ringing")
    subscribes(transferor, asked, granted)
    hears_state(transferor, "180 Ringing", f"active;expires={granted}")
    arrives(transferor, stays, new)
    part(stays, new)


@WHO
def test_each_notify_says_what_is_left(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(180)
    is_told(transferor, "180 Ringing")
    subscribes(transferor, 50, 50)
    hears_state(transferor, "180 Ringing", "active;expires=50")
    stage.pass_time(20)
    new.says(183)
    hears_state(transferor, "183 Session Progress", "active;expires=30")
    arrives(transferor, stays, new)
    part(stays, new)


@WHO
@pytest.mark.parametrize(("first", "then"), [(40, 36), (200, 6), (3, 70)])
def test_it_ends_when_its_time_is_over(stage: Stage, who: str, first: int, then: int) -> None:
    """The transfer goes on."""
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    new.says(180)
    is_told(transferor, "180 Ringing")
    subscribes(transferor, first, first)
    hears_state(transferor, "180 Ringing", f"active;expires={first}")
    subscribes(transferor, then, then)
    hears_state(transferor, "180 Ringing", f"active;expires={then}")
    stage.pass_time(min(then - 1, 50))  # of the 60 s in which somebody has to answer
    transferor.hears_nothing()
    if then > 50:
        arrives(transferor, stays, new)
        part(stays, new)
        return
    stage.pass_time(1.1)
    hears_state(transferor, "180 Ringing", "terminated;reason=timeout")
    transferor.asks("SUBSCRIBE", "Event: refer")
    transferor.hears(481, "SUBSCRIBE")
    new.says(200)
    is_joined(stays, new)
    transferor.is_hung_up()
    part(stays, new)


@WHO
def test_it_is_ended(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    subscribes(transferor, 0, 0)
    hears_state(transferor, "100 Trying", "terminated;reason=timeout")
    new.says(180)
    transferor.hears_nothing()
    transferor.asks("SUBSCRIBE", "Event: refer")
    transferor.hears(481, "SUBSCRIBE")
    new.says(200)
    is_joined(stays, new)
    transferor.is_hung_up()
    part(stays, new)
    assert stage.record.transferred_to


@WHO
def test_it_is_ended_and_the_transfer_fails(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    subscribes(transferor, 0, 0)
    hears_state(transferor, "100 Trying", "terminated;reason=timeout")
    new.refuses(486)
    part(transferor, stays)


@WHO
@pytest.mark.parametrize("expires", [0, 60])
def test_while_a_notify_is_under_way(stage: Stage, who: str, expires: int) -> None:
    """None overtakes another, and one tells all that came meanwhile."""
    transferor, stays = ends(stage, who)
    first, new = refers_and_is_slow(transferor, stage)
    subscribes(transferor, 30, 30)
    subscribes(transferor, expires, expires)
    if not expires:
        transferor.asks("SUBSCRIBE", "Event: refer")
        transferor.hears(481, "SUBSCRIBE")
    new.says(180)
    transferor.hears_nothing()
    transferor.answers(first, 200)
    hears_state(transferor, "180 Ringing", "active;expires=60" if expires else "terminated;reason=timeout")
    new.says(200)
    is_joined(stays, new)
    if expires:
        is_told(transferor, "200 OK")
    transferor.is_hung_up()
    part(stays, new)


@WHO
def test_the_last_word_comes_before_it_is_ended(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    first, new = refers_and_is_slow(transferor, stage)
    subscribes(transferor, 0, 0)
    new.says(200)
    is_joined(stays, new)
    transferor.hears_nothing()
    transferor.answers(first, 200)
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    part(stays, new)


@WHO
def test_it_has_a_name(stage: Stage, who: str) -> None:
    """The first of a dialog is meant without its id, too; any other only with it (RFC 3515 §2.4.6)."""
    transferor, stays = ends(stage, who)
    refer = transferor.request("REFER", TO_CLOUD)
    transferor.party.says(refer)
    transferor.hears(202)
    is_told(transferor, "100 Trying")
    new = stage.cloud.is_called()
    subscribes(transferor, 60, 60, f"refer;id={refer.cseq}")
    hears_state(transferor, "100 Trying", "active;expires=60")
    new.refuses(486)
    is_told(transferor, "486 Busy Here")
    again = transferor.asks("REFER", TO_CLOUD)
    transferor.hears(202)
    is_told(transferor, "100 Trying")
    new = stage.cloud.is_called()
    for event in ("refer", f"refer;id={refer.cseq}", "refer;id=x", "refer;id="):
        transferor.asks("SUBSCRIBE", f"Event: {event}")
        transferor.hears(481, "SUBSCRIBE")
    subscribes(transferor, 60, 60, f"refer;id={again.cseq}")
    hears_state(transferor, "100 Trying", "active;expires=60")
    arrives(transferor, stays, new)
    part(stays, new)


@WHO
def test_what_is_refused(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    transferor.asks("SUBSCRIBE", "Event: refer")
    transferor.hears(481, "SUBSCRIBE")
    new = refers(transferor, new=stage.cloud)
    stays.asks("SUBSCRIBE", "Event: refer")
    stays.hears(481, "SUBSCRIBE")
    for event in ((), ("Event: presence",)):
        transferor.asks("SUBSCRIBE", *event)
        assert transferor.hears(489, "SUBSCRIBE").get("Allow-Events") == "refer"
    for expires in ("soon", "-1", str(2**32)):
        transferor.asks("SUBSCRIBE", "Event: refer", f"Expires: {expires}")
        transferor.hears(400, "SUBSCRIBE")
    arrives(transferor, stays, new)
    part(stays, new)


def test_who_asked_for_none_has_none(stage: Stage) -> None:
    transferor, stays = ends(stage, "caller")
    transferor.asks("REFER", TO_CLOUD, "Refer-Sub: false")
    transferor.hears(200, "REFER")
    new = stage.cloud.is_called()
    transferor.asks("SUBSCRIBE", "Event: refer")
    transferor.hears(481, "SUBSCRIBE")
    new.refuses(486)
    part(transferor, stays)


def test_the_package_is_named_where_abilities_are(stage: Stage) -> None:
    """RFC 6665 §8.2.2, and Allow says that SUBSCRIBE is taken."""
    caller = stage.carrier.calls(TO_CLOUD.partition(":")[2].partition("@")[0].partition(":")[2])
    caller.hears(100)
    callee = stage.cloud.is_called()
    callee.says(200)
    answer = caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.asks("OPTIONS")
    for message in (callee.invite, answer, caller.hears(200, "OPTIONS")):
        assert message.get("Allow-Events") == "refer"
        assert "SUBSCRIBE" in message.get("Allow").split(", ")
    part(caller, callee)


@WHO
def test_it_passes_where_refers_do(open_stage: OpenStage, who: str) -> None:
    """And the NOTIFY that follows it comes back; each side has its own id."""
    stage = open_stage(carrier={"refer": "pass"}, premise={"refer": "pass"})
    transferor, other = ends(stage, who)
    transferor.seq += 20
    refer = transferor.asks("REFER", "Refer-To: <sip:42@192.0.2.1>")
    came = other.hears("REFER")
    other.answers(came, 202)
    transferor.hears(202)
    for event, seen in (("refer", "refer"), (f"refer;id={refer.cseq}", f"refer;id={came.cseq}")):
        transferor.asks("SUBSCRIBE", f"Event: {event}", "Expires: 3600")
        passed = other.hears("SUBSCRIBE")
        assert (passed.get("Event"), passed.get("Expires")) == (seen, "3600")
        assert passed.get("Contact") == "<sip:192.0.2.1:5060>"
        other.answers(passed, 200, "Expires: 180")
        answer = transferor.hears(200, "SUBSCRIBE")
        assert (answer.get("Expires"), answer.get("Contact")) == ("180", "<sip:192.0.2.1:5060>")
    for event in (f"refer;id={came.cseq}", "refer;id=1"):
        transferor.asks("SUBSCRIBE", f"Event: {event}")
        transferor.hears(481, "SUBSCRIBE")
    other.asks("SUBSCRIBE", "Event: refer")
    other.hears(481, "SUBSCRIBE")
    other.asks("REFER", "Refer-To: <sip:43@192.0.2.1>")
    transferor.answers(transferor.hears("REFER"), 202)
    other.hears(202)
    transferor.asks("SUBSCRIBE", "Event: refer")
    other.answers(other.hears("SUBSCRIBE"), 200, "Expires: 180")
    transferor.hears(200, "SUBSCRIBE")
    part(transferor, other)


@WHO
@pytest.mark.parametrize("code", [481, None])
def test_one_that_the_other_side_does_not_know_ends_no_call(open_stage: OpenStage, who: str, code: int | None) -> None:
    """Nor does a NOTIFY that the transferor doesn't know: it is the end of that usage alone (RFC 5057 §5.1)."""
    stage = open_stage(carrier={"refer": "pass"}, premise={"refer": "pass"})
    transferor, other = ends(stage, who)
    transferor.asks("REFER", "Refer-To: <sip:42@192.0.2.1>")
    other.answers(other.hears("REFER"), 202)
    transferor.hears(202)
    for asker, hearer, method in ((transferor, other, "SUBSCRIBE"), (other, transferor, "NOTIFY")):
        asker.asks(method, "Event: refer", "Subscription-State: active")
        request = hearer.hears(method)
        if code is None:
            stage.pass_time(32)
            hearer.party.unheard.clear()  # a 408 would come too late for who has asked (RFC 4320 §4.2)
        else:
            hearer.answers(request, code)
            asker.hears(code, method)
    part(transferor, other)
