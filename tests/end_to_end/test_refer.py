"""By refer: the caller is answered, sent to the cloud by REFER, and let go once he is there; else he is kept."""

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import SOON, front_door, trunk
from tests.end_to_end.leg import Leg
from tests.end_to_end.site import Site
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Wire, beside_origin, host_of, origin, sdp, tag_of, uri_of

REFERRED = "+1800555"
IMPATIENT = "+1800556"
"""Numbers whose REFER is given up after a moment without news."""

SHY_CARRIER = 20
"""The last number of the address of a carrier that takes no REFER."""


def configuration(block: Block) -> str:
    hurry = {"connect_timeout": SOON, "progress_timeout": SOON, "answer_timeout": SOON}
    return front_door(
        block,
        [
            {"name": "hurry", "when": f'call.called.startsWith("{IMPATIENT}")', "to": ["hurried"], "by": "refer"},
            {"name": "refer", "to": ["cloud", "premise"], "by": "refer"},
        ],
        trunks={
            "shy": trunk(block.host(SHY_CARRIER), accepts=["redirect"]),
            "impatient": trunk(block.cloud_spare, **hurry),
        },
        dial_peers=[
            {"name": "from-shy", "incoming": {"trunk": "shy"}, "policy": "front-door"},
            {"name": "hurried", "outgoing": {"trunk": "impatient"}, "refer_uri": "sip:{called}@carrier.example"},
        ],
    )


def referred(site: Site, number: str = REFERRED, body: bytes | None = None) -> tuple[Leg, Wire, Wire]:
    """A caller, the 200 that it was answered with, and the REFER that came then."""
    caller = site.caller(number)
    caller.invite(body=body)
    answer = caller.expect(200)
    caller.ack(answer, body=caller.body if body == b"" else b"")
    return caller, answer, caller.expect("REFER")


def notify(caller: Leg, fragment: str, state: str = "active;expires=60") -> None:
    """Tells the router how the caller's new call goes (RFC 3515 §2.4.5)."""
    headers = [
        ("Event", "refer"),
        ("Subscription-State", state),
        ("Content-Type", "message/sipfrag;version=2.0"),
    ]
    caller.send(caller.request("NOTIFY", headers, f"SIP/2.0 {fragment}\r\n".encode()))
    assert caller.expect_final("NOTIFY").code == 200


def joined(site: Site, caller: Leg, first_answer: Wire) -> Leg:
    """The call goes on at the premise: its media reach the caller by a re-INVITE. Hands back the premise's leg."""
    callee = site.callee(site.premise, caller)
    callee.body = sdp(site.block.premise, session=3003, version=7)
    callee.answer(180)
    callee.answer(200)
    again = caller.expect("INVITE")
    caller.body = sdp(site.block.carrier, session=1001, version=2)
    caller.reply(again, 200, body=caller.body)
    ack = caller.expect("ACK")
    callee_ack = callee.expect("ACK")
    assert callee.opening is not None
    # Whichever way offer and answer went: in the end each end has the other's description, and one to it.
    heard_by_caller = again.body or ack.body
    heard_by_callee = callee_ack.body or callee.opening.body
    assert beside_origin(heard_by_caller) == beside_origin(callee.body)
    assert b"c=IN IP4 " + site.block.carrier.encode() in heard_by_callee
    # RFC 3264 §8: the same session as in the answer that the caller got first, one version on.
    user, session, version, address = origin(first_answer.body)
    assert origin(heard_by_caller) == (user, session, version + 1, address)
    return callee


# ------------------------------------------------------------------------------------------------ accepted


def test_the_caller_is_answered_with_inactive_media(site: Site) -> None:
    caller, answer, _ = referred(site)
    lines = answer.body.decode().split("\r\n")
    assert answer.get("Content-Type") == "application/sdp"
    assert lines[0] == "v=0"
    assert "a=inactive" in lines
    media = [line for line in lines if line.startswith("m=")]
    assert len(media) == 1
    assert media[0].startswith("m=audio ")
    assert media[0].split()[1] != "0"
    assert any(line.startswith("c=IN IP4 ") for line in lines)
    caller.bye()
    caller.expect(200, method="BYE")


def test_every_stream_of_the_offer_is_answered(site: Site) -> None:
    offer = sdp(site.block.carrier, extra=["m=video 40002 RTP/AVP 31", "m=audio 40004 RTP/AVP 8"])
    caller, answer, _ = referred(site, body=offer)
    media = [line.split()[:2] for line in answer.body.decode().split("\r\n") if line.startswith("m=")]
    assert [kind for kind, _ in media] == ["m=audio", "m=video", "m=audio"]
    assert media[0][1] != "0"
    assert [port for _, port in media[1:]] == ["0", "0"]
    caller.bye()
    caller.expect(200, method="BYE")


def test_a_caller_without_an_offer_gets_an_inactive_one(site: Site) -> None:
    caller, answer, _ = referred(site, body=b"")
    assert b"m=audio " in answer.body
    assert b"\r\na=inactive\r\n" in answer.body
    caller.bye()
    caller.expect(200, method="BYE")


@pytest.mark.parametrize(
    ("number", "host"), [(REFERRED, ""), (IMPATIENT, "carrier.example")], ids=["the trunk's target", "refer_uri"]
)
def test_the_refer_names_the_cloud(site: Site, number: str, host: str) -> None:
    caller, answer, refer = referred(site, number)
    assert uri_of(refer.get("Refer-To")) == f"sip:{caller.called}@{host or site.block.cloud + ':5060'}"
    assert refer.uri == f"sip:+13125550199@{site.block.carrier}:5060"
    assert tag_of(refer.get("From")) == tag_of(answer.get("To"))
    assert tag_of(refer.get("To")) == tag_of(caller.local)
    assert host_of(uri_of(refer.get("Contact"))) == "{}:{}".format(*site.block.router)
    caller.bye()
    caller.expect(200, method="BYE")


def test_a_caller_that_has_arrived_is_let_go(site: Site) -> None:
    caller, _, refer = referred(site)
    caller.reply(refer, 202)
    notify(caller, "100 Trying")
    notify(caller, "180 Ringing")
    site.settled()
    assert caller.heard("BYE") == []
    notify(caller, "200 OK", "terminated;reason=noresource")
    caller.hears_of_end()
    site.idle()


def test_the_router_itself_calls_nobody(site: Site) -> None:
    ends = (site.premise, site.cloud)
    caller, _, refer = referred(site)
    caller.reply(refer, 202)
    notify(caller, "200 OK", "terminated;reason=noresource")
    caller.hears_of_end()
    site.settled()
    assert not any(site.calls_to(end, caller) for end in ends)


def test_news_that_overtake_the_202_count(site: Site) -> None:
    caller, _, refer = referred(site)
    notify(caller, "200 OK", "terminated;reason=noresource")
    caller.reply(refer, 202)
    caller.hears_of_end()


@pytest.mark.parametrize("accepted", [False, True], ids=["before the 202", "after the 202"])
def test_a_caller_that_hangs_up_meanwhile_is_not_called_back(site: Site, accepted: bool) -> None:
    premise = site.premise
    caller, _, refer = referred(site)
    if accepted:
        caller.reply(refer, 202)
        notify(caller, "100 Trying")
    caller.bye()
    caller.expect(200, method="BYE")
    site.idle()
    site.settled()
    assert not site.calls_to(premise, caller)


# ------------------------------------------------------------------------------------------------ not accepted


@pytest.mark.parametrize(("code", "reason"), [(603, "Decline"), (405, "Method Not Allowed"), (501, "Not Implemented")])
def test_a_caller_that_refuses_the_refer_is_kept(site: Site, code: int, reason: str) -> None:
    caller, answer, refer = referred(site)
    caller.reply(refer, code, reason=reason)
    callee = joined(site, caller, answer)
    site.ends(caller, callee)


@pytest.mark.parametrize("fragment", ["503 Service Unavailable", "486 Busy Here", "603 Decline"])
def test_a_caller_whose_new_call_fails_is_kept(site: Site, fragment: str) -> None:
    caller, answer, refer = referred(site)
    caller.reply(refer, 202)
    notify(caller, "100 Trying")
    notify(caller, fragment, "terminated;reason=noresource")
    callee = joined(site, caller, answer)
    site.ends(callee, caller)


def test_a_subscription_that_ends_without_an_outcome_is_a_failure(site: Site) -> None:
    caller, answer, refer = referred(site)
    caller.reply(refer, 202)
    notify(caller, "100 Trying", "terminated;reason=giveup")
    callee = joined(site, caller, answer)
    site.ends(caller, callee)


@pytest.mark.parametrize("said", ["nothing", "202", "202 and 100"])
def test_a_caller_that_says_no_more_is_kept(site: Site, said: str) -> None:
    caller, answer, refer = referred(site, IMPATIENT)
    if said != "nothing":
        caller.reply(refer, 202)
    if said.endswith("100"):
        notify(caller, "100 Trying")
    callee = joined(site, caller, answer)
    site.ends(caller, callee)


def test_a_late_offer_caller_is_kept_too(site: Site) -> None:
    caller, answer, refer = referred(site, body=b"")
    caller.reply(refer, 603)
    callee = joined(site, caller, answer)
    site.ends(caller, callee)


def test_a_caller_that_is_kept_and_hangs_up_while_the_premise_rings_ends_both(site: Site) -> None:
    caller, _, refer = referred(site)
    caller.reply(refer, 603)
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    site.settled()
    caller.bye()
    caller.expect(200, method="BYE")
    cancel = callee.expect("CANCEL")
    callee.reply(cancel, 200)
    callee.answer(487)
    callee.expect("ACK")
    site.idle()


def test_a_caller_that_is_kept_and_whom_nobody_takes_is_hung_up_on(site: Site) -> None:
    caller, _, refer = referred(site)
    caller.reply(refer, 603)
    callee = site.callee(site.premise, caller)
    callee.answer(486)
    callee.expect("ACK")
    caller.hears_of_end()
    site.idle()


def test_a_caller_that_refuses_the_new_media_loses_no_leg_behind_him(site: Site) -> None:
    """A re-INVITE that fails leaves nothing half open: both ends hear BYE, or the call stands at both."""
    caller, _, refer = referred(site)
    caller.reply(refer, 603)
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    again = caller.expect("INVITE")
    caller.opening = again
    caller.reply(again, 488)
    callee.expect("ACK")
    callee.hears_of_end()
    caller.hears_of_end()
    site.idle()


# ------------------------------------------------------------------------------------------------ what a peer accepts


def test_a_caller_that_takes_no_refer_is_bridged(site: Site) -> None:
    cloud = site.cloud
    caller = site.caller(REFERRED, phone=site.phone(site.block.host(SHY_CARRIER)))
    caller.invite()
    callee = site.callee(cloud, caller)
    site.connects(caller, callee)
    site.ends(caller, callee)


def test_a_notify_of_a_refer_that_nobody_asked_for(site: Site) -> None:
    caller = site.caller(REFERRED, phone=site.phone(site.block.host(SHY_CARRIER)))
    callee = site.answered(caller, site.cloud)
    caller.send(caller.request("NOTIFY", [("Event", "refer"), ("Subscription-State", "active")]))
    assert caller.expect_final("NOTIFY").code == 481
    until(lambda: site.router.metric("calls_active") > 0, "the call to stand")
    site.ends(caller, callee)
