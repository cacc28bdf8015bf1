"""Targets that ask who we are: what they are told, what they aren't, and that it never goes round in a circle."""

from collections.abc import Iterator
from typing import Any

import pytest

from edge_router.b2bua.trunks.credentials import Credentials, shown_to
from edge_router.dialplan.trunk import Login
from state_client.webex.secret import Secret
from tests.b2bua.challenge import FILES, LOGIN, PASSWORD, REALM, asking, assert_answers, shown_in
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import media, part
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import SPEAKS, calls, is_answered, pracks, rang, rings
from tests.b2bua.sessions import is_refreshed, refreshed_by_us
from tests.b2bua.stage import PREMISE_ONLY, REFERRED, Stage
from tests.b2bua.test_keepalive import question
from tests.b2bua.transfers import FROM_ANYWHERE, TO_CLOUD, arrives, ends, is_joined, is_told
from tests.end_to_end.wire import Wire, tag_of, uri_of
from tests.sip.test_digest import refusal


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    """A premise that may ask who we are."""
    return open_stage(FILES, premise=LOGIN)


def asks_again(callee: Leg, *challenges: str, code: int = 401) -> Wire:
    """Challenges the INVITE that came last, hears its ACK, and then the next INVITE."""
    before = callee.invite
    callee.refuses(code, *challenges)
    again = callee.hears("INVITE")
    assert again.get("Call-ID") == before.get("Call-ID")
    assert tag_of(again.get("From")) == tag_of(before.get("From"))
    assert not tag_of(again.get("To"))
    assert again.cseq == before.cseq + 1
    assert again.branch != before.branch
    assert again.body == before.body
    callee.invite = again
    return again


def stands(stage: Stage, challenge: str = "", code: int = 401) -> tuple[Leg, Leg]:
    """A call that stands, whose INVITE was challenged."""
    caller = stage.carrier.calls(PREMISE_ONLY)
    callee = stage.premise.is_called()
    asks_again(callee, challenge or asking(), code=code)
    callee.says(200)
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    return caller, callee


class TestInvite:
    """The INVITE of a call."""

    def test_is_sent_once_more_with_credentials_in_the_same_dialog_and_the_caller_hears_nothing_of_it(
        self, stage: Stage
    ) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        assert not shown_in(callee.invite)
        again = asks_again(callee, asking())
        assert_answers(again)
        callee.says(180)
        callee.says(200)
        caller.hears(100)
        caller.hears(180)
        caller.hears(200)
        caller.ack()
        ack = callee.hears("ACK")
        assert ack.cseq == again.cseq == 2
        callee.says(200)  # repeated: so is the ACK
        assert callee.hears("ACK").cseq == 2
        caller.hangs_up()
        assert callee.is_hung_up().cseq == 3
        assert stage.ear.records[0].code == 200
        assert len(stage.ear.records[0].attempts) == 1

    def test_a_proxy_asks_by_407(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        again = asks_again(callee, asking(proxy=True), code=407)
        assert_answers(again, header="Proxy-Authorization")
        assert not shown_in(again)
        callee.refuses(486)
        caller.hears(100)
        caller.hears_refusal(486)

    def test_the_ack_of_a_2xx_shows_what_the_invite_has_shown(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        again = asks_again(callee, asking())
        callee.says(200)
        caller.hears(100)
        caller.hears(200)
        caller.ack()
        assert callee.hears("ACK").get("Authorization") == again.get("Authorization")
        callee.says(200)
        assert callee.hears("ACK").get("Authorization") == again.get("Authorization")
        caller.hangs_up()
        callee.is_hung_up()

    def test_a_nonce_that_is_stale_is_renewed_once(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        asks_again(callee, asking("n1"))
        assert_answers(asks_again(callee, asking("n2", "stale=true")), "n2")
        callee.refuses(401, asking("n3", "stale=true"))
        caller.hears(100)
        refusal = caller.hears_refusal(403)
        assert "Authenticate" not in str(refusal)
        self.shows_nothing_unasked(stage)

    def shows_nothing_unasked(self, stage: Stage) -> None:
        """What was no use isn't shown in the next call before it is asked for."""
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        assert not shown_in(callee.invite)
        callee.refuses(486)
        caller.hears(100)
        caller.hears_refusal(486)

    def test_the_same_nonce_asked_for_again_means_that_the_password_is_refused(self, stage: Stage) -> None:
        """What was shown unasked was right as to the nonce: nothing but the password can be wrong."""
        first = stands(stage)
        second = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        assert_answers(callee.invite, count=2)
        callee.refuses(401, asking())
        second.hears(100)
        second.hears_refusal(403)
        self.shows_nothing_unasked(stage)
        part(*first)

    def test_a_password_that_is_refused_is_no_use_again_and_the_caller_gets_403(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        asks_again(callee, asking("n1"))
        callee.refuses(401, asking("n2"))
        caller.hears(100)
        refusal = caller.hears_refusal(403)
        assert "Authenticate" not in str(refusal)
        self.shows_nothing_unasked(stage)

    def test_a_proxy_and_who_is_behind_it_are_both_answered(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        asks_again(callee, asking("p1", realm="proxy.example", proxy=True), code=407)
        again = asks_again(callee, asking("n1"))
        assert_answers(again)
        assert_answers(again, "p1", 2, "proxy.example", "Proxy-Authorization")
        callee.refuses(401, asking("n2", realm="third.example"))  # but not for ever
        caller.hears(100)
        caller.hears_refusal(403)

    def test_what_a_challenge_has_said_is_shown_without_being_asked_and_counted_on(self, stage: Stage) -> None:
        first = stands(stage)
        second = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        assert callee.invite.cseq == 1
        assert_answers(callee.invite, count=2)
        callee.refuses(486)
        second.hears(100)
        second.hears_refusal(486)
        first[0].hangs_up()
        assert_answers(first[1].is_hung_up(), count=3)

    def test_a_new_nonce_for_what_was_shown_unasked_says_nothing_against_the_password(self, stage: Stage) -> None:
        first = stands(stage)
        second = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        assert_answers(callee.invite, count=2)
        assert_answers(asks_again(callee, asking("n2")), "n2")
        callee.refuses(486)
        second.hears(100)
        second.hears_refusal(486)
        first[0].hangs_up()
        first[1].is_hung_up()

    def test_the_same_nonce_for_two_calls_at_once_is_counted_on(self, stage: Stage) -> None:
        callers = [stage.carrier.calls(PREMISE_ONLY) for _ in range(2)]
        callees = [stage.premise.is_called() for _ in range(2)]
        counts = []
        for callee in callees:
            callee.refuses(401, asking())
            again = callee.hears("INVITE")
            counts.append(shown_in(again)["nc"])
            callee.invite = again
        assert counts == ["00000001", "00000002"]
        for caller, callee in zip(callers, callees, strict=True):
            callee.refuses(486)
            caller.hears(100)
            caller.hears_refusal(486)

    def test_cancel_takes_back_the_invite_that_is_open(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        again = asks_again(callee, asking())
        callee.says(180)
        caller.hears(100)
        caller.hears(180)
        caller.cancel()
        caller.hears(200, "CANCEL")
        caller.hears_refusal(487)
        cancel = callee.is_cancelled()
        assert (cancel.branch, cancel.cseq) == (again.branch, again.cseq)

    def test_a_challenge_that_meets_the_callers_cancel_is_not_answered(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        callee.says(100)
        caller.cancel()
        caller.hears(100)
        caller.hears(200, "CANCEL")
        caller.hears_refusal(487)
        callee.answers(callee.hears("CANCEL"), 200)
        callee.refuses(401, asking())
        callee.hears_nothing()

    def test_a_cancel_that_is_challenged_is_not_sent_again(self, stage: Stage) -> None:
        caller, callee = stage.ringing()
        caller.cancel()
        caller.hears(200, "CANCEL")
        caller.hears_refusal(487)
        callee.answers(callee.hears("CANCEL"), 401, asking())
        callee.refuses(487)
        callee.hears_nothing()

    def test_who_rings_and_then_asks_is_not_answered(self, stage: Stage) -> None:
        caller, callee = stage.ringing()
        callee.refuses(401, asking())
        caller.hears_refusal(403)

    def test_a_challenge_that_is_repeated_gets_its_ack_and_nothing_else(self, stage: Stage) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        first = callee.invite
        refusal = callee.says(401, asking())
        callee.hears("ACK")
        callee.invite = callee.hears("INVITE")
        stage.premise.says(refusal)
        assert callee.hears("ACK").branch == first.branch
        callee.refuses(486)
        caller.hears(100)
        caller.hears_refusal(486)

    def test_silence_behind_a_challenge_is_silence(self, open_stage: OpenStage) -> None:
        stage = open_stage(FILES, premise={**LOGIN, "connect_timeout": "2s"})
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        asks_again(callee, asking())
        stage.pass_time(1.9)
        caller.hears(100)
        caller.hears_nothing()
        stage.pass_time(0.2)
        caller.hears_refusal(408)
        stage.premise.unheard.clear()
        callee.says(100)
        callee.is_cancelled()

    @pytest.mark.parametrize(
        "challenge",
        [
            'WWW-Authenticate: Basic realm="a"',
            'WWW-Authenticate: Digest realm="a", nonce="n", algorithm=SHA-512-256',
            'WWW-Authenticate: Digest realm="a", nonce="n", qop="auth-int"',
            "WWW-Authenticate: Digest nonsense",
            "X: y",
        ],
    )
    def test_a_challenge_that_cannot_be_answered_is_a_failure(self, stage: Stage, challenge: str) -> None:
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        callee.refuses(401, challenge)
        caller.hears(100)
        caller.hears_refusal(403)


class TestWhoIsTold:
    """Nobody but the trunk's own, and nothing but digests."""

    def test_a_trunk_without_credentials_tells_nobody_anything(self, open_stage: OpenStage) -> None:
        stage = open_stage(FILES, cloud=LOGIN)
        caller = stage.carrier.calls(PREMISE_ONLY)
        stage.premise.is_called().refuses(401, asking())
        caller.hears(100)
        caller.hears_refusal(403)

    @pytest.mark.parametrize(("realm", "answered"), [(REALM, True), ("other.example", False)])
    def test_where_a_realm_is_named_only_that_is_answered(
        self, open_stage: OpenStage, realm: str, answered: bool
    ) -> None:
        stage = open_stage(FILES, premise={**LOGIN, "realm": realm})
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        callee.refuses(401, asking())
        if answered:
            callee.invite = callee.hears("INVITE")
            callee.refuses(486)
        caller.hears(100)
        caller.hears_refusal(486 if answered else 403)

    def test_a_contact_elsewhere_is_told_nothing(self, stage: Stage) -> None:
        stranger = stage.party("203.0.113.7")
        caller = stage.carrier.calls(PREMISE_ONLY)
        callee = stage.premise.is_called()
        asks_again(callee, asking())
        callee.says(200, "Contact: <sip:203.0.113.7:5060>")
        caller.hears(100)
        caller.hears(200)
        caller.ack()
        ack = stranger.unheard.pop(0)
        assert ack.method == "ACK"
        assert not shown_in(ack)
        caller.hangs_up()
        bye = stranger.unheard.pop(0)
        assert bye.method == "BYE"
        assert not shown_in(bye)
        elsewhere = Leg(stranger, callee.call_id, callee.local, callee.remote, callee.target)
        elsewhere.answers(bye, 401, asking("elsewhere"))
        assert stranger.unheard == []

    def test_the_password_is_in_no_message_record_or_log(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        caller, callee = stands(stage)
        caller.hangs_up()
        bye = callee.is_hung_up()
        assert PASSWORD not in str(bye)
        assert PASSWORD not in repr(stage.ear.records)
        assert PASSWORD not in caplog.text
        assert PASSWORD not in repr(stage.router.routing.trunks["premise"].trunk)


class TestInsideACall:
    """Requests of ours inside a dialog."""

    def test_a_bye_is_sent_again(self, stage: Stage) -> None:
        caller, callee = stands(stage)
        caller.hangs_up()
        bye = callee.hears("BYE")
        callee.answers(bye, 401, asking("n2", "stale=true"))
        again = callee.hears("BYE")
        assert_answers(again, "n2")
        assert again.cseq == bye.cseq + 1
        callee.answers(again, 200)

    def test_a_bye_that_goes_on_being_challenged_ends(self, stage: Stage) -> None:
        caller, callee = stands(stage)
        caller.hangs_up()
        for nonce in ("n2", "n3", "n4"):
            callee.answers(callee.hears("BYE"), 401, asking(nonce, "stale=true"))
        callee.hears_nothing()

    @pytest.mark.parametrize("method", ["INFO", "UPDATE", "MESSAGE"])
    def test_what_goes_on_is_sent_again_and_its_asker_hears_of_the_answer_alone(
        self, stage: Stage, method: str
    ) -> None:
        caller, callee = stands(stage)
        caller.asks(method)
        request = callee.hears(method)
        assert_answers(request, count=2)
        callee.answers(request, 407, asking("p1", proxy=True))
        again = callee.hears(method)
        assert_answers(again, "p1", header="Proxy-Authorization")
        assert again.cseq == request.cseq + 1
        callee.answers(again, 200)
        caller.hears(200, method)
        caller.hangs_up()
        assert callee.is_hung_up().cseq == again.cseq + 1

    def test_one_that_others_have_overtaken_is_sent_again_behind_them(self, stage: Stage) -> None:
        """Its number is the next one of the dialog (RFC 3261 §12.2.1.1), not the next of its own."""
        caller, callee = stands(stage)
        for _ in range(3):
            caller.asks("INFO")
        first, second, third = (callee.hears("INFO") for _ in range(3))
        callee.answers(first, 401, asking("n2", "stale=true"))
        again = callee.hears("INFO")
        assert [each.cseq - first.cseq for each in (second, third, again)] == [1, 2, 3]
        for each in (second, third, again):
            callee.answers(each, 200)
            caller.hears(200, "INFO")
        part(caller, callee)

    @pytest.mark.parametrize("line", [SPEAKS, "X-Nothing: said"])
    def test_a_prack_is_sent_again(self, stage: Stage, line: str) -> None:
        """The caller's that crosses, and the router's own where he speaks of none."""
        caller, callee = calls(stage, line)
        asks_again(callee, asking())
        rings(callee, 7, 180)
        if line == SPEAKS:
            pracks(caller, rang(caller, 180))
        else:
            caller.hears(180)
        prack = callee.hears("PRACK")
        assert_answers(prack, count=2)
        callee.answers(prack, 401, asking("n2", "stale=true"))
        again = callee.hears("PRACK")
        assert_answers(again, "n2")
        assert (again.cseq, again.get("RAck")) == (prack.cseq + 1, prack.get("RAck"))
        callee.answers(again, 200)
        if line == SPEAKS:
            caller.hears(200, "PRACK")
        is_answered(caller, callee)
        part(caller, callee)

    def test_a_refer_that_passes_and_its_news_are_sent_again(self, open_stage: OpenStage) -> None:
        both = {**LOGIN, "refer": "pass"}
        stage = open_stage(FILES, carrier=both, premise=both)
        caller, callee = stage.connected()
        caller.asks("REFER", "Refer-To: <sip:42@203.0.113.7>")
        callee.answers(callee.hears("REFER"), 401, asking())
        again = callee.hears("REFER")
        assert_answers(again)
        assert again.get("Refer-To") == "<sip:42@203.0.113.7>"
        callee.answers(again, 202)
        caller.hears(202, "REFER")
        for event in ("Event: refer", f"Event: refer;id={again.cseq}"):
            callee.asks("NOTIFY", event, "Subscription-State: active;expires=60", body=b"SIP/2.0 180 Ringing\r\n")
            caller.answers(caller.hears("NOTIFY"), 407, asking(event, proxy=True, realm=event))
            told = caller.hears("NOTIFY")
            assert_answers(told, event, realm=event, header="Proxy-Authorization")
            caller.answers(told, 200)
            callee.hears(200, "NOTIFY")
        part(caller, callee)

    def test_a_request_that_is_refused_for_good_is_403_to_its_asker(self, stage: Stage) -> None:
        caller, callee = stands(stage)
        caller.asks("INFO")
        callee.answers(callee.hears("INFO"), 401, asking("n2"))
        callee.answers(callee.hears("INFO"), 401, asking("n3"))
        refusal = caller.hears(403, "INFO")
        assert "Authenticate" not in str(refusal)
        caller.hangs_up()
        callee.is_hung_up()

    def test_a_reinvite_is_sent_again_and_its_ack_has_its_number(self, stage: Stage) -> None:
        caller, callee = stands(stage)
        caller.asks("INVITE", body=media(caller, 2))
        caller.hears(100, "INVITE")
        reinvite = callee.hears("INVITE")
        callee.answers(reinvite, 401, asking("n2", "stale=true"))
        assert callee.hears("ACK").cseq == reinvite.cseq
        again = callee.hears("INVITE")
        assert_answers(again, "n2")
        assert again.body == reinvite.body
        callee.answers(again, 200, body=media(callee, 2))
        caller.hears(200, "INVITE")
        caller.ack()
        ack = callee.hears("ACK")
        assert ack.cseq == again.cseq
        assert ack.get("Authorization") == again.get("Authorization")
        caller.hangs_up()
        callee.is_hung_up()

    def test_a_refer_to_a_caller_who_is_a_target_is_sent_again(self, open_stage: OpenStage) -> None:
        stage = open_stage(FILES, carrier=LOGIN)
        caller = stage.carrier.calls(REFERRED)
        caller.hears(200)
        caller.ack()
        refer = caller.hears("REFER")
        caller.answers(refer, 401, asking())
        again = caller.hears("REFER")
        assert_answers(again)
        assert (again.cseq, again.get("Refer-To")) == (refer.cseq + 1, refer.get("Refer-To"))
        caller.answers(again, 202)
        caller.asks("NOTIFY", "Event: refer", "Subscription-State: terminated", body=b"SIP/2.0 200 OK\r\n")
        caller.hears(200, "NOTIFY")
        bye = caller.is_hung_up()
        assert_answers(bye, count=2)


class TestKeepalive:
    """OPTIONS."""

    @pytest.fixture
    def asked(self, open_stage: OpenStage) -> Iterator[Stage]:
        """A premise that is asked every ten seconds whether it is there."""
        keepalive: dict[str, Any] = {"interval": "10s", "fail_on": ["401", "timeout"], "retries": 1}
        stage = open_stage(FILES, premise={**LOGIN, "keepalive": keepalive})
        stage.router.follow(stage.router.routing)
        yield stage
        stage.router.keepalives.stop()

    def test_options_are_sent_again_and_then_show_it_unasked(self, asked: Stage) -> None:
        stage = asked
        stage.pass_time(10)
        first = question(stage.premise)
        answer(stage, first, 401, asking())
        again = question(stage.premise)
        assert_answers(again)
        answer(stage, again, 200)
        assert stage.router.routing.trunks["premise"].up
        stage.pass_time(10)
        later = question(stage.premise)
        assert_answers(later, count=2)
        answer(stage, later, 200)

    def test_a_refusal_for_good_is_what_the_trunk_makes_of_it(self, asked: Stage) -> None:
        stage = asked
        stage.pass_time(10)
        answer(stage, question(stage.premise), 401, asking("n1"))
        answer(stage, question(stage.premise), 401, asking("n2"))
        assert not stage.router.routing.trunks["premise"].up
        assert stage.premise.unheard == []


def answer(stage: Stage, asked: Wire, code: int, *headers: str) -> None:
    """The premise answers OPTIONS."""
    party = stage.premise
    leg = Leg(party, asked.get("Call-ID"), f"{asked.get('To')};tag=t", asked.get("From"), uri_of(asked.get("Contact")))
    leg.answers(asked, code, *headers)


def test_no_more_is_kept_of_challenges_than_may_be() -> None:
    """A trunk's name may lead to ever new addresses, and each may ask for ever new realms."""
    credentials = Credentials(Login("edge", Secret(PASSWORD), None))
    for host in range(33):
        for number in range(5):
            credentials.learn(f"192.0.2.{host}", refusal(asking(realm=f"r{number}")), "", True)
    known = [credentials.lines(f"192.0.2.{host}", "INVITE", "sip:a").count("Authorization: ") for host in range(33)]
    assert known == [0] + [4] * 32


def test_a_reload_keeps_what_challenges_have_said_unless_the_login_has_changed(open_stage: OpenStage) -> None:
    stage = open_stage(FILES, premise=LOGIN)
    caller, callee = stands(stage)
    caller.hangs_up()
    callee.is_hung_up()
    live = stage.router.routing.trunks["premise"]
    assert live.renew(live.trunk).credentials is live.credentials
    stage = open_stage({"other": "another"}, premise={**LOGIN, "password_file": "other"})
    other = stage.router.routing.trunks["premise"].trunk
    renewed = live.renew(other)
    assert renewed.credentials is not None
    assert renewed.credentials is not live.credentials


def test_an_address_that_is_the_trunks_no_more_is_told_nothing(open_stage: OpenStage) -> None:
    stage = open_stage(FILES, premise=LOGIN)
    caller, callee = stands(stage)
    live = stage.router.routing.trunks["premise"]
    assert shown_to(live, "198.51.100.31", "INVITE", "sip:a@b")
    live.targets = ()
    assert shown_to(live, "198.51.100.31", "INVITE", "sip:a@b") == ""
    caller.hangs_up()
    assert not shown_in(callee.is_hung_up())


@pytest.mark.parametrize(("allow", "method"), [("UPDATE", "UPDATE"), ("INVITE", "INVITE")])
def test_a_refresh_of_the_session_is_said_once_more(stage: Stage, allow: str, method: str) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    callee = stage.premise.is_called()
    callee.says(200, "Supported: timer", f"Allow: {allow}", refreshed_by_us("callee", 600))
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    refresh = is_refreshed(stage, callee, 300, method)
    callee.answers(refresh, 401, asking())
    if method == "INVITE":
        callee.hears("ACK")
    again = callee.hears(method)
    assert_answers(again)
    assert again.cseq == refresh.cseq + 1
    callee.answers(again, 200, "Supported: timer", refreshed_by_us("callee", 600), body=again.body)
    if method == "INVITE":
        assert callee.hears("ACK").cseq == again.cseq
    part(caller, callee)


def test_news_of_a_transfer(open_stage: OpenStage) -> None:
    """Once asked, the transferor's trunk is shown who we are in all that come after."""
    stage = open_stage(FILES, premise=LOGIN, peers=FROM_ANYWHERE)
    transferor, stays = ends(stage, "callee")
    transferor.asks("REFER", TO_CLOUD)
    transferor.hears(202, "REFER")
    notify = transferor.hears("NOTIFY")
    transferor.answers(notify, 401, asking())
    again = is_told(transferor, "100 Trying")
    assert again.cseq == notify.cseq + 1
    assert_answers(again)
    new = stage.cloud.is_called()
    new.says(180)
    assert_answers(is_told(transferor, "180 Ringing"), count=2)
    arrives(transferor, stays, new)
    part(stays, new)


def test_news_that_are_refused_all_the_same(open_stage: OpenStage) -> None:
    """The transfer goes on; whoever it was for hears no more of it."""
    stage = open_stage(FILES, premise=LOGIN, peers=FROM_ANYWHERE)
    transferor, stays = ends(stage, "callee")
    transferor.asks("REFER", TO_CLOUD)
    transferor.hears(202, "REFER")
    for _ in range(2):
        transferor.answers(transferor.hears("NOTIFY"), 401, asking())
    new = stage.cloud.is_called()
    new.says(200)
    is_joined(stays, new)
    transferor.is_hung_up()
    part(stays, new)
