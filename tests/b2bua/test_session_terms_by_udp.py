"""A large INVITE whose target wants other terms, and then isn't reached by TCP any more (RFC 3261 §18.1.1)."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg, Party
from tests.b2bua.stage import HOME, PREMISE_ONLY, Line, Stage
from tests.b2bua.test_session_terms import is_the_same_again, terms
from tests.end_to_end.wire import tag_of

_LISTEN = [
    {"name": name, "transport": transport, "address": "192.0.2.1:5060"}
    for name, transport in (("pstn", "udp"), ("trunking", "tcp"))
]


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(listen=_LISTEN, premise={"udp_to_tcp": "try", "connect_timeout": 2})


@pytest.fixture
def over_tcp(stage: Stage) -> Party:
    """The premise, as far as it is reached by TCP."""
    line = Line("trunking", "tcp")
    there = Party(stage.premise.address, HOME, lambda message, at: stage.router.receive(message.encode(), at, line))
    line.parties[there.address] = there
    stage.router.listeners = {**stage.router.listeners, line.name: line}
    return there


def wants_longer(stage: Stage, over_tcp: Party) -> tuple[Leg, Leg]:
    """The caller, and who is asked a second time by TCP."""
    caller = stage.carrier.calls(PREMISE_ONLY, f"Subject: {'x' * 1_300}")
    first = over_tcp.is_called()
    assert "SIP/2.0/TCP" in first.invite.get("Via")
    first.refuses(422, "Min-SE: 1800")
    second = over_tcp.is_called()
    assert is_the_same_again(second.invite, first.invite)
    return caller, second


def is_connected(caller: Leg, callee: Leg) -> None:
    callee.says(200, "Supported: timer", "Session-Expires: 1800;refresher=uas")
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")


def test_it_is_asked_by_udp_on_the_terms_that_it_wants(stage: Stage, over_tcp: Party) -> None:
    caller, by_tcp = wants_longer(stage, over_tcp)
    stage.router.lost(over_tcp.address, stage.router.listeners["trunking"])
    callee = stage.premise.is_called()
    assert terms(callee.invite) == (["1800"], ["1800"], [])
    assert is_the_same_again(callee.invite, by_tcp.invite)
    is_connected(caller, callee)
    callee.hangs_up()
    caller.is_hung_up()
    assert [attempt.code for attempt in stage.record.attempts] == [422, None, 200]


def test_one_who_answers_by_tcp_after_all_has_a_dialog_of_his_own(stage: Stage, over_tcp: Party) -> None:
    caller, by_tcp = wants_longer(stage, over_tcp)
    stage.pass_time(2)
    callee = stage.premise.is_called()
    assert terms(callee.invite) == (["1800"], ["1800"], [])
    assert tag_of(callee.remote) != tag_of(by_tcp.remote)
    is_connected(caller, callee)
    by_tcp.says(200)
    by_tcp.hears("ACK")
    by_tcp.is_hung_up()
    callee.hangs_up()
    caller.is_hung_up()


def test_a_target_may_want_other_terms_by_udp_first(stage: Stage, over_tcp: Party) -> None:
    """And is asked by UDP from then on."""
    caller = stage.carrier.calls(PREMISE_ONLY, f"Subject: {'x' * 1_300}")
    over_tcp.is_called()
    stage.router.lost(over_tcp.address, stage.router.listeners["trunking"])
    first = stage.premise.is_called()
    assert terms(first.invite) == ([], [], [])
    first.refuses(422, "Min-SE: 1800")
    callee = stage.premise.is_called()
    assert is_the_same_again(callee.invite, first.invite)
    is_connected(caller, callee)
    callee.hangs_up()
    caller.is_hung_up()
