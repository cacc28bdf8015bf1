"""REGISTER: what a registrar is told and when, and what its answers make of the trunk."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from edge_router.b2bua.trunks.registration import BASE, LONGEST, PING_EVERY
from edge_router.config.build import build
from edge_router.dialplan.trunk import Target
from edge_router.net.address import Address
from edge_router.sip.timers import GIVE_UP, T4
from edge_router.telemetry.metrics import Metrics
from edge_router.telemetry.readings import TrunkReading
from tests.b2bua.challenge import FILES, LOGIN, asking, assert_answers, shown_in
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, Line, Stage, examined
from tests.end_to_end.wire import Wire, tag_of, uri_of

REGISTRAR = "198.51.100.50"
REGISTER: dict[str, Any] = {
    "registrar": f"sip:{REGISTRAR}",
    "aor": "sip:edge@carrier.example",
    "contact_user": "line1",
    "expires": "300s",
}
ONE: dict[str, Any] = {"targets": ["sip:198.51.100.21:5060"]}


def opened(open_stage: OpenStage, **cloud: Any) -> Stage:
    stage = open_stage(FILES, cloud={**ONE, **LOGIN, "register": REGISTER, **cloud})
    stage.party(REGISTRAR)
    stage.router.follow(stage.router.routing)
    stage.pass_time(0)
    return stage


@pytest.fixture
def stage(open_stage: OpenStage) -> Iterator[Stage]:
    """A cloud that wants us registered, and has just been asked for it. In the end it is left."""
    stage = opened(open_stage)
    yield stage
    leave(stage)


def leave(stage: Stage) -> None:
    """Takes the registration back, if there is one."""
    registrar(stage).unheard.clear()
    stage.router.registrations.leave()
    for message in registrar(stage).unheard[:]:
        assert message.get("Expires") == "0", message
        answer(stage, message, 200)
    registrar(stage).unheard.clear()


def registrar(stage: Stage) -> Party:
    return stage.party(REGISTRAR)


def request(stage: Stage) -> Wire:
    """The REGISTER that has come; repetitions of it are taken away."""
    party = registrar(stage)
    assert party.unheard, "nobody registers"
    asked = party.unheard.pop(0)
    assert asked.method == "REGISTER", asked
    party.unheard = [message for message in party.unheard if message.branch != asked.branch]
    return asked


def answer(stage: Stage, asked: Wire, code: int, *headers: str) -> None:
    party = registrar(stage)
    leg = Leg(party, asked.get("Call-ID"), f"{asked.get('To')};tag=t", asked.get("From"), uri_of(asked.get("Contact")))
    leg.answers(asked, code, *(headers or (f"Contact: {asked.get('Contact')}",)))


def accept(stage: Stage, *headers: str) -> Wire:
    """Takes the registration that is asked for."""
    asked = request(stage)
    answer(stage, asked, 200, *headers)
    return asked


def seconds_until_asked(stage: Stage, most: float) -> float:
    """How long it takes until a REGISTER comes."""
    for second in range(round(most) + 1):
        if registrar(stage).unheard:
            return second
        stage.pass_time(0.99)
    raise AssertionError(f"no REGISTER within {most} s")


def up(stage: Stage) -> bool:
    return stage.router.routing.trunks["cloud"].up


class TestRegistering:
    """The first one, and those that renew it."""

    def test_says_who_we_are_where_and_for_how_long(self, stage: Stage) -> None:
        assert not up(stage)
        asked = accept(stage)
        assert asked.uri == f"sip:{REGISTRAR}:5060"
        assert uri_of(asked.get("To")) == uri_of(asked.get("From")) == "sip:edge@carrier.example"
        assert tag_of(asked.get("From"))
        assert not tag_of(asked.get("To"))
        assert asked.get("Contact") == "<sip:line1@192.0.2.1:5060>;expires=300"
        assert asked.get("Expires") == "300"
        assert not shown_in(asked)
        assert up(stage)

    def test_a_path_and_a_service_route_are_not_kept(self, stage: Stage) -> None:
        """RFC 3327 and RFC 3608 aren't spoken: what is sent goes where the trunk's targets are, by no other way."""
        asked = request(stage)
        assert not asked.all("Path") + asked.all("Supported")
        place = f"<sip:{REGISTRAR};lr>"
        answer(stage, asked, 200, f"Contact: {asked.get('Contact')}", f"Path: {place}", f"Service-Route: {place}")
        assert up(stage)
        caller = stage.carrier.calls(CLOUD_FIRST, f"Path: {place}", f"Service-Route: {place}")
        caller.hears(100)
        callee = stage.cloud.is_called()
        assert not callee.invite.all("Route") + callee.invite.all("Path") + callee.invite.all("Service-Route")
        callee.refuses(486)
        caller.hears_refusal(486)
        seconds_until_asked(stage, 160)
        assert accept(stage).all("Route") == []

    def test_the_contact_is_the_aors_user_unless_it_is_said(self, open_stage: OpenStage) -> None:
        register = {key: value for key, value in REGISTER.items() if key != "contact_user"}
        stage = opened(open_stage, register=register)
        assert accept(stage).get("Contact").startswith("<sip:edge@192.0.2.1:5060>")
        leave(stage)

    def test_a_challenge_is_answered_and_later_ones_show_it_unasked(self, stage: Stage) -> None:
        first = request(stage)
        answer(stage, first, 401, asking())
        again = accept(stage)
        assert_answers(again)
        assert (again.cseq, again.get("Call-ID")) == (first.cseq + 1, first.get("Call-ID"))
        assert up(stage)
        stage.pass_time(151)
        later = accept(stage)
        assert_answers(later, count=2)
        assert later.cseq == again.cseq + 1

    def test_a_nonce_that_is_stale_is_renewed_and_a_password_that_is_refused_is_not_tried_again(
        self, stage: Stage
    ) -> None:
        answer(stage, request(stage), 401, asking("n1"))
        answer(stage, request(stage), 401, asking("n2", "stale=true"))
        asked = request(stage)
        assert_answers(asked, "n2")
        answer(stage, asked, 401, asking("n3"))
        assert registrar(stage).unheard == []
        assert not up(stage)

    @pytest.mark.parametrize(
        ("headers", "life"),
        [
            (["Contact: <sip:line1@192.0.2.1:5060>;expires=60"], 60),
            (["Contact: <sip:other@203.0.113.9>;expires=7, <sip:line1@192.0.2.1>;q=0.5;expires=80"], 80),
            (["Contact: <sip:line1@192.0.2.1:5060>", "Expires: 100"], 100),
            (["Expires: 100"], 100),
            (["X: y"], 300),
            (["Contact: nonsense <", "Contact: <tel:+1>;expires=9", "Expires: whatever"], 300),
        ],
    )
    def test_is_renewed_at_half_of_what_the_registrar_gives(self, stage: Stage, headers: list[str], life: int) -> None:
        first = accept(stage, *headers)
        stage.pass_time(life / 2 - 1)
        assert registrar(stage).unheard == []
        stage.pass_time(2)
        second = accept(stage)
        assert second.get("Call-ID") == first.get("Call-ID")
        assert second.cseq == first.cseq + 1
        assert second.get("From") == first.get("From")

    def test_a_registrar_that_wants_it_longer_gets_it(self, stage: Stage) -> None:
        answer(stage, request(stage), 423, "Min-Expires: 600")
        assert accept(stage).get("Expires") == "600"
        stage.pass_time(299)
        assert registrar(stage).unheard == []
        stage.pass_time(2)
        assert accept(stage).get("Expires") == "600"

    @pytest.mark.parametrize("headers", [["X: y"], ["Min-Expires: 300"], ["Min-Expires: -1"]])
    def test_one_that_wants_nothing_that_can_be_given_is_not_asked_at_once(
        self, stage: Stage, headers: list[str]
    ) -> None:
        answer(stage, request(stage), 423, *headers)
        assert registrar(stage).unheard == []
        assert not up(stage)

    def test_one_that_wants_it_longer_and_longer_is_not_asked_for_ever(self, stage: Stage) -> None:
        for least in (600, 601):
            answer(stage, request(stage), 423, f"Min-Expires: {least}")
        answer(stage, request(stage), 423, "Min-Expires: 602")
        stage.pass_time(BASE - 1)  # of the wait after a failure it is half at least
        assert not registrar(stage).unheard
        stage.pass_time(BASE + 1)
        answer(stage, request(stage), 423, "Min-Expires: 603")
        answer(stage, request(stage), 200, "Expires: 603")
        assert stage.router.routing.trunks["cloud"].registered

    def test_a_registrar_that_keeps_it_for_a_second_keeps_the_trunk_up(
        self, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        answer(stage, request(stage), 200, "Expires: 1")
        for _ in range(4):
            stage.pass_time(0.5)
            assert stage.router.routing.trunks["cloud"].registered
            answer(stage, request(stage), 200, "Expires: 1")
        assert "run out" not in caplog.text

    def test_one_that_keeps_it_for_years_is_asked_within_a_day(self, stage: Stage) -> None:
        accept(stage, "Expires: 999999999")
        assert 43_199 <= seconds_until_asked(stage, 43_202) <= 43_201
        accept(stage)

    def test_one_that_keeps_it_for_no_time_has_refused_it(self, stage: Stage) -> None:
        accept(stage, "Contact: <sip:line1@192.0.2.1:5060>;expires=0")
        assert not up(stage)


class TestFailing:
    """What is made of refusals and of silence."""

    @pytest.mark.parametrize("code", [403, 603])
    def test_a_refusal_brings_the_trunk_down_and_the_wait_doubles(self, stage: Stage, code: int) -> None:
        accept(stage)
        assert up(stage)
        stage.pass_time(151)
        for failures in range(1, 5):
            answer(stage, request(stage), code)
            assert not up(stage)
            assert stage.router.routing.trunks["cloud"].state == "down"
            longest = BASE * 2**failures
            assert longest / 2 - 1 <= seconds_until_asked(stage, longest + 1) <= longest + 1
        accept(stage)
        assert up(stage)
        assert stage.router.routing.trunks["cloud"].state == "up"
        stage.pass_time(151)
        answer(stage, request(stage), 403)
        assert seconds_until_asked(stage, 2 * BASE + 1) >= 29

    def test_no_wait_is_longer_than_half_an_hour(self, stage: Stage) -> None:
        waited = 0.0
        for _ in range(8):
            answer(stage, request(stage), 500)
            waited = seconds_until_asked(stage, LONGEST + 1)
        assert LONGEST / 2 - 1 <= waited <= LONGEST + 1

    def test_what_the_registrar_says_of_when_to_come_again_is_kept(self, stage: Stage) -> None:
        answer(stage, request(stage), 503, "Retry-After: 200")
        assert 199 <= seconds_until_asked(stage, 202) <= 201

    def test_silence_leaves_the_trunk_up_until_the_registration_runs_out(self, stage: Stage) -> None:
        accept(stage, "Contact: <sip:line1@192.0.2.1:5060>;expires=100")
        stage.pass_time(51)
        request(stage)
        stage.pass_time(GIVE_UP + 1)
        registrar(stage).unheard.clear()
        assert up(stage)
        stage.pass_time(100 - 51 - GIVE_UP)
        registrar(stage).unheard.clear()
        assert not up(stage)

    @pytest.mark.parametrize("code", [408, 500])
    def test_a_registrar_in_trouble_leaves_the_trunk_up_until_the_registration_runs_out(
        self, stage: Stage, code: int
    ) -> None:
        accept(stage, "Contact: <sip:line1@192.0.2.1:5060>;expires=30")
        stage.pass_time(16)
        answer(stage, request(stage), code)
        assert up(stage)
        stage.pass_time(13)
        assert up(stage)
        stage.pass_time(1.5)
        assert not up(stage)

    def test_who_never_answers_never_has_us(self, stage: Stage) -> None:
        request(stage)
        stage.pass_time(GIVE_UP + 1)
        registrar(stage).unheard.clear()
        assert not up(stage)
        assert "no answer" in stage.router.routing.trunks["cloud"].unregistered

    def test_where_it_cannot_be_sent(self, open_stage: OpenStage) -> None:
        stage = open_stage(FILES, cloud={**ONE, "register": REGISTER})
        stage.party(REGISTRAR)
        stage.line.cut.add((REGISTRAR, 5060))
        stage.router.follow(stage.router.routing)
        stage.pass_time(0.1)
        assert not up(stage)
        stage.line.cut.clear()
        seconds_until_asked(stage, 2 * BASE + 1)
        accept(stage)
        assert up(stage)
        leave(stage)

    def test_each_change_is_logged_once(self, stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        accept(stage)
        stage.pass_time(151)
        accept(stage)
        stage.pass_time(151)
        for _ in range(3):
            answer(stage, request(stage), 403)
            seconds_until_asked(stage, LONGEST)
        accept(stage)
        assert [record.getMessage() for record in caplog.records] == [
            "trunk cloud: registered as sip:edge@carrier.example",
            "trunk cloud: not registered: 403 to REGISTER",
            "trunk cloud: registered as sip:edge@carrier.example",
        ]


class TestCalls:
    """What calls make of it."""

    def test_no_call_tries_a_trunk_that_does_not_have_us_while_there_is_another(self, stage: Stage) -> None:
        answer(stage, request(stage), 403)
        caller = stage.carrier.calls(CLOUD_FIRST)
        callee = stage.premise.is_called()
        callee.refuses(486)
        caller.hears(100)
        caller.hears_refusal(486)
        assert stage.cloud.unheard == []

    def test_a_call_from_the_registrar_is_one_of_its_trunk_and_asks_for_our_contact(
        self, open_stage: OpenStage
    ) -> None:
        peer = {"name": "line", "incoming": {"trunk": "cloud", "called": "1000"}, "destinations": ["premise"]}
        stage = open_stage(FILES, cloud={**ONE, "register": {**REGISTER, "contact_user": "1000"}}, peers=[peer])
        caller = stage.party(REGISTRAR).calls("1000", uri="sip:1000@192.0.2.1:5060")
        callee = stage.premise.is_called()
        callee.refuses(486)
        caller.hears(100)
        caller.hears_refusal(486)
        assert stage.ear.records[-1].ingress_trunk == "cloud"


class TestLeaving:
    """The end, and reloads."""

    def test_what_stands_is_taken_back_and_nothing_more_is_said(self, stage: Stage) -> None:
        first = accept(stage)
        stage.router.registrations.leave()
        last = request(stage)
        assert (last.get("Expires"), last.get("Contact")) == ("0", "<sip:line1@192.0.2.1:5060>;expires=0")
        assert (last.get("Call-ID"), last.cseq) == (first.get("Call-ID"), first.cseq + 1)
        assert not up(stage)
        answer(stage, last, 401, asking())
        again = request(stage)
        assert_answers(again)
        assert again.get("Expires") == "0"
        answer(stage, again, 200)
        stage.router.registrations.leave()
        stage.router.follow(stage.router.routing)
        stage.pass_time(400)
        assert registrar(stage).unheard == []

    def test_one_that_is_under_way_is_taken_back_too(self, stage: Stage) -> None:
        first = request(stage)
        stage.router.registrations.leave()
        last = request(stage)
        assert (last.get("Expires"), last.cseq) == ("0", first.cseq + 1)
        answer(stage, first, 200)
        assert not up(stage)
        answer(stage, last, 200)

    def test_what_does_not_stand_is_not_taken_back(self, stage: Stage) -> None:
        answer(stage, request(stage), 403)
        stage.router.registrations.leave()
        assert registrar(stage).unheard == []

    def test_nothing_is_kept(self, stage: Stage) -> None:
        accept(stage)
        leave(stage)
        stage.pass_time(GIVE_UP + T4)
        assert set(stage.router.counts().values()) == {0}

    def test_a_reload_goes_on_with_what_stays_and_takes_back_what_does_not(
        self, open_stage: OpenStage, stage: Stage
    ) -> None:
        accept(stage)

        second = Line("second")
        second.parties = stage.line.parties
        stage.router.listeners = {"pstn": stage.line, "second": second}

        def reload(**cloud: Any) -> None:
            listeners = [
                {"name": name, "transport": "udp", "address": f"192.0.2.1:{port}"}
                for name, port in (("pstn", 5060), ("second", 5070))
            ]
            config, tables = examined(cloud={**ONE, **cloud}, listen=listeners)
            stage.router.follow(build(config, stage.clock, stage.router.routing, stage.picture, tables))
            stage.pass_time(0)

        reload(register=REGISTER, connect_timeout="3s")
        assert registrar(stage).unheard == []
        assert up(stage)
        reload(register={**REGISTER, "aor": "sip:other@carrier.example"})
        gone = accept(stage)
        assert (gone.get("Expires"), uri_of(gone.get("To"))) == ("0", "sip:edge@carrier.example")
        assert not up(stage)
        other = {**REGISTER, "aor": "sip:other@carrier.example"}
        assert uri_of(accept(stage).get("To")) == "sip:other@carrier.example"
        assert up(stage)
        reload(register=other, listen="second")  # it is bound to another address of ours then
        assert [accept(stage).get("Expires") for _ in range(2)] == ["0", "300"]
        assert up(stage)
        reload()
        assert accept(stage).get("Expires") == "0"
        assert up(stage)  # of its targets it is known that they answer


def _at(target: Target, host: str) -> Target:
    return replace(target, host=host)


def test_a_name_with_two_addresses_is_tried_at_both(open_stage: OpenStage) -> None:
    stage = open_stage(FILES, cloud={**ONE, "register": {**REGISTER, "registrar": "sip:reg.example.com"}})
    second = stage.party("198.51.100.51")
    stage.party(REGISTRAR)
    live = stage.router.routing.trunks["cloud"]
    stage.router.follow(stage.router.routing)
    stage.pass_time(0)
    assert not up(stage)
    assert "nowhere" in live.unregistered
    named = live.trunk.register
    assert named is not None
    live.registrars = [_at(named.registrar, REGISTRAR), _at(named.registrar, "198.51.100.51")]
    stage.router.follow(stage.router.routing)
    stage.pass_time(0)
    assert request(stage).uri == "sip:reg.example.com"
    stage.pass_time(GIVE_UP + 0.1)
    registrar(stage).unheard.clear()
    asked = second.unheard.pop(0)
    leg = Leg(second, asked.get("Call-ID"), f"{asked.get('To')};tag=t", asked.get("From"), uri_of(asked.get("Contact")))
    leg.answers(asked, 503)
    seconds_until_asked(stage, 2 * BASE + 1)  # both have failed, and the first is next again
    accept(stage)
    assert up(stage)
    leave(stage)


def test_empty_lines_keep_a_connection_open(open_stage: OpenStage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage = open_stage(FILES, cloud={**ONE, "register": REGISTER})
    stage.party(REGISTRAR)
    stage.line.reliable = True
    pings: list[float] = []
    send = stage.line.send

    def hear(data: bytes, address: Address) -> bool:
        if data == b"\r\n\r\n" and address == (REGISTRAR, 5060):
            pings.append(stage.clock())
            return True
        return send(data, address)

    monkeypatch.setattr(stage.line, "send", hear)
    stage.router.follow(stage.router.routing)
    stage.pass_time(0)
    accept(stage, "Expires: 10000")
    stage.pass_time(2 * PING_EVERY)
    assert len(pings) == 2
    assert 0.8 * PING_EVERY <= pings[1] - pings[0] <= PING_EVERY + 1
    stage.pass_time(5_000 - 2 * PING_EVERY)
    answer(stage, request(stage), 403)
    pings.clear()
    for failures in range(2, 5):
        seconds_until_asked(stage, BASE * 2**failures)
        answer(stage, request(stage), 403)
    assert pings == []  # nothing stands any more that they could keep
    leave(stage)


def test_it_is_in_the_metrics() -> None:
    metrics = Metrics("0")
    metrics.read_trunks = lambda: [
        TrunkReading("a", 0, 0, {}, registered=True),
        TrunkReading("b", 0, 0, {}, registered=False),
        TrunkReading("c", 0, 0, {}),
    ]
    samples = [
        (sample.labels["trunk"], sample.value)
        for family in metrics.collect()
        for sample in family.samples
        if sample.name == "edge_router_trunk_registered"
    ]
    assert samples == [("a", 1.0), ("b", 0.0)]
