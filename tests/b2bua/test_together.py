"""Features that were built apart, together in one call: transfers, logins, timers, redirections, rescue, PRACK."""

from dataclasses import replace
from typing import Any

import pytest

from edge_router.dialplan.hunting import Located
from edge_router.sip.timers import TICK
from tests.b2bua.challenge import FILES, LOGIN, asking, assert_answers, shown_in
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import accepts, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import SPEAKS, calls, crosses, is_answered, pracked, pracks, rang, rings
from tests.b2bua.sessions import ALLOW, TIMER, is_refreshed, refreshed_by_him, refreshed_by_us
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Line, Stage
from tests.b2bua.test_attended_transfer import begins, two_calls
from tests.b2bua.transfers import FROM_ANYWHERE, WHO, arrives, ends, is_joined, is_told, refers
from tests.end_to_end.wire import Wire, beside_origin

SPARE = f"Contact: <sip:{CLOUD_FIRST}@198.51.100.22:5060>"
DROPPED = "Reason: Q.850;cause=41"
CARRIER_IS_CALLED: dict[str, Any] = {
    "rules": [{"name": "back", "when": 'call.called.endsWith("6000")', "to": "carrier"}],
    "peers": (*FROM_ANYWHERE, {"name": "carrier", "outgoing": {"trunk": "carrier"}}),
}
RESCUED = {"name": "cloud", "outgoing": {"trunk": "cloud"}, "rescue": {}}


def asked_again(leg: Leg, request: Wire, *challenge: str) -> Wire:
    """Challenges a request of ours, and hears it once more with the right answer."""
    leg.answers(request, 401, *(challenge or (asking(),)))
    if request.method == "INVITE":
        leg.hears("ACK")
    again = leg.hears(request.method)
    assert again.cseq > request.cseq
    assert_answers(again)
    return again


def talk(stage: Stage, who: str, *lines: str) -> tuple[Leg, Leg]:
    """Transferor and who stays, who says these lines in his INVITE or his 200."""
    stays_calls = who == "callee"
    caller = stage.carrier.calls(PREMISE_ONLY, *(lines if stays_calls else ()))
    callee = stage.premise.is_called()
    callee.says(200, *(() if stays_calls else lines))
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    return (callee, caller) if stays_calls else (caller, callee)


def who_stays(who: str) -> str:
    return "caller" if who == "callee" else "callee"


def with_timer(stage: Stage, who: str, by_update: bool) -> tuple[Leg, Leg]:
    """Transferor and who stays, whom the router has to refresh at 900 s."""
    return talk(stage, who, TIMER, refreshed_by_us(who_stays(who)), *((ALLOW,) if by_update else ()))


def is_over_while_it_rings(stage: Stage, transferor: Leg, stays: Leg, new: Leg, within: float) -> None:
    """The call of who stays ends, and with it the transfer."""
    new.says(180)
    is_told(transferor, "180 Ringing")
    until(stage, stays, within)
    stays.is_hung_up()
    is_told(transferor, "500 Server Internal Error")
    transferor.is_hung_up()
    new.is_cancelled()


class TestTransfer:
    """A transfer, and what else goes on in the call."""

    @pytest.fixture
    def stage(self, open_stage: OpenStage) -> Stage:
        return open_stage(peers=FROM_ANYWHERE)

    @pytest.fixture
    def asking_stage(self, open_stage: OpenStage) -> Stage:
        return open_stage(FILES, peers=FROM_ANYWHERE, carrier=LOGIN, premise=LOGIN, cloud=LOGIN)

    @WHO
    @pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
    def test_who_stays_is_refreshed_while_it_rings_and_after(self, stage: Stage, who: str, method: str) -> None:
        transferor, stays = with_timer(stage, who, method == "UPDATE")
        stage.pass_time(890)
        new = refers(transferor, new=stage.cloud)
        new.says(180)
        is_told(transferor, "180 Ringing")
        refresh = is_refreshed(stage, stays, 9, method)
        stays.answers(refresh, 200, "Session-Expires: 1800;refresher=uac", body=refresh.body and stays.party.sdp)
        if method == "INVITE":
            stays.hears("ACK")
        new.says(200, TIMER, "Session-Expires: 600;refresher=uac", ALLOW)
        new.hears("ACK")
        again = stays.hears("INVITE")
        assert again.get("Session-Expires").startswith("1800;refresher=uac")
        stays.answers(again, 200, "Session-Expires: 1800;refresher=uac", body=stays.party.sdp)
        stays.hears("ACK")
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        for _ in range(2):
            update = is_refreshed(stage, new, 299, "UPDATE")
            new.answers(update, 200, "Session-Expires: 600;refresher=uac")
        until(stage, stays, 310)  # 900 s since he was joined, as the timer of who is new
        refresh = stays.hears(method)
        stays.answers(refresh, 200, "Session-Expires: 1800;refresher=uac", body=refresh.body and stays.party.sdp)
        if method == "INVITE":
            stays.hears("ACK")
        until(stage, new, 3)
        new.answers(new.hears("UPDATE"), 200, "Session-Expires: 600;refresher=uac")
        part(new, stays)

    @WHO
    def test_a_refresh_waits_while_who_stays_is_joined(self, stage: Stage, who: str) -> None:
        transferor, stays = with_timer(stage, who, by_update=False)
        stage.pass_time(895)
        new = refers(transferor, new=stage.cloud)
        new.says(200)
        new.hears("ACK")
        again = stays.hears("INVITE")
        stays.answers(again, 100)
        stage.pass_time(10)
        stays.hears_nothing()
        stays.answers(again, 200, "Session-Expires: 1800;refresher=uac", body=stays.party.sdp)
        stays.hears("ACK")
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        part(new, stays)

    @WHO
    def test_by_connections(self, stage: Stage, who: str) -> None:
        stage.line.reliable = True
        transferor, stays = ends(stage, who)
        new = refers(transferor, new=stage.cloud)
        stage.pass_time(1.5)
        arrives(transferor, stays, new)
        part(stays, new)

    def test_the_dial_plan_sees_the_listener_of_the_transferor(self, open_stage: OpenStage) -> None:
        stage = open_stage(
            premise={"listen": "inside"},
            listen=[
                {"name": name, "transport": "udp", "address": f"192.0.2.{number}:5060"}
                for number, name in ((1, "pstn"), (2, "inside"))
            ],
            peers=(
                {"name": "from-carrier", "incoming": {"listen": "pstn"}, "policy": "door"},
                {"name": "from-inside", "incoming": {"listen": "inside"}, "destinations": ["cloud"]},
            ),
        )
        inside = Line("inside")
        inside.parties = stage.line.parties
        stage.router.listeners = {"pstn": stage.line, "inside": inside}
        stage.premise.send = lambda message, source: stage.router.receive(message.encode(), source, inside)
        caller, callee = ends(stage, "caller")
        new = refers(callee, "Refer-To: <sip:+18005557000@192.0.2.1>", new=stage.cloud)
        arrives(callee, caller, new)
        part(caller, new)

    @WHO
    def test_who_stays_and_does_not_refresh_ends_it_while_it_rings(self, stage: Stage, who: str) -> None:
        transferor, stays = talk(stage, who, TIMER, refreshed_by_him(who_stays(who), 90))
        stage.pass_time(40)
        new = refers(transferor, new=stage.cloud)
        is_over_while_it_rings(stage, transferor, stays, new, 25)

    @WHO
    def test_its_time_is_over_while_it_rings(self, open_stage: OpenStage, who: str) -> None:
        stage = open_stage(peers=FROM_ANYWHERE, carrier={"max_duration": "60s"})
        transferor, stays = ends(stage, who)
        stage.pass_time(50)
        new = refers(transferor, new=stage.cloud)
        is_over_while_it_rings(stage, transferor, stays, new, 12)

    @WHO
    def test_the_time_of_the_new_partys_trunk_counts_from_when_he_comes(self, open_stage: OpenStage, who: str) -> None:
        stage = open_stage(peers=FROM_ANYWHERE, cloud={"max_duration": "60s"})
        transferor, stays = ends(stage, who)
        stage.pass_time(100)
        new = refers(transferor, new=stage.cloud)
        arrives(transferor, stays, new)
        stage.pass_time(58)
        stays.hears_nothing()
        stage.pass_time(3)
        stays.is_hung_up()
        new.is_hung_up()

    @pytest.mark.parametrize("first", ["caller", "callee"])
    @pytest.mark.parametrize("second", ["caller", "callee"])
    def test_whom_the_transferor_had_asked_brings_his_time_along(
        self, open_stage: OpenStage, first: str, second: str
    ) -> None:
        stage = open_stage(**CARRIER_IS_CALLED, cloud={"max_duration": "60s"})
        transferor, stays, consulting, asked = two_calls(stage, first, second)
        stage.pass_time(20)
        asked.answers(begins(transferor, consulting, asked), 200, body=asked.party.sdp)
        asked.hears("ACK")
        stays.answers(stays.hears("INVITE"), 200, body=stays.party.sdp)
        stays.hears("ACK")
        consulting.is_hung_up()
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        stage.pass_time(37)
        stays.hears_nothing()
        stage.pass_time(4)
        stays.is_hung_up()
        asked.is_hung_up()

    @pytest.mark.parametrize("first", ["caller", "callee"])
    @pytest.mark.parametrize("second", ["caller", "callee"])
    def test_whom_the_transferor_had_asked_has_no_time_left(
        self, open_stage: OpenStage, first: str, second: str
    ) -> None:
        stage = open_stage(**CARRIER_IS_CALLED, cloud={"max_duration": "60s"})
        transferor, stays, consulting, asked = two_calls(stage, first, second)
        stage.pass_time(55)
        again = begins(transferor, consulting, asked)
        asked.answers(again, 100)
        until(stage, consulting, 8)
        consulting.is_hung_up()
        asked.is_hung_up()
        is_told(transferor, "500 Server Internal Error")
        asked.answers(again, 487)
        asked.hears("ACK")
        accepts(stays, reinvites(transferor, stays), transferor)
        part(transferor, stays)

    @WHO
    def test_the_new_party_is_elsewhere(self, stage: Stage, who: str) -> None:
        transferor, stays = ends(stage, who)
        refers(transferor, new=stage.cloud).refuses(302, SPARE)
        new = stage.spare.is_called()
        assert new.invite.body == stays.party.sdp
        arrives(transferor, stays, new)
        part(stays, new)
        assert [(each.target, each.code) for each in stage.record.attempts] == [
            ("198.51.100.31:5060", 200),
            ("198.51.100.21:5060", 302),
            ("198.51.100.22:5060", 200),
        ]

    @WHO
    def test_who_is_elsewhere_by_the_dial_plan_is_called_as_from_the_transferors_trunk(
        self, open_stage: OpenStage, who: str
    ) -> None:
        rules = [
            {"name": trunk, "when": f'call.trunk == "{trunk}" && call.called.endsWith("7000")', "to": to}
            for trunk, to in (("carrier", "premise"), ("premise", "spare"))
        ]
        spare = {"name": "spare", "outgoing": {"trunk": "cloud"}}
        stage = open_stage(rules=rules, peers=(*FROM_ANYWHERE, spare))
        transferor, stays = ends(stage, who)
        refers(transferor, new=stage.cloud).refuses(302, "Contact: <sip:+18005557000@192.0.2.1:5060>")
        new = (stage.premise if who == "caller" else stage.cloud).is_called()
        arrives(transferor, stays, new)
        part(stays, new)

    @WHO
    def test_the_new_party_who_is_nowhere_gives_the_call_back(self, stage: Stage, who: str) -> None:
        transferor, stays = ends(stage, who)
        refers(transferor, new=stage.cloud).refuses(302, "Contact: <sip:+18005557000@203.0.113.9>")
        stage.spare.is_called().refuses(486)
        is_told(transferor, "486 Busy Here")
        accepts(stays, reinvites(transferor, stays), transferor)
        part(transferor, stays)

    @WHO
    def test_everybody_asks_who_we_are(self, asking_stage: Stage, who: str) -> None:
        stage = asking_stage
        transferor, stays = talk(stage, who)
        transferor.asks("REFER", f"Refer-To: <sip:{CLOUD_FIRST}@192.0.2.1:5060>")
        transferor.hears(202, "REFER")
        told = asked_again(transferor, transferor.hears("NOTIFY"))
        transferor.answers(told, 200)
        new = stage.cloud.is_called()
        new.refuses(401, asking("n2"))
        new.invite = new.hears("INVITE")
        assert_answers(new.invite, "n2")
        new.says(200)
        assert_answers_in_ack(new.hears("ACK"))
        again = stays.hears("INVITE")
        stays.answers(again, 407, asking("n3", proxy=True))
        stays.hears("ACK")
        again = stays.hears("INVITE")
        assert shown_in(again, "Proxy-Authorization")["nonce"] == "n3"
        stays.answers(again, 200, body=stays.party.sdp)
        assert stays.hears("ACK").cseq == again.cseq
        last = transferor.hears("NOTIFY")
        assert b"200" in last.body
        assert shown_in(last)["nc"] == "00000002"
        transferor.answers(last, 200)
        bye = transferor.hears("BYE")
        transferor.answers(bye, 401, asking("n9", "stale=true"))
        transferor.answers(transferor.hears("BYE"), 200)
        accepts(new, reinvites(stays, new), stays)
        accepts(stays, reinvites(new, stays), new)
        part(stays, new)

    @WHO
    @pytest.mark.parametrize("body", [b"", b"sdp"])
    def test_the_new_party_rings_reliably(self, stage: Stage, who: str, body: bytes) -> None:
        transferor, stays = ends(stage, who)
        new = refers(transferor, new=stage.cloud)
        assert "100rel" in new.invite.get("Supported")
        sdp = new.party.sdp if body else b""
        rings(new, 7, 183, sdp)
        pracked(new, 7)
        is_told(transferor, "183 Session Progress")
        rings(new, 8, 180)
        pracked(new, 8)
        is_told(transferor, "180 Ringing")
        new.says(200, body=b"" if body else None)
        again = is_joined(stays, new)
        assert beside_origin(again.body) == beside_origin(new.party.sdp)
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        part(stays, new)

    @WHO
    def test_a_session_that_was_too_short_for_who_stays_is_longer(self, open_stage: OpenStage, who: str) -> None:
        trunk = {"session_timer": {"expires": "90s"}}
        stage = open_stage(peers=FROM_ANYWHERE, carrier=trunk, premise=trunk)
        transferor, stays = ends(stage, who)
        new = refers(transferor, new=stage.cloud)
        new.says(200)
        new.hears("ACK")
        again = stays.hears("INVITE")
        assert again.get("Session-Expires").startswith("90;")
        stays.answers(again, 422, "Min-SE: 1800")
        stays.hears("ACK")
        again = stays.hears("INVITE")
        assert again.get("Session-Expires").startswith("1800;")
        assert again.get("Min-SE") == "1800"
        stays.answers(again, 200, body=stays.party.sdp)
        stays.hears("ACK")
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        part(stays, new)

    @WHO
    @pytest.mark.parametrize("method", ["INFO", "UPDATE", "INVITE", "REFER"])
    def test_what_the_new_party_asks_as_it_is_joined(self, stage: Stage, who: str, method: str) -> None:
        transferor, stays = ends(stage, who)
        new = refers(transferor, new=stage.cloud)
        new.says(200, TIMER, refreshed_by_him("callee", 600))
        new.hears("ACK")
        again = stays.hears("INVITE")
        if method == "UPDATE":
            new.asks("UPDATE", TIMER, "Session-Expires: 600;refresher=uac")
            assert new.hears(200, "UPDATE").get("Session-Expires") == "600;refresher=uac"
        elif method == "REFER":
            new.asks("REFER", f"Refer-To: <sip:{CLOUD_FIRST}@192.0.2.1:5060>")
            new.hears(500, "REFER")
        elif method == "INFO":
            new.asks("INFO", "Content-Type: text/plain", body=b"1")
            if stays.party.unheard:
                stays.answers(stays.hears("INFO"), 200)
                new.hears(200, "INFO")
            else:
                new.hears(500, "INFO")
        else:
            new.asks("INVITE", body=new.party.sdp)
            new.hears_refusal(491)
        stays.answers(again, 200, body=stays.party.sdp)
        stays.hears("ACK")
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        part(stays, new)

    @WHO
    def test_the_new_party_is_lost_as_it_is_joined(self, stage: Stage, who: str) -> None:
        transferor, stays = ends(stage, who)
        new = refers(transferor, new=stage.cloud)
        new.says(200, TIMER, "Session-Expires: 90;refresher=uac", ALLOW)
        new.hears("ACK")
        again = stays.hears("INVITE")
        stays.answers(again, 100)
        stage.pass_time(30)
        stays.answers(again, 491)
        stays.hears("ACK")
        until(stage, stays, 4.5)
        again = stays.hears("INVITE")
        stays.answers(again, 100)
        until(stage, new, 18)
        new.answers(new.hears("UPDATE"), 481)
        new.is_hung_up()
        is_told(transferor, "500 Server Internal Error")
        transferor.is_hung_up()
        stays.is_hung_up()
        stays.answers(again, 487)
        stays.hears("ACK")

    @WHO
    def test_within_the_time_of_rescue_it_ends_that(self, open_stage: OpenStage, who: str) -> None:
        rescued = {"name": "premise", "outgoing": {"trunk": "premise"}, "rescue": {"within": "30s"}}
        cloud = {"name": "cloud", "outgoing": {"trunk": "cloud"}, "rescue": {"within": "30s"}}
        spare = {"name": "spare", "outgoing": {"trunk": "cloud"}}
        rules = [{"name": "there", "when": 'call.called.endsWith("1000")', "to": ["premise", "spare"]}]
        stage = open_stage(rules=rules, peers=(*FROM_ANYWHERE, rescued, cloud, spare))
        transferor, stays = ends(stage, who)
        new = refers(transferor, new=stage.cloud)
        arrives(transferor, stays, new)
        leaves, other = (stays, new) if who == "caller" else (new, stays)
        leaves.hangs_up(DROPPED)
        other.is_hung_up()

    @pytest.mark.parametrize("first", ["caller", "callee"])
    @pytest.mark.parametrize("second", ["caller", "callee"])
    def test_an_attended_one_ends_it_too(self, open_stage: OpenStage, first: str, second: str) -> None:
        rules = [
            {"name": "back", "when": 'call.called.endsWith("6000")', "to": ["carrier", "spare"]},
            {"name": "there", "when": 'call.called.endsWith("1000")', "to": ["premise", "spare"]},
        ]
        peers = [
            {"name": name, "outgoing": {"trunk": trunk}, "rescue": {"within": "30s"}}
            for name, trunk in (("carrier", "carrier"), ("premise", "premise"), ("cloud", "cloud"), ("spare", "cloud"))
        ]
        stage = open_stage(rules=rules, peers=(*FROM_ANYWHERE, *peers))
        transferor, stays, consulting, asked = two_calls(stage, first, second)
        asked.answers(begins(transferor, consulting, asked), 200, body=asked.party.sdp)
        asked.hears("ACK")
        stays.answers(stays.hears("INVITE"), 200, body=stays.party.sdp)
        stays.hears("ACK")
        consulting.is_hung_up()
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        leaves, other = (asked, stays) if first == "callee" else (stays, asked)
        leaves.hangs_up(DROPPED)
        other.is_hung_up()

    @WHO
    def test_after_a_rescue(self, open_stage: OpenStage, who: str) -> None:
        stage = open_stage(peers=(*FROM_ANYWHERE, RESCUED))
        caller = stage.carrier.calls(CLOUD_FIRST, TIMER, refreshed_by_us("caller"), ALLOW)
        caller.hears(100)
        dropping = stage.cloud.is_called()
        dropping.says(200, TIMER, "Session-Expires: 90;refresher=uac", ALLOW)
        caller.hears(200)
        caller.ack()
        dropping.hears("ACK")
        dropping.hangs_up(DROPPED)
        callee = stage.premise.is_called()
        callee.says(200, TIMER, "Session-Expires: 600;refresher=uac", ALLOW)
        is_joined_timed(caller, callee)
        update = is_refreshed(stage, callee, 299, "UPDATE")
        dropping.hears_nothing()
        callee.answers(update, 200, "Session-Expires: 600;refresher=uac")
        transferor, stays = (caller, callee) if who == "caller" else (callee, caller)
        new = refers(transferor, new=stage.cloud)
        new.says(200)
        is_joined_timed(stays, new)
        is_told(transferor, "200 OK")
        transferor.is_hung_up()
        part(stays, new)

    @pytest.mark.parametrize("where", ["cloud.example.com", "198.51.100.22"])
    def test_to_a_name_or_where_it_leads(self, open_stage: OpenStage, where: str) -> None:
        stage = open_stage(cloud={"targets": ["sip:cloud.example.com"]}, peers=FROM_ANYWHERE)
        located(stage, "198.51.100.21", "198.51.100.22")
        caller, callee = ends(stage, "caller")
        first, second = (stage.spare, stage.cloud) if where == "198.51.100.22" else (stage.cloud, stage.spare)
        new = refers(caller, f"Refer-To: <sip:42@{where}>", new=first)
        assert new.invite.uri == "sip:42@cloud.example.com"
        new.refuses(503)
        new = second.is_called()
        arrives(caller, callee, new)
        part(new, callee)


def located(stage: Stage, *hosts: str) -> None:
    live = stage.router.routing.trunks["cloud"]
    (target,) = live.trunk.targets
    live.locate({target.uri: [Located(replace(target, host=host), n) for n, host in enumerate(hosts)]}, {})
    stage.router.follow(stage.router.routing)


def until(stage: Stage, leg: Leg, seconds: float) -> None:
    """Lets time pass until this one hears something."""
    for _ in range(round(seconds / TICK)):
        if leg.party.unheard:
            return
        stage.pass_time(0)
    raise AssertionError(f"{leg.party.place} hears nothing in {seconds} s")


def is_joined_timed(stays: Leg, new: Leg) -> None:
    """The new one hears his ACK, and who stays goes on with his timer."""
    new.hears("ACK")
    again = stays.hears("INVITE")
    said = again.get("Session-Expires")
    stays.answers(again, 200, f"Session-Expires: {said}", body=stays.party.sdp)
    stays.hears("ACK")


def assert_answers_in_ack(ack: Wire) -> None:
    """It shows what its INVITE has shown."""
    assert shown_in(ack)["nonce"] == "n2"


class TestRedirection:
    """A 3xx, and what else goes on."""

    @pytest.mark.parametrize("where", ["cloud.example.com", "198.51.100.22", "198.51.100.21:5060"])
    def test_to_a_name_or_where_it_leads(self, open_stage: OpenStage, where: str) -> None:
        stage = open_stage(cloud={"targets": ["sip:cloud.example.com"]})
        located(stage, "198.51.100.21", "198.51.100.22")
        caller = stage.carrier.calls(PREMISE_ONLY)
        caller.hears(100)
        stage.premise.is_called().refuses(302, f"Contact: <sip:42@{where}>")
        first = stage.spare if where == "198.51.100.22" else stage.cloud
        callee = first.is_called()
        assert callee.invite.uri == "sip:42@cloud.example.com"
        callee.says(200)
        caller.hears(200)
        caller.ack()
        callee.hears("ACK")
        part(caller, callee)

    def test_behind_a_reliable_response(self, stage: Stage) -> None:
        caller, callee = calls(stage, SPEAKS)
        crosses(caller, callee, 4, 183, body=callee.party.sdp)
        tag = callee.local
        callee.refuses(302, SPARE)
        there = stage.spare.is_called()
        assert "100rel" in there.invite.get("Supported")
        rings(there, 9, 183, there.party.sdp)
        response = rang(caller)
        assert response.get("To") != tag
        pracks(caller, response)
        pracked(there, 9)
        caller.hears(200, "PRACK")
        is_answered_anew(caller, there)
        part(caller, there)

    def test_whose_reliable_response_has_no_prack_yet(self, stage: Stage) -> None:
        caller, callee = calls(stage, SPEAKS)
        rings(callee, 4, 180)
        response = rang(caller, 180)
        callee.refuses(302, SPARE)
        there = stage.spare.is_called()
        rings(there, 9, 183, there.party.sdp)
        caller.hears_nothing()
        pracks(caller, response)
        caller.hears(200, "PRACK")
        second = rang(caller)
        pracks(caller, second)
        pracked(there, 9)
        caller.hears(200, "PRACK")
        is_answered(caller, there)
        part(caller, there)

    def test_to_who_asks_who_we_are_and_wants_a_longer_session(self, open_stage: OpenStage) -> None:
        stage = open_stage(FILES, cloud={**LOGIN, "session_timer": {"expires": "90s"}})
        caller = stage.carrier.calls(PREMISE_ONLY)
        caller.hears(100)
        premise = stage.premise.is_called()
        premise.refuses(302, SPARE)
        callee = stage.spare.is_called()
        callee.refuses(407, asking(proxy=True))
        callee.invite = callee.hears("INVITE")
        assert_answers(callee.invite, header="Proxy-Authorization")
        assert callee.invite.get("Session-Expires") == "90"
        callee.refuses(422, "Min-SE: 1800")
        again = stage.spare.is_called()
        assert_answers(again.invite, count=2, header="Proxy-Authorization")
        assert (again.invite.get("Session-Expires"), again.invite.get("Min-SE")) == ("1800", "1800")
        again.refuses(407, asking("n2", "stale=true", proxy=True))
        again.invite = again.hears("INVITE")
        assert_answers(again.invite, "n2", header="Proxy-Authorization")
        assert (again.invite.get("Session-Expires"), again.invite.get("Min-SE")) == ("1800", "1800")
        again.says(200)
        caller.hears(200)
        caller.ack()
        again.hears("ACK")
        part(caller, again)


class TestReliably:
    """PRACK, and logins."""

    @pytest.fixture
    def stage(self, open_stage: OpenStage) -> Stage:
        return open_stage(FILES, premise=LOGIN)

    def test_behind_a_challenge_and_before_one(self, stage: Stage) -> None:
        caller, callee = calls(stage, SPEAKS)
        callee.refuses(401, asking())
        callee.invite = callee.hears("INVITE")
        assert_answers(callee.invite)
        rings(callee, 4, 183, callee.party.sdp)
        response = rang(caller)
        assert response.cseq == caller.invite.cseq
        pracks(caller, response)
        prack = callee.hears("PRACK")
        assert prack.get("RAck") == f"4 {callee.invite.get('CSeq')}"
        again = asked_again_with(callee, prack, "n2", stale=True)
        assert again.get("RAck") == prack.get("RAck")
        callee.answers(again, 200)
        caller.hears(200, "PRACK")
        is_answered(caller, callee)
        part(caller, callee)

    def test_the_routers_own_is_said_once_more(self, stage: Stage) -> None:
        caller, callee = calls(stage)
        rings(callee, 4, 183, callee.party.sdp)
        caller.hears(183)
        prack = callee.hears("PRACK")
        again = asked_again(callee, prack)
        assert again.get("RAck") == prack.get("RAck")
        callee.answers(again, 200)
        rings(callee, 5, 180)
        caller.hears(180)
        prack = callee.hears("PRACK")
        assert prack.cseq > again.cseq
        callee.answers(prack, 200)
        is_answered(caller, callee)
        part(caller, callee)

    def test_the_next_target_and_the_next_dial_peer(self, open_stage: OpenStage) -> None:
        stage = open_stage()
        caller = stage.carrier.calls(CLOUD_FIRST, SPEAKS)
        caller.hears(100)
        callee = stage.cloud.is_called()
        for number, party in enumerate((stage.spare, stage.premise, None), 1):
            rings(callee, number, 183, callee.party.sdp)
            response = rang(caller)
            assert beside_origin(response.body) == beside_origin(callee.party.sdp)
            pracks(caller, response)
            pracked(callee, number)
            caller.hears(200, "PRACK")
            if party is not None:
                callee.refuses(503)
                callee = party.is_called()
        is_answered_anew(caller, callee)
        part(caller, callee)


def is_answered_anew(caller: Leg, callee: Leg) -> None:
    """The call is answered by who is not the first whose SDP the caller saw."""
    callee.says(200)
    assert beside_origin(caller.hears(200, "INVITE").body) == beside_origin(callee.party.sdp)
    caller.party.says(caller.request("ACK", seq=caller.invite.cseq))
    callee.hears("ACK")


def asked_again_with(leg: Leg, request: Wire, nonce: str, stale: bool) -> Wire:
    leg.answers(request, 401, asking(nonce, *(("stale=true",) if stale else ())))
    again = leg.hears(request.method)
    assert_answers(again, nonce)
    return again


@WHO
@pytest.mark.parametrize("least", [90, 1800])
def test_who_takes_a_place_agrees_on_a_timer_of_his_own(open_stage: OpenStage, who: str, least: int) -> None:
    trunk = {"session_timer": {"min_se": f"{least}s"}}
    stage = open_stage(peers=FROM_ANYWHERE, carrier=trunk, premise=trunk)
    replaced, stays = ends(stage, who)
    dialog = f"{replaced.call_id};to-tag={tag(replaced.remote)};from-tag={tag(replaced.local)}"
    asked = (f"Replaces: {dialog}", TIMER, refreshed_by_us("caller", 600), ALLOW)
    new = replaced.party.calls(PREMISE_ONLY, *asked)
    if least > 600:
        assert new.hears_refusal(422).get("Min-SE") == str(least)
        part(replaced, stays)
        return
    new.hears(100)
    again = stays.hears("INVITE")
    stays.answers(again, 200, body=stays.party.sdp)
    assert new.hears(200).get("Session-Expires") == "600;refresher=uas"
    new.ack()
    stays.hears("ACK")
    replaced.is_hung_up()
    new.answers(is_refreshed(stage, new, 299, "UPDATE"), 200, "Session-Expires: 600;refresher=uac")
    part(new, stays)


def tag(value: str) -> str:
    return value.partition(";tag=")[2]
