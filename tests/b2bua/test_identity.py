"""Who may know who calls, and what of a stranger's addresses goes on."""

import pytest

from edge_router.b2bua.messages.identity import LONGEST_VALUE, hides_identity, without_private
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.end_to_end.wire import Wire

CALLER = "+13125550199"


def goes_out(stage: Stage, *headers: str, uri: str = "") -> Wire:
    """The INVITE that the premise gets; the call is over."""
    caller = Leg(
        stage.carrier, "call-of-a-stranger", f"<sip:{CALLER}@198.51.100.1>;tag=a1", "<sip:b@192.0.2.1>", "sip:x"
    )
    caller.target = uri or f"sip:{PREMISE_ONLY}@192.0.2.1:5060"
    caller.invite = caller.asks("INVITE", *headers, body=stage.carrier.sdp)
    callee = stage.premise.is_called()
    caller.hears(100)
    callee.refuses(486)
    caller.hears_refusal(486)
    return callee.invite


@pytest.mark.parametrize(
    ("values", "hidden"),
    [
        (["id"], True),
        (["none", "id"], True),
        (["critical, id"], True),
        (["header;user"], True),
        (["history; USER\t,none"], True),
        (["ids", "noid"], False),
        (["none"], False),
        (["history", "session;header"], False),
        ([], False),
    ],
)
def test_privacy_is_asked_for_by_any_of_its_values(values: list[str], hidden: bool) -> None:
    assert hides_identity(values) is hidden


@pytest.mark.parametrize("header", ["From", "To"])
def test_an_address_that_is_too_long_is_refused(stage: Stage, header: str) -> None:
    """To read it would cost a millisecond."""
    value = f"<sip:{CALLER}@198.51.100.1;x="
    for length, code in [(LONGEST_VALUE, 100), (LONGEST_VALUE + 1, 400)]:
        leg = Leg(stage.carrier, f"call-{length}", f"<sip:{CALLER}@198.51.100.1>;tag=a1", "<sip:b@192.0.2.1>", "sip:x")
        leg.target = f"sip:{PREMISE_ONLY}@192.0.2.1:5060"
        tag = ";tag=a1" if header == "From" else ""
        leg.invite = leg.asks("INVITE", f"{header}: {value}{'y' * (length - len(value) - len(tag) - 1)}>{tag}")
        answer = leg.hears(code)
        if code == 400:
            assert answer.reason == f"{header}: longer than {LONGEST_VALUE} characters"
            assert stage.ear.refused == {"malformed": 1}
        else:
            stage.premise.is_called().refuses(486)
            leg.hears_refusal(486)


@pytest.mark.parametrize(
    "value",
    [
        f"<sip:+18005550000@10.1.1.1;x={'y' * LONGEST_VALUE}>",
        ",".join(["<sip:+18005550000@10.1.1.1>"] * 65),
    ],
    ids=["characters", "entries"],
)
@pytest.mark.parametrize("private", [False, True])
def test_an_identity_that_is_too_long_stays_behind(stage: Stage, value: str, private: bool) -> None:
    asked = ["Privacy: id"] if private else []
    short = ",".join(["<sip:+18005550000@10.1.1.1>"] * 64)
    seen = goes_out(stage, f"Diversion: {value}", f"History-Info: {short}", *asked)
    assert seen.all("Diversion") == []
    assert seen.get("History-Info").count("<sip:+18005550000@192.0.2.1:5060>") == 64


def test_an_asserted_identity_that_is_too_long_names_nobody(open_stage: OpenStage) -> None:
    stage = open_stage(carrier={"identity": {"accept": True}})
    goes_out(stage, f"P-Asserted-Identity: <sip:+13125550111@198.51.100.1;x={'y' * LONGEST_VALUE}>")
    assert stage.record.calling == CALLER


def test_an_anonymous_caller_without_a_past_is_named_by_no_other_header(stage: Stage) -> None:
    seen = goes_out(stage, "Privacy: history;id", "Subject: from Secret", f"History-Info: <sip:{CALLER}@10.1.1.1>")
    assert seen.all("Subject") == seen.all("History-Info") == []
    assert "anonymous@anonymous.invalid" in seen.get("From")


def test_an_anonymous_caller_is_named_by_no_other_header(stage: Stage) -> None:
    seen = goes_out(
        stage,
        "Privacy: none",
        "Privacy: id",
        f'Diversion: "Secret" <sip:{CALLER}@10.1.1.1>;privacy=full, <sip:+18005550000@10.1.1.1>;privacy=off',
        f"History-Info: <sip:{CALLER}@10.1.1.1?Privacy=history>;index=1, <sip:+18005550001@10.1.1.1>;index=2",
        "Identity: eyJ.abc;info=<https://cert.example.org>",
        "Date: Fri, 20 Nov 2026 12:00:00 GMT",
        "Call-Info: <http://10.9.9.9/me.jpg>;purpose=icon",
        "Geolocation: <cid:x@10.9.9.9>",
        "Subject: from Secret",
    )
    text = seen.encode().decode()
    assert "anonymous@anonymous.invalid" in seen.get("From")
    for telling in (CALLER, "Secret", "10.1.1.1", "10.9.9.9", "Identity", "Date:"):
        assert telling not in text
    assert seen.get("Diversion") == "<sip:+18005550000@192.0.2.1:5060>;privacy=off"
    assert seen.get("History-Info") == "<sip:+18005550001@192.0.2.1:5060>;index=2"


@pytest.mark.parametrize(
    "entry",
    [
        "sip:a@h;privacy=full",
        "<sip:a@h>;privacy",
        '<sip:a@h>;reason="x>y";privacy=full',
        '"a>b" <sip:a@h?Privacy=history>;index=1',
        "<sip:a@h?Reason=SIP%3Bcause%3D302&%50rivacy=history>;index=1",
        '"a <sip:a@h>;privacy=off',
    ],
)
def test_an_entry_that_asks_for_privacy_or_cannot_be_read_stays_behind(entry: str) -> None:
    assert without_private(f"<sip:c@d>;index=2, {entry}") == "<sip:c@d>;index=2"


def test_entries_without_privacy_stay() -> None:
    assert without_private("<sip:a@b>;privacy=off, <sip:c@d>;reason=deflection") == (
        "<sip:a@b>;privacy=off, <sip:c@d>;reason=deflection"
    )


@pytest.mark.parametrize("param", ["maddr=10.6.6.6", "m%61ddr=10.6.6.6", "tr%61nsport=tcp", "l%72"])
def test_how_the_last_hop_was_reached_stays_behind(stage: Stage, param: str) -> None:
    seen = goes_out(stage, uri=f"sip:{PREMISE_ONLY}@192.0.2.1:5060;{param};user=phone")
    assert seen.uri == f"sip:{PREMISE_ONLY}@198.51.100.31:5060;user=phone"


@pytest.mark.parametrize(
    ("address", "goes_on"),
    [
        ("<sip:bob:secret@10.1.2.3;maddr=10.1.2.3?Replaces=x>", "<sip:bob@192.0.2.1:5060>"),
        ("<sip:+1312;npdi@10.1.2.3;user=phone>", "<sip:+1312;npdi@192.0.2.1:5060;user=phone>"),
        ("<sip:bob@inside.corp.invalid>", "<sip:bob@192.0.2.1:5060>"),
        ("<sip:anonymous@anonymous.invalid>", "<sip:anonymous@anonymous.invalid>"),
        ("<TEL:+13125550100>", "<sip:+13125550100@192.0.2.1:5060;user=phone>"),
        ("<tel:+1312;isub=a%20:[b]>", "<sip:+1312;isub=a%20%3A%5Bb%5D@192.0.2.1:5060;user=phone>"),
    ],
)
def test_of_a_callers_address_the_user_alone_goes_on(stage: Stage, address: str, goes_on: str) -> None:
    assert goes_out(stage, f"From: {address};tag=a1").get("From").startswith(f"{goes_on};tag=")


def test_a_called_tel_uri_goes_on_as_a_sip_uri_that_can_be_read(stage: Stage) -> None:
    """Its parameters have no delimiter of the user part or the host in them any more."""
    seen = goes_out(stage, uri=f"tel:{PREMISE_ONLY};isub=a%20:[b]")
    assert seen.uri == f"sip:{PREMISE_ONLY};isub=a%20%3A%5Bb%5D@198.51.100.31:5060;user=phone"


@pytest.mark.parametrize("address", ["<h323:bob@10.1.2.3>", '<sip:b"o b@10.1.2.3>', "<sip:a@b:99999>"])
def test_an_address_that_cannot_be_read_is_a_bad_request(open_stage: OpenStage, address: str) -> None:
    stage = open_stage()
    caller = stage.carrier.calls(PREMISE_ONLY, f"From: {address};tag=a1")
    assert caller.hears(400).reason.startswith("From")
