"""A cloud that refuses, is silent, is down or full costs no call that the premise can take."""

from typing import Any

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import SOON, front_door, trunk
from tests.end_to_end.leg import Leg
from tests.end_to_end.phone import Phone
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.wire import beside_origin, host_of, origin, sdp, tag_of

IMPATIENT_AT = {
    "connecting": {"connect_timeout": SOON},
    "progress": {"progress_timeout": SOON},
    "answering": {"answer_timeout": SOON},
}

CLOUDS: dict[str, dict[str, Any]] = {
    **IMPATIENT_AT,
    "rings late": {"connect_timeout": SOON},
    "answers late": {"connect_timeout": SOON},
    "refuses late": {"connect_timeout": SOON},
    "answers when cancelled": {"answer_timeout": SOON},
    "usual": {},
    "wide": {"hunt_on": ["4xx", "5xx", "6xx", "timeout", "!486"]},
    "own peers": {"hunt_on": [500], "next_peer_on": [404]},
    "early": {},
    "early, slow": {"answer_timeout": SOON},
    "cancelled": {},
    "full": {"limits": {"outbound": {"max_calls": 1}}},
    "passes 503": {"hunt_on": ["timeout"], "final_503": "pass"},
    "covers 503": {"hunt_on": ["timeout"]},
    "final": {},
    "pair": {"hunt": "preference"},
    "holds": {},
}
"""Trunks by what a test does to them: each test has a cloud of its own, so no test sees another's health."""

ORDER = list(CLOUDS)


def host_number(cloud: str) -> int:
    return 100 + ORDER.index(cloud)


def prefix(cloud: str) -> str:
    return f"+18005{ORDER.index(cloud):02d}"


def configuration(block: Block) -> str:
    def hosts(cloud: str) -> list[str]:
        first = block.host(host_number(cloud))
        return [first, block.cloud_spare] if cloud == "pair" else [first]

    rules = [
        {"name": cloud, "when": f'call.called.startsWith("{prefix(cloud)}")', "to": [cloud], "final": cloud == "final"}
        for cloud in ORDER
    ]
    return front_door(
        block,
        rules,
        trunks={cloud: trunk(*hosts(cloud), **settings) for cloud, settings in CLOUDS.items()},
        dial_peers=[{"name": cloud, "outgoing": {"trunk": cloud}} for cloud in ORDER],
    )


def call_to(site: Site, cloud: str) -> tuple[Leg, Leg]:
    """A caller, and the leg that the router opened towards this cloud."""
    phone = site.phone(site.block.host(host_number(cloud)))
    caller = site.caller(prefix(cloud))
    caller.invite()
    return caller, site.callee(phone, caller)


def goes_on_at_the_premise(site: Site, caller: Leg) -> Leg:
    """The caller is connected to the premise; hands back the premise's leg."""
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    caller.expect(180)
    site.connects(caller, callee)
    return callee


def is_cancelled(callee: Leg) -> None:
    callee.reply(callee.expect("CANCEL"), 200)
    callee.answer(487)
    callee.expect("ACK")


# ------------------------------------------------------------------------------------------------ timeouts


@pytest.mark.parametrize(
    ("cloud", "said"), [("connecting", 0), ("progress", 100), ("answering", 180)], ids=["silent", "trying", "ringing"]
)
def test_a_cloud_that_takes_too_long_is_given_up(site: Site, cloud: str, said: int) -> None:
    caller, first = call_to(site, cloud)
    if said:
        first.answer(said)
    callee = site.callee(site.premise, caller)
    if said:
        is_cancelled(first)
    else:
        site.settled()
        assert first.heard("CANCEL") == [], "RFC 3261 §9.1: no CANCEL before a provisional response"
    callee.answer(180)
    site.connects(caller, callee)
    assert site.router.metric("failovers_total", **{"from": cloud, "to": "premise", "reason": "timeout"}) == 1
    site.ends(caller, callee)


def test_a_target_that_was_given_up_and_rings_is_cancelled(site: Site) -> None:
    caller, late = call_to(site, "rings late")
    callee = goes_on_at_the_premise(site, caller)
    late.answer(180)
    is_cancelled(late)
    site.settled()
    assert caller.heard(180) == []
    site.ends(caller, callee)


def test_a_target_that_was_given_up_and_answers_gets_ack_and_bye(site: Site) -> None:
    caller, late = call_to(site, "answers late")
    callee = goes_on_at_the_premise(site, caller)
    late.answer(200)
    late.expect("ACK")
    late.hears_of_end()
    site.settled()
    assert caller.heard(200) == caller.heard("BYE") == []
    site.ends(caller, callee)


def test_a_target_that_was_given_up_and_refuses_gets_its_ack(site: Site) -> None:
    caller, late = call_to(site, "refuses late")
    callee = goes_on_at_the_premise(site, caller)
    late.answer(486)
    late.expect("ACK")
    site.ends(caller, callee)


def test_an_answer_that_crosses_the_cancel_of_a_target_given_up_gets_ack_and_bye(site: Site) -> None:
    caller, slow = call_to(site, "answers when cancelled")
    slow.answer(180)
    caller.expect(180)
    callee = site.callee(site.premise, caller)
    cancel = slow.expect("CANCEL")
    slow.answer(200)
    slow.reply(cancel, 200)
    slow.expect("ACK")
    slow.hears_of_end()
    callee.answer(180)
    site.connects(caller, callee)
    site.ends(caller, callee)


# ------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("cloud", "code", "goes_on"),
    [
        ("usual", 408, True),
        ("usual", 500, True),
        ("usual", 504, True),
        ("usual", 404, False),
        ("usual", 486, False),
        ("usual", 603, False),
        ("wide", 404, True),
        ("wide", 480, True),
        ("wide", 603, True),
        ("wide", 486, False),
        ("own peers", 404, True),
        ("own peers", 500, False),
    ],
)
def test_hunt_on_and_next_peer_on_say_what_moves_on(site: Site, cloud: str, code: int, goes_on: bool) -> None:
    premise = site.premise
    caller, first = call_to(site, cloud)
    first.answer(code, reason="Not Now")
    first.expect("ACK")
    if goes_on:
        callee = goes_on_at_the_premise(site, caller)
        site.ends(caller, callee)
    else:
        assert site.refused(caller, code).reason == "Not Now"
        site.settled()
        assert not site.calls_to(premise, caller)


def test_a_trunk_that_is_full_is_passed_over(site: Site) -> None:
    first, callee = call_to(site, "full")
    site.connects(first, callee)
    second = site.caller(prefix("full"))
    second.invite()
    other = goes_on_at_the_premise(site, second)
    site.ends(second, other)
    site.ends(first, callee)
    third, again = call_to(site, "full")
    site.connects(third, again)
    site.ends(third, again)


@pytest.mark.parametrize(("cloud", "code"), [("covers 503", 500), ("passes 503", 503)])
def test_a_targets_503_is_final_503_for_the_caller(site: Site, cloud: str, code: int) -> None:
    caller, first = call_to(site, cloud)
    first.answer(503)
    first.expect("ACK")
    site.refused(caller, code)


def test_a_503_with_retry_after_holds_the_target_down(site: Site) -> None:
    caller, first = call_to(site, "holds")
    first.answer(503, [("Retry-After", "120 (overloaded)")])
    first.expect("ACK")
    site.ends(caller, goes_on_at_the_premise(site, caller))
    assert site.router.metric("trunk_up", trunk="holds") == 0
    again = site.caller(prefix("holds"))
    again.invite()
    site.ends(again, goes_on_at_the_premise(site, again))
    assert not site.calls_to(first.phone, again)


def test_a_rule_that_is_final_does_not_go_on_to_otherwise(site: Site) -> None:
    premise = site.premise
    caller, first = call_to(site, "final")
    first.answer(500)
    first.expect("ACK")
    site.refused(caller, 500)
    site.settled()
    assert not site.calls_to(premise, caller)


def test_the_targets_of_a_trunk_are_hunted_first(site: Site) -> None:
    caller, first = call_to(site, "pair")
    first.answer(500)
    first.expect("ACK")
    second = site.callee(site.phone(site.block.cloud_spare), caller)
    assert second.opening is not None
    assert first.opening is not None
    assert host_of(second.opening.uri) == f"{site.block.cloud_spare}:5060"
    assert second.opening.get("Call-ID") != first.opening.get("Call-ID")
    assert tag_of(second.opening.get("From")) != tag_of(first.opening.get("From"))
    assert second.opening.body == first.opening.body
    assert second.opening.get("Cisco-Guid") == first.opening.get("Cisco-Guid")
    site.connects(caller, second)
    site.ends(caller, second)


def test_a_refusal_that_is_not_in_hunt_on_ends_the_hunt(site: Site) -> None:
    second = site.phone(site.block.cloud_spare)
    caller, first = call_to(site, "pair")
    first.answer(486)
    first.expect("ACK")
    site.refused(caller, 486)
    site.settled()
    assert not site.calls_to(second, caller)


# ------------------------------------------------------------------------------------------------ early media


def early_media_fails(site: Site, cloud: str, code: int) -> tuple[Leg, bytes, str]:
    """A cloud plays early media and is lost (code 0: given up). The caller, the description and the tag that it saw."""
    caller, first = call_to(site, cloud)
    first.body = sdp(first.phone.host, session=7001, version=5)
    first.answer(183)
    early = caller.expect(183)
    assert early.body == first.body
    if code:
        first.answer(code)
        first.expect("ACK")
    else:
        is_cancelled(first)
    return caller, early.body, tag_of(early.get("To"))


@pytest.mark.parametrize(("cloud", "code"), [("early", 500), ("early, slow", 0)], ids=["refused", "given up"])
def test_after_early_media_the_next_attempt_bears_a_fresh_to_tag(site: Site, cloud: str, code: int) -> None:
    """RFC 3261 §13.2.1: to the caller it is another early dialog, in which a new answer may come."""
    caller, seen, first_tag = early_media_fails(site, cloud, code)
    callee = site.callee(site.premise, caller)
    callee.body = sdp(site.block.premise, session=8001, version=1)
    callee.answer(180)
    assert tag_of(caller.expect(180).get("To")) not in ("", first_tag)
    callee.answer(183)
    early = caller.expect(183)
    callee.answer(200)
    answer = caller.expect(200)
    assert tag_of(early.get("To")) == tag_of(answer.get("To")) == tag_of(caller.remote)
    assert tag_of(answer.get("To")) != first_tag
    # RFC 3264 §8: the o= line is that of the first description, one version on; the rest is the premise's.
    user, session, version, address = origin(seen)
    assert origin(early.body) == (user, session, version + 1, address)
    assert beside_origin(early.body) == beside_origin(callee.body)
    # The same answer again is the same session description (RFC 3261 §13.2.1).
    assert answer.body == early.body
    caller.ack(answer)
    callee.expect("ACK")
    site.ends(callee, caller)


def test_ringing_alone_needs_no_fresh_to_tag(site: Site) -> None:
    caller, first = call_to(site, "usual")
    first.answer(180)
    ringing = caller.expect(180)
    first.answer(500)
    first.expect("ACK")
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    answer = caller.expect(200)
    assert answer.body == callee.body
    assert tag_of(ringing.get("To")) != ""
    caller.ack(answer)
    callee.expect("ACK")
    site.ends(caller, callee)


def test_a_call_can_be_cancelled_at_its_second_attempt(site: Site) -> None:
    caller, _, _ = early_media_fails(site, "cancelled", 500)
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    caller.expect(180)
    caller.cancel()
    caller.expect(200, method="CANCEL")
    caller.ack(caller.expect(487))
    is_cancelled(callee)


# ------------------------------------------------------------------------------------------------ down


def lost_call(site: Site) -> None:
    """A call that the cloud does not answer at all."""
    caller = site.caller("+1800555")
    caller.invite()
    site.callee(site.cloud, caller)
    site.ends(caller, goes_on_at_the_premise(site, caller))


def test_a_cloud_that_did_not_answer_three_times_is_left_alone(own_site: OwnSite) -> None:
    site = own_site({"name": "cloud", "to": "cloud"}, cloud={"connect_timeout": SOON})
    for _ in range(3):
        assert site.router.metric("trunk_up", trunk="cloud") == 1
        lost_call(site)
    assert site.router.metric("trunk_up", trunk="cloud") == 0
    caller = site.caller("+1800555")
    caller.invite()
    site.ends(caller, goes_on_at_the_premise(site, caller))
    assert not site.calls_to(site.cloud, caller)
    site.router.check_health()


@pytest.mark.parametrize("by", ["redirect", "refer"])
def test_a_cloud_that_is_down_is_passed_over_by_redirect_and_refer_too(own_site: OwnSite, by: str) -> None:
    settings = {"connect_timeout": SOON}
    site = own_site(
        {"name": "try", "when": 'call.called.startsWith("+1800555")', "to": "cloud"},
        {"name": "send", "to": "cloud", "by": by},
        cloud=settings,
    )
    for _ in range(3):
        lost_call(site)
    caller = site.caller("+1800556")
    caller.invite()
    site.ends(caller, goes_on_at_the_premise(site, caller))


def test_when_nobody_answers_the_caller_hears_408(own_site: OwnSite) -> None:
    site = own_site(
        {"name": "cloud", "to": "cloud"}, cloud={"connect_timeout": SOON}, premise={"connect_timeout": SOON}
    )
    silent: list[Phone] = [site.cloud, site.premise]
    caller = site.caller("+1800555")
    caller.invite()
    site.refused(caller, 408)
    assert all(site.calls_to(phone, caller) for phone in silent)
    site.idle()
