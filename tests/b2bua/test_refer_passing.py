"""A REFER that passes to the other side, where its trunk says so, and the NOTIFYs that come back."""

import pytest

from edge_router.b2bua.in_call.glare import MOST_OPEN
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import media, part
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.b2bua.test_replacement import takes_over
from tests.b2bua.transfers import FROM_ANYWHERE, WHO, ends
from tests.end_to_end.wire import Wire, tag_of

UNKNOWN = "a%3Bto-tag%3Db%3Bfrom-tag%3Dc"


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(carrier={"refer": "pass"}, premise={"refer": "pass"})


def notifies(leg: Leg, status: str, *headers: str) -> Wire:
    state = "active;expires=60" if status[0] == "1" else "terminated;reason=noresource"
    return leg.asks(
        "NOTIFY",
        *(headers or ("Event: refer",)),
        f"Subscription-State: {state}",
        "Content-Type: message/sipfrag",
        body=f"SIP/2.0 {status}\r\n".encode(),
    )


@WHO
@pytest.mark.parametrize(
    ("refer_to", "seen"),
    [
        ("sip:42@192.0.2.1:5060;user=phone", "sip:42@192.0.2.1:5060;user=phone"),
        ("sip:42@198.51.100.22", "sip:42@192.0.2.1:5060"),
        ("sip:42@203.0.113.7:5070;x=y?X-Other=1", "sip:42@203.0.113.7:5070;x=y?X-Other=1"),
        ("tel:+18005552000", "tel:+18005552000"),
        ("sip:192.0.2.1", "sip:192.0.2.1:5060"),
        (
            "sip:42@192.0.2.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc",
            "sip:42@192.0.2.1:5060?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc",
        ),
    ],
)
def test_it_passes(stage: Stage, who: str, refer_to: str, seen: str) -> None:
    transferor, other = ends(stage, who)
    transferor.asks("REFER", f"Refer-To: <{refer_to}>", f"Referred-By: <sip:me@{transferor.party.place}>")
    refer = other.hears("REFER")
    assert refer.get("Refer-To") == f"<{seen}>"
    assert refer.get("Referred-By") == "<sip:me@192.0.2.1:5060>"
    other.answers(refer, 202)
    transferor.hears(202, "REFER")
    for status in ("100 Trying", "200 OK"):
        notifies(other, status)
        notify = transferor.hears("NOTIFY")
        assert notify.get("Event") == "refer"
        assert notify.body == f"SIP/2.0 {status}\r\n".encode()
        transferor.answers(notify, 200)
        other.hears(200, "NOTIFY")
    part(transferor, other)
    assert stage.record.transferred_to is None


@WHO
def test_each_side_has_its_own_id(stage: Stage, who: str) -> None:
    transferor, other = ends(stage, who)
    transferor.seq += 20
    refer = transferor.asks("REFER", "Refer-To: <sip:42@192.0.2.1>")
    came = other.hears("REFER")
    other.answers(came, 202)
    transferor.hears(202)
    notifies(other, "200 OK", f"Event: refer;id={came.cseq}")
    notify = transferor.hears("NOTIFY")
    assert notify.get("Event") == f"refer;id={refer.cseq}"
    transferor.answers(notify, 200)
    other.hears(200, "NOTIFY")
    notifies(other, "200 OK", "Event: refer;id=999")
    other.hears(481, "NOTIFY")
    part(transferor, other)


@WHO
def test_several_are_told_apart(stage: Stage, who: str) -> None:
    """Though both sides send them, and their numbers are the same."""
    transferor, other = ends(stage, who)
    passed = []
    for this, that in ((transferor, other), (other, transferor)):
        this.seq = 40
        for _ in range(2):
            refer = this.asks("REFER", "Refer-To: <sip:42@203.0.113.7>")
            came = that.hears("REFER")
            that.answers(came, 202)
            this.hears(202, "REFER")
            passed.append((this, that, refer.cseq, came.cseq))
    for this, that, number, number_there in passed:
        notifies(that, "200 OK", f"Event: refer;id={number_there}")
        notify = this.hears("NOTIFY")
        assert notify.get("Event") == f"refer;id={number}"
        this.answers(notify, 200)
        that.hears(200, "NOTIFY")
    part(transferor, other)


def test_of_many_the_last_are_known(stage: Stage) -> None:
    caller, callee = stage.connected()
    numbers = []
    for _ in range(11):
        caller.asks("REFER", "Refer-To: <sip:42@203.0.113.7>")
        came = callee.hears("REFER")
        numbers.append(came.cseq)
        callee.answers(came, 202)
        caller.hears(202, "REFER")
    notifies(callee, "200 OK", f"Event: refer;id={numbers[0]}")
    callee.hears(481, "NOTIFY")
    notifies(callee, "200 OK", f"Event: refer;id={numbers[1]}")
    caller.answers(caller.hears("NOTIFY"), 200)
    callee.hears(200, "NOTIFY")
    part(caller, callee)


def test_who_has_come_in_the_transferors_place_hears_nothing_of_his_refer(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"refer": "pass"}, peers=FROM_ANYWHERE)
    caller, callee = stage.connected()
    caller.asks("REFER", "Refer-To: <sip:42@203.0.113.7>")
    callee.answers(callee.hears("REFER"), 202)
    caller.hears(202, "REFER")
    new = takes_over(caller)
    new.hears(100)
    callee.answers(callee.hears("INVITE"), 200, body=media(callee, 2))
    new.hears(200)
    new.ack()
    callee.hears("ACK")
    caller.is_hung_up()
    notifies(callee, "200 OK")
    callee.hears(481, "NOTIFY")
    part(new, callee)


@WHO
@pytest.mark.parametrize("method", ["REFER", "NOTIFY"])
def test_beyond_what_may_be_open_one_comes_again(stage: Stage, who: str, method: str) -> None:
    transferor, other = ends(stage, who)
    transferor.asks("REFER", "Refer-To: <sip:42@203.0.113.7>")
    other.answers(other.hears("REFER"), 202)
    transferor.hears(202, "REFER")
    this, that = (transferor, other) if method == "REFER" else (other, transferor)
    for _ in range(MOST_OPEN):
        this.asks("INFO")
    if method == "REFER":
        this.asks("REFER", "Refer-To: <sip:42@203.0.113.7>")
    else:
        notifies(this, "200 OK")
    assert int(this.hears(500, method).get("Retry-After")) <= 10
    for _ in range(MOST_OPEN):
        that.answers(that.hears("INFO"), 200)
        this.hears(200, "INFO")
    part(transferor, other)


@WHO
def test_nobody_is_told_of_a_refer_that_never_was(stage: Stage, who: str) -> None:
    transferor, other = ends(stage, who)
    notifies(other, "200 OK")
    other.hears(481, "NOTIFY")
    part(transferor, other)


@WHO
def test_a_refusal_comes_back(stage: Stage, who: str) -> None:
    transferor, other = ends(stage, who)
    transferor.asks("REFER", "Refer-To: <sip:42@192.0.2.1>")
    other.answers(other.hears("REFER"), 603)
    transferor.hears(603, "REFER")
    part(transferor, other)


def test_one_side_alone(open_stage: OpenStage) -> None:
    """The trunk that the REFER comes by says what becomes of it."""
    stage = open_stage(premise={"refer": "pass"})
    caller, callee = stage.connected()
    caller.asks("REFER", "Refer-To: <sip:42@192.0.2.1>")
    caller.hears(202)
    caller.answers(caller.hears("NOTIFY"), 200)
    caller.answers(caller.hears("NOTIFY"), 200)
    callee.asks("REFER", "Refer-To: <sip:42@192.0.2.1>")
    caller.answers(caller.hears("REFER"), 603)
    callee.hears(603)
    part(caller, callee)


def test_whom_to_replace_is_named_as_the_other_side_knows_him(stage: Stage) -> None:
    caller, callee = stage.connected()
    asked, consulted = stage.connected(PREMISE_ONLY)  # the carrier's consultation with somebody at the premise
    tags = f"to-tag%3D{tag_of(asked.remote)}%3Bfrom-tag%3D{tag_of(asked.local)}"
    caller.asks("REFER", f"Refer-To: <sip:{PREMISE_ONLY}@192.0.2.1?Replaces={asked.call_id}%3B{tags}&Require=replaces>")
    refer = callee.hears("REFER")
    there = f"{consulted.call_id}%3Bto-tag%3D{tag_of(consulted.local)}%3Bfrom-tag%3D{tag_of(consulted.remote)}"
    assert refer.get("Refer-To") == f"<sip:198.51.100.31:5060?Replaces={there.replace('@', '%40')}&Require=replaces>"
    callee.answers(refer, 202)
    caller.hears(202)
    part(asked, consulted)
    caller.hangs_up()
    callee.is_hung_up()
