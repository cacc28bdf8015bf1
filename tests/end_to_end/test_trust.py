"""Who may send what: strangers get silence, a dialog's requests are known by its tags, CANCEL by branch and source."""

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door, trunk
from tests.end_to_end.leg import Leg, fresh_branch
from tests.end_to_end.site import Site
from tests.end_to_end.waiting import until

NUMBER = "+1800555"


def configuration(block: Block) -> str:
    """A network that may call, but for one address in it that is another trunk's: the longest prefix wins."""
    return front_door(
        block,
        trunks={
            "wholesale": trunk(sources=[f"{block.prefix}.128/26"], targets=[]),
            "inner": trunk(sources=[block.host(130)], targets=[]),
        },
        dial_peers=[
            {"name": "from-wholesale", "incoming": {"trunk": "wholesale"}, "destinations": ["premise"]},
            {"name": "from-inner", "incoming": {"trunk": "inner"}, "destinations": ["cloud"]},
        ],
    )


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "REGISTER", "BYE", "CANCEL", "ACK", "FROB", ""])
def test_a_stranger_gets_silence_and_is_counted(site: Site, method: str) -> None:
    before = site.router.metric("sip_rejected_total", reason="unknown source")
    stranger = site.phone(site.block.stranger)
    leg = site.caller(NUMBER, phone=stranger)
    if method:
        leg.send(leg.request(method))
    else:
        stranger.send(b"INVITE sip:broken SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n", site.block.router)
    site.settled()
    assert stranger.heard() == []
    until(lambda: site.router.metric("sip_rejected_total", reason="unknown source") == before + 1, "a count")


@pytest.mark.parametrize(("last", "taken_by"), [(129, "premise"), (191, "premise"), (130, "cloud")])
def test_a_source_belongs_to_the_trunk_with_the_longest_prefix(site: Site, last: int, taken_by: str) -> None:
    caller = site.caller(NUMBER, phone=site.phone(site.block.host(last)))
    caller.invite()
    callee = site.callee(getattr(site, taken_by), caller)
    site.connects(caller, callee)
    site.ends(caller, callee)


def test_the_next_address_after_a_network_is_a_strangers(site: Site) -> None:
    stranger = site.phone(site.block.host(192))
    leg = site.caller(NUMBER, phone=stranger)
    leg.invite()
    site.settled()
    assert stranger.heard() == []


@pytest.mark.parametrize("wrong", ["from tag", "to tag", "Call-ID"])
@pytest.mark.parametrize("who", ["carrier", "stranger"])
def test_a_bye_that_does_not_name_its_dialog_exactly_ends_nothing(site: Site, wrong: str, who: str) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    spoof = Leg(
        getattr(site, who) if who == "carrier" else site.phone(site.block.stranger),
        caller.router,
        caller.called,
        "x" + caller.call_id if wrong == "Call-ID" else caller.call_id,
        caller.local + "x" if wrong == "from tag" else caller.local,
        caller.remote + "x" if wrong == "to tag" else caller.remote,
        caller.target,
    )
    spoof.cseq = caller.cseq
    spoof.bye()
    site.settled()
    assert callee.heard("BYE") == []
    if who == "carrier":
        assert spoof.expect_final("BYE").code == 481
    else:
        assert spoof.phone.heard() == []
    site.ends(caller, callee)


def test_an_ack_that_does_not_name_its_dialog_exactly_acknowledges_nothing(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    answer = caller.expect(200)
    spoof = caller.request("ACK", [("To", caller.remote + "x")], cseq=answer.cseq)
    caller.send(spoof)
    caller.expect(200)  # again, T1 later: nobody has acknowledged it yet
    assert callee.heard("ACK") == []
    caller.ack(answer)
    callee.expect("ACK")
    site.ends(caller, callee)


@pytest.mark.parametrize("wrong", ["branch", "source"])
def test_a_cancel_by_another_branch_or_source_cancels_nothing(site: Site, wrong: str) -> None:
    caller = site.caller(NUMBER)
    invite = caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    caller.expect(180)
    spoof = Leg.to(site.phone(site.block.host(129)), caller.router, caller.called)
    spoof.call_id, spoof.local, spoof.cseq = caller.call_id, caller.local, caller.cseq
    if wrong == "branch":
        spoof.phone = caller.phone
        spoof.opening = invite.with_headers(("Via", invite.get("Via").replace(invite.branch, fresh_branch())))
        spoof.cancel()
        assert spoof.expect_final("CANCEL").code == 481
    else:
        spoof.opening = invite
        cancel = spoof.request("CANCEL", [("Via", invite.get("Via"))], cseq=invite.cseq)
        cancel.start = f"CANCEL {invite.uri} SIP/2.0"
        spoof.send(cancel)
    site.settled()
    assert callee.heard("CANCEL") == caller.heard(487) == []
    site.connects(caller, callee)
    site.ends(caller, callee)


def test_answers_go_where_the_request_came_from(site: Site) -> None:
    """RFC 3581: rport, and received where Via names another place."""
    leg = site.caller(NUMBER)
    branch = fresh_branch()
    leg.send(leg.request("OPTIONS", [("Via", f"SIP/2.0/UDP 192.0.2.9:5099;branch={branch};rport")]))
    via = leg.expect_final("OPTIONS").get("Via")
    assert f";received={site.block.carrier}" in via
    assert ";rport=5060" in via


def test_without_rport_answers_go_to_the_port_in_via(site: Site) -> None:
    """RFC 3261 §18.2.2: to the address that the request came from and the port that its Via names."""
    leg = site.caller(NUMBER)
    listening = site.phone(site.block.carrier, 5099)
    leg.send(leg.request("OPTIONS", [("Via", f"SIP/2.0/UDP {site.block.carrier}:5099;branch={fresh_branch()}")]))
    leg.phone = listening
    assert leg.expect_final("OPTIONS").code == 200
