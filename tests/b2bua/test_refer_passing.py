"""A REFER that passes to the other side, where its trunk says so, and the NOTIFYs that come back."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import part
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.b2bua.transfers import WHO, ends
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
