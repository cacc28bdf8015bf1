"""A bridged call on the wire, from INVITE to BYE: two dialogs that know nothing of each other."""

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.leg import reason_of
from tests.end_to_end.site import Site
from tests.end_to_end.wire import host_of, sdp, tag_of, uri_of

NUMBER = "+1800555"


def configuration(block: Block) -> str:
    return front_door(block)


# ------------------------------------------------------------------------------------------------ two dialogs


def test_each_leg_is_a_dialog_of_its_own(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    came, left = caller.opening, callee.opening
    assert came is not None
    assert left is not None
    router = "{}:{}".format(*site.block.router)
    assert left.get("Call-ID") != came.get("Call-ID")
    assert tag_of(left.get("From")) != tag_of(came.get("From"))
    assert tag_of(caller.remote) != tag_of(callee.local)
    assert left.branch != came.branch
    assert f"UDP {router}" in left.get("Via")
    assert host_of(uri_of(left.get("Contact"))) == router
    assert host_of(caller.target) == router
    assert left.uri == f"sip:{caller.called}@{site.block.premise}:5060"
    assert host_of(uri_of(left.get("From"))).split(":")[0] == site.block.router[0]
    assert site.block.carrier not in str(left.without("P-Asserted-Identity")).split("\r\n\r\n")[0]
    site.ends(caller, callee)


def test_each_leg_counts_its_own_cseq(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.cseq = 4710
    callee = site.answered(caller, site.premise)
    assert callee.opening is not None
    caller.bye()
    bye = callee.hears_of_end()
    assert caller.cseq == 4712
    assert bye.cseq == callee.opening.cseq + 1
    assert caller.expect(200, method="BYE").cseq == 4712


def test_the_caller_sees_one_to_tag_and_one_target_from_ringing_to_answer(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    ringing = caller.expect(180)
    callee.answer(200)
    answer = caller.expect(200)
    assert tag_of(ringing.get("To")) == tag_of(answer.get("To")) != ""
    assert uri_of(ringing.get("Contact")) == uri_of(answer.get("Contact"))
    caller.ack(answer)
    callee.expect("ACK")
    site.ends(callee, caller)


def test_record_routes_of_the_path_are_followed_within_each_leg_only(site: Site) -> None:
    """RFC 3261 §12.1: the callee's side goes by the callee's Record-Route, the caller's 200 repeats the caller's."""
    caller = site.caller(NUMBER)
    caller.invite([("Record-Route", f"<sip:{site.block.carrier}:5060;lr>")])
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert not callee.opening.all("Record-Route")
    assert not callee.opening.all("Route")
    hop = f"<sip:{site.block.premise}:5060;lr>"
    callee.answer(200, [("Record-Route", hop)])
    answer = caller.expect(200)
    assert answer.all("Record-Route") == [f"<sip:{site.block.carrier}:5060;lr>"]
    caller.ack(answer)
    assert callee.expect("ACK").all("Route") == [hop]
    caller.bye()
    assert callee.hears_of_end().all("Route") == [hop]


@pytest.mark.parametrize("moves", [True, False], ids=["an address", "a name"])
def test_requests_within_a_dialog_go_to_its_contact(site: Site, moves: bool) -> None:
    """RFC 3261 §12.2.1.1; where the Contact is a name that nobody resolves, to where the INVITE went."""
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    target = f"sip:agent@{site.block.premise if moves else 'premise.example'}:5070;line=7"
    callee.answer(200, [("Contact", f'"Desk 7" <{target}>;expires=60')])
    answer = caller.expect(200)
    if moves:
        callee.phone = site.phone(site.block.premise, 5070)
    caller.ack(answer)
    assert callee.expect("ACK").uri == target
    caller.bye()
    assert callee.hears_of_end().uri == target


def test_every_via_of_the_request_comes_back_in_order(site: Site) -> None:
    """RFC 3261 §8.2.6.2: a proxy in front of us finds its own way back by them."""
    caller = site.caller(NUMBER)
    proxies = ["SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-p2", "SIP/2.0/TLS 192.0.2.6;branch=z9hG4bK-p1;x=a,b"]
    invite = caller.request("INVITE", body=caller.body)
    own = invite.headers[0]
    invite.headers[0:1] = [own, *(("Via", value) for value in proxies)]
    caller.opening = caller.send(invite)
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    vias = ", ".join(caller.expect(180).all("Via"))
    assert vias.startswith(own[1].removesuffix(";rport"))
    assert vias.endswith(", ".join(proxies))
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)


def test_a_caller_may_try_again_under_the_same_call_id(site: Site) -> None:
    """As after a challenge or a redirect: same Call-ID and From tag, the next CSeq, no To tag (RFC 3261 §8.1.3.5)."""
    caller = site.caller(NUMBER)
    first_remote = caller.remote
    for code in (486, 480):
        caller.opening = None
        caller.remote = first_remote
        caller.invite()
        callee = site.callee(site.premise, caller)
        callee.answer(code)
        callee.expect("ACK")
        site.refused(caller, code)
    caller.opening, caller.remote = None, first_remote
    site.ends(caller, site.answered(caller, site.premise))


# ------------------------------------------------------------------------------------------------ offer and answer


def test_session_descriptions_cross_byte_for_byte(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.body = sdp(site.block.carrier, extra=["a=odd:  spaces   and UTF-8 é stay", "a=sendrecv"])
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.body = sdp(site.block.premise, session=2002, extra=["a=ptime:20"])
    assert callee.opening is not None
    assert callee.opening.body == caller.body
    callee.answer(183)
    early = caller.expect(183)
    assert (early.body, early.get("Content-Type")) == (callee.body, "application/sdp")
    callee.answer(200)
    answer = caller.expect(200)
    assert (answer.body, answer.get("Content-Type")) == (callee.body, "application/sdp")
    caller.ack(answer)
    callee.expect("ACK")
    site.ends(caller, callee)


def test_a_body_of_several_parts_crosses_byte_for_byte(site: Site) -> None:
    caller = site.caller(NUMBER)
    boundary = "=_edge:1"
    parts = [
        b"preamble that nobody reads\r\n",
        b"Content-Type: application/sdp\r\n\r\n" + caller.body,
        b"Content-Type: application/isup;version=itu-t92+\r\nContent-Disposition: signal;handling=optional\r\n\r\n"
        + bytes(range(256)),
    ]
    body = b"\r\n--=_edge:1\r\n".join(parts) + b"\r\n--=_edge:1--\r\n"
    kind = f'multipart/mixed; boundary="{boundary}"'
    caller.invite([("Content-Type", kind), ("MIME-Version", "1.0")], body)
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert callee.opening.body == body
    assert callee.opening.get("Content-Type") == kind
    assert callee.opening.get("MIME-Version") == "1.0"
    site.connects(caller, callee)
    site.ends(caller, callee)


def test_a_late_offer_is_answered_in_the_ack(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite(body=b"")
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert callee.opening.body == b""
    callee.answer(180)
    caller.expect(180)
    callee.answer(200)
    answer = caller.expect(200)
    assert answer.body == callee.body
    site.settled()
    assert callee.heard("ACK") == [], "the ACK must wait: it carries the caller's answer (RFC 3264 §5)"
    caller.ack(answer, caller.body)
    ack = callee.expect("ACK")
    assert (ack.body, ack.get("Content-Type")) == (caller.body, "application/sdp")
    site.ends(callee, caller)


def test_an_answer_may_leave_its_description_in_the_early_media(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(183)
    assert caller.expect(183).body == callee.body
    callee.answer(200, body=b"")
    answer = caller.expect(200)
    assert answer.body == b""
    caller.ack(answer)
    assert callee.expect("ACK").body == b""
    site.ends(caller, callee)


def test_ringing_after_early_media_is_passed_on_too(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    for code in (183, 180, 183):
        callee.answer(code)
        caller.expect(code)
    site.connects(caller, callee)
    site.ends(caller, callee)


def test_the_caller_hears_trying_before_anybody_was_asked_twice(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    trying = caller.expect(100)
    assert trying.cseq_method == "INVITE"
    callee = site.callee(site.premise, caller)
    callee.answer(486)
    site.refused(caller, 486)


# ------------------------------------------------------------------------------------------------ the end


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize(
    "reason", ['Q.850;cause=16;text="Normal call clearing"', 'SIP;cause=200;text="completed elsewhere"']
)
def test_bye_crosses_with_its_reason(site: Site, who: str, reason: str) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    one, other = (caller, callee) if who == "caller" else (callee, caller)
    one.bye([("Reason", reason)])
    assert other.hears_of_end().all("Reason") == [reason]
    one.expect(200, method="BYE")


def test_a_callee_that_hangs_up_before_the_ack_came(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    answer = caller.expect(200)
    callee.bye()
    assert callee.expect_final("BYE").code == 200
    site.settled()
    assert caller.heard("BYE") == []  # not before the ACK (RFC 3261 §15)
    caller.ack(answer)
    caller.hears_of_end()
    site.idle()


def test_a_caller_that_hangs_up_before_its_ack(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    answer = caller.expect(200)
    caller.bye()
    assert caller.expect_final("BYE").code == 200
    callee.expect("ACK")
    callee.hears_of_end()
    caller.ack(answer)
    site.idle()


def test_bye_from_both_ends_at_once_gets_two_final_answers(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    callee.bye()
    caller.bye()
    for leg in (caller, callee):
        assert leg.expect_final("BYE").code in (200, 481)
        for crossed in leg.heard("BYE"):
            leg.reply(crossed, 200)


def test_a_bye_after_the_end_is_of_an_unknown_dialog(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    site.ends(caller, callee)
    caller.bye()
    assert caller.expect_final("BYE").code == 481
    callee.bye()
    assert callee.expect_final("BYE").code == 481


@pytest.mark.parametrize("code", [404, 480, 484, 486, 488, 500, 600, 603, 606])
def test_the_callees_final_code_is_passed_on(site: Site, code: int) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(code, [("Reason", "Q.850;cause=21")], reason=f"In own words {code}")
    callee.expect("ACK")
    final = site.refused(caller, code)
    assert final.reason == f"In own words {code}"
    assert reason_of(final) == {"Q.850": "cause=21"}


# ------------------------------------------------------------------------------------------------ within the call


def test_a_re_invite_leaves_the_call_standing(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    again = caller.invite(body=sdp(site.block.carrier, version=2, extra=["a=sendonly"]))
    site.settled()
    for request in filter(lambda message: tag_of(message.get("To")), callee.heard("INVITE")):
        callee.reply(request, 200, body=sdp(site.block.premise, version=2, extra=["a=recvonly"]))
    final = caller.expect_final()
    assert final.cseq == again.cseq
    caller.ack(final)
    site.settled()
    site.ends(caller, callee)


def test_requests_within_a_call_may_come_from_any_address(site: Site) -> None:
    """The dialog says whose it is, not the address: a carrier may move a call between its own machines."""
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    caller.phone = site.phone(site.block.host(99))
    site.ends(caller, callee)
