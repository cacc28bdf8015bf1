"""What a call that was transferred tells the new party of its past: Diversion, History-Info and Privacy (RFC 7044)."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import part
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, HOME, PREMISE_ONLY, Stage
from tests.b2bua.transfers import FROM_ANYWHERE, TO_A_TARGET, TO_CLOUD, arrives, is_told, refers

HERE = "{}:{}".format(*HOME)
DIVERTED = "Diversion: <sip:+15550001@198.51.100.1>;reason=no-answer;counter=1"
KNOWN = f"History-Info: <sip:1@h?Reason=SIP%3Bcause%3D408>;index=1, <sip:{PREMISE_ONLY}@h;cause=408>;index=1.1;mp=1"
SEEN = [
    f"<sip:1@{HERE}?Reason=SIP%3Bcause%3D408>;index=1, <sip:{PREMISE_ONLY}@{HERE};cause=408>;index=1.1;mp=1",
    f"<sip:{CLOUD_FIRST}@{HERE}>;index=1.1.1;mp=1.1",
]


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(peers=FROM_ANYWHERE)


def called_with(stage: Stage, *headers: str) -> tuple[Leg, Leg]:
    """Both ends of a call to the premise whose INVITE has come with these."""
    caller = stage.carrier.calls(PREMISE_ONLY, *headers)
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    return caller, callee


def test_the_new_party_hears_what_the_first_one_heard(stage: Stage) -> None:
    caller, callee = called_with(stage, DIVERTED, KNOWN)
    new = refers(callee, TO_CLOUD, "Referred-By: <sip:me@198.51.100.31>", new=stage.cloud)
    assert new.invite.all("Diversion") == [f"<sip:+15550001@{HERE}>;reason=no-answer;counter=1"]
    assert new.invite.all("History-Info") == SEEN
    assert new.invite.get("Referred-By") == f"<sip:me@{HERE}>"
    arrives(callee, caller, new)
    part(caller, new)


def test_and_who_comes_after_him_one_more(stage: Stage) -> None:
    caller, callee = called_with(stage, DIVERTED, KNOWN)
    second = refers(callee, new=stage.cloud)
    arrives(callee, caller, second)
    third = refers(second, f"Refer-To: <sip:{PREMISE_ONLY}@{HERE}>", new=stage.premise)
    assert third.invite.all("Diversion") == second.invite.all("Diversion")
    assert third.invite.all("History-Info") == [*SEEN, f"<sip:{PREMISE_ONLY}@{HERE}>;index=1.1.1.1;mp=1.1.1"]
    arrives(second, caller, third)
    part(caller, third)


def test_a_turn_by_redirection_is_of_the_past(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY, "Supported: histinfo")
    caller.hears(100)
    stage.premise.is_called().refuses(302, "Contact: <sip:42@198.51.100.22>")
    turned = stage.spare.is_called()
    turned.says(200)
    caller.hears(200)
    caller.ack()
    turned.hears("ACK")
    new = refers(turned, new=stage.cloud)
    assert new.invite.all("Diversion") == turned.invite.all("Diversion")
    assert len(new.invite.all("Diversion")) == 1
    assert new.invite.all("History-Info") == [
        *turned.invite.all("History-Info"),
        f"<sip:{CLOUD_FIRST}@{HERE}>;index=1.1.1;mp=1.1",
    ]
    arrives(turned, caller, new)
    part(caller, new)


def test_a_call_without_a_past_has_none(stage: Stage) -> None:
    caller, callee = called_with(stage)
    new = refers(callee, new=stage.cloud)
    for name in ("Diversion", "History-Info", "Privacy"):
        assert new.invite.all(name) == []
    arrives(callee, caller, new)
    part(caller, new)


def test_it_is_the_callers_past_alone(stage: Stage) -> None:
    """Who was called and is sent on by the caller has none of it; nor has who was put in the caller's place."""
    caller, callee = called_with(stage, DIVERTED, KNOWN)
    new = refers(caller, new=stage.cloud)
    assert new.invite.all("Diversion") + new.invite.all("History-Info") == []
    arrives(caller, callee, new)
    last = refers(callee, TO_A_TARGET.replace("21", "22"), new=stage.spare)
    assert last.invite.all("Diversion") + last.invite.all("History-Info") == []
    arrives(callee, new, last)
    part(new, last)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_caller_who_asked_for_privacy_has_it_from_the_new_party(open_stage: OpenStage, trusted: bool) -> None:
    """Though the transferor was told who he is."""
    stage = open_stage(peers=FROM_ANYWHERE, premise={"identity": {"send": True}}, cloud={"identity": {"send": trusted}})
    caller, callee = called_with(stage, KNOWN, "Privacy: id;history")
    assert "anonymous" not in callee.invite.get("From")
    new = refers(callee, new=stage.cloud)
    assert ("anonymous.invalid" in new.invite.get("From")) != trusted
    assert new.invite.all("History-Info") == (SEEN if trusted else [])
    assert new.invite.all("Privacy") == (["id;history"] if trusted else [])
    arrives(callee, caller, new)
    part(caller, new)


@pytest.mark.parametrize("privacy", [(), ("Privacy: history",)])
def test_a_past_that_is_too_long_to_cross_is_not_kept(stage: Stage, privacy: tuple[str, ...]) -> None:
    caller, callee = called_with(stage, "History-Info: <sip:1@h>;index=1;x=" + "9" * 4096, *privacy)
    new = refers(callee, new=stage.cloud)
    assert new.invite.all("History-Info") == []
    assert ("anonymous.invalid" in new.invite.get("From")) == bool(privacy)
    new.refuses(486)
    is_told(callee, "486 Busy Here")
    part(caller, callee)


def test_one_of_many_entries_gets_no_more(stage: Stage) -> None:
    many = ", ".join(f"<sip:1@h>;index=1.{n}" for n in range(1, 64))
    caller, callee = called_with(stage, f"History-Info: {many}, <sip:1@h>;index=1.64")
    new = refers(callee, new=stage.cloud)
    assert ", ".join(new.invite.all("History-Info")).count("index=") == 64
    new.refuses(486)
    is_told(callee, "486 Busy Here")
    part(caller, callee)
