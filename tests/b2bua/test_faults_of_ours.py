"""A fault of the router's own in one call ends that call, cleanly and with a word in the log; no other call notices."""

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest

from edge_router.b2bua.call.callee import CalleeLeg
from edge_router.b2bua.messages.incoming import Incoming
from edge_router.b2bua.set_up.set_up import decide
from edge_router.sip.message import Message
from edge_router.sip.timers import GIVE_UP
from edge_router.sip.transaction import ClientTransaction
from tests.b2bua.stage import PREMISE_ONLY, REFERRED, Stage

Break = Callable[[str], None]

FAULT = "X-Fault: here"
"""Who reads a message with this line stumbles over it, once a story has broken it."""


@pytest.fixture
def break_it(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Makes a function of the b2bua raise where the message that it is given bears FAULT."""

    def bears_it(value: object) -> bool:
        message = value.request if isinstance(value, Incoming) else value
        return isinstance(message, Message) and "x-fault" in message.first

    def break_one(name: str) -> None:
        module, _, attribute = name.rpartition(".")
        whole = __import__(f"edge_router.b2bua.{module}", fromlist=[attribute])
        works = getattr(whole, attribute)

        def broken(*args: Any) -> Any:
            if any(map(bears_it, args)):
                raise ZeroDivisionError("a fault of ours")
            return works(*args)

        monkeypatch.setattr(whole, attribute, broken)

    return break_one


@pytest.fixture
def others(stage: Stage, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A call that stands meanwhile, and does not notice; and the fault is told of once."""
    caller, callee = stage.connected()
    yield
    told = [record for record in caplog.get_records("call") if record.levelname == "ERROR"]
    assert len(told) == 1
    assert told[0].exc_info is not None
    caplog.get_records("call").clear()
    caller.hangs_up()
    callee.is_hung_up()


def is_failed(stage: Stage, code: int) -> None:
    record = stage.record
    assert (record.outcome, record.ended_by, record.code) == ("failed", "router", code)


pytestmark = [
    pytest.mark.usefixtures("others"),
    pytest.mark.skipif(not isinstance(decide, FunctionType), reason="what is compiled can't be broken from outside"),
]


@pytest.mark.parametrize(
    "where", ["set_up.set_up.decide", "set_up.inviting.outbound_invite", "messages.outbound.crossing"]
)
def test_where_the_invite_is_taken(stage: Stage, break_it: Break, where: str) -> None:
    break_it(where)
    caller = stage.carrier.calls(PREMISE_ONLY, FAULT)
    if where != "set_up.set_up.decide":
        caller.hears(100)
    caller.hears_refusal(500)
    is_failed(stage, 500)


def test_where_ringing_crosses(stage: Stage, break_it: Break) -> None:
    break_it("call.call.crossing")
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    callee.says(180, FAULT)
    caller.hears_refusal(500)
    callee.is_cancelled()
    is_failed(stage, 500)


def test_where_the_answer_crosses(stage: Stage, break_it: Break) -> None:
    break_it("call.call.crossing")
    caller, callee = stage.ringing()
    callee.says(200, FAULT)
    caller.hears_refusal(500)
    callee.hears("ACK")
    callee.is_hung_up()
    is_failed(stage, 500)


def test_where_a_refusal_crosses(stage: Stage, break_it: Break) -> None:
    break_it("call.call.crossing")
    caller, callee = stage.ringing()
    callee.refuses(486, FAULT)
    caller.hears_refusal(500)
    is_failed(stage, 500)


def test_where_a_cancel_is_taken(stage: Stage, break_it: Break) -> None:
    break_it("call.call.cause_of")
    caller, callee = stage.ringing()
    caller.cancel(FAULT)
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)
    callee.is_cancelled()
    assert stage.record.outcome == "failed"


def test_where_the_ack_crosses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    works = CalleeLeg.acknowledge

    def breaks_once(self: CalleeLeg, headers: str = "", body: bytes = b"") -> None:
        monkeypatch.setattr(CalleeLeg, "acknowledge", works)
        raise ZeroDivisionError

    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    monkeypatch.setattr(CalleeLeg, "acknowledge", breaks_once)
    caller.ack()
    caller.is_hung_up()
    callee.hears("ACK")
    callee.is_hung_up()
    is_failed(stage, 200)


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_where_a_bye_crosses(stage: Stage, break_it: Break, who: str) -> None:
    break_it("call.ends.crossing")
    caller, callee = stage.connected()
    ends, is_ended = (caller, callee) if who == "caller" else (callee, caller)
    ends.asks("BYE", FAULT)
    ends.hears(200, "BYE")
    is_ended.is_hung_up()
    is_failed(stage, 200)


def test_where_news_of_a_refer_are_read(stage: Stage, break_it: Break) -> None:
    break_it("set_up.refer.sipfrag_status")
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 202)
    caller.asks("NOTIFY", "Event: refer", "Subscription-State: active", FAULT)
    caller.hears(200, "NOTIFY")
    caller.is_hung_up()
    is_failed(stage, 200)


def test_where_a_kept_caller_is_joined(stage: Stage, break_it: Break) -> None:
    break_it("call.call.crossing")
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 603)
    callee = stage.premise.is_called()
    callee.says(200, FAULT)
    callee.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()
    is_failed(stage, 200)


def test_where_an_ack_has_been_waited_for_in_vain(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """And timers that are due in the same tick fire all the same."""
    works = CalleeLeg.give_up

    def breaks_once(self: CalleeLeg, *args: str) -> None:
        monkeypatch.setattr(CalleeLeg, "give_up", works)
        raise ZeroDivisionError

    pairs = [stage.ringing() for _ in range(3)]
    for caller, callee in pairs:
        callee.says(200)
        caller.hears(200)
    monkeypatch.setattr(CalleeLeg, "give_up", breaks_once)
    stage.pass_time(GIVE_UP + 0.2)
    for caller, callee in pairs:
        for _ in range(10):
            caller.hears(200)
        caller.is_hung_up()  # once, also in the call that broke
        callee.hears("ACK")
        callee.is_hung_up()
    assert [record.outcome for record in stage.ear.records] == ["failed"] * 3


def test_in_a_timer_of_a_transaction(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others that are due in the same tick fire all the same."""
    works = ClientTransaction.expire

    def breaks_once(self: ClientTransaction, timer: str, now: float) -> None:
        monkeypatch.setattr(ClientTransaction, "expire", works)
        works(self, timer, now)
        raise ZeroDivisionError

    pairs = [stage.connected() for _ in range(3)]
    for caller, _ in pairs:
        caller.hangs_up()
    monkeypatch.setattr(ClientTransaction, "expire", breaks_once)
    stage.pass_time(0.5)
    for _, callee in pairs:
        bye = callee.hears("BYE")
        assert callee.hears("BYE") == bye
        callee.answers(bye, 200)


@pytest.mark.parametrize("method", ["INVITE", "INFO"])
def test_where_a_request_within_the_call_crosses(stage: Stage, break_it: Break, method: str) -> None:
    break_it("in_call.exchange.crossing")
    caller, callee = stage.connected()
    caller.asks(method, FAULT)
    if method == "INVITE":
        caller.hears(100)
        caller.hears_refusal(487)
    else:
        caller.hears(487, method)
    caller.is_hung_up()
    callee.is_hung_up()
    is_failed(stage, 200)


@pytest.mark.parametrize("method", ["INVITE", "INFO"])
@pytest.mark.parametrize("code", [200, 488])
def test_where_its_answer_crosses(stage: Stage, break_it: Break, method: str, code: int) -> None:
    break_it("in_call.exchange.crossing")
    caller, callee = stage.connected()
    callee.asks(method)
    if method == "INVITE":
        callee.hears(100)
    caller.answers(caller.hears(method), code, FAULT)
    if method == "INVITE":
        caller.hears("ACK")
        callee.hears_refusal(487)
    else:
        callee.hears(487, method)
    caller.is_hung_up()
    callee.is_hung_up()
    is_failed(stage, 200)
