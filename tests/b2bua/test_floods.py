"""Requests without end: what they get, what is kept of them, and for how long."""

from typing import Final

import pytest

from edge_router.sip.message import Response, parse
from fuzz.router import SOURCES, Stage

CARRIER, *_, STRANGER = SOURCES
MANY: Final = 500
NOTHING: Final = {"transactions": 0, "dialogs": 0, "calls": 0, "timers": 0}
METHODS: Final = ("OPTIONS", "BYE", "CANCEL", "REGISTER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "INFO", "REFER", "PUBLISH")


def request(method: str, number: int) -> bytes:
    return (
        f"{method} sip:127.0.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER[0]}:5060;branch=z9hG4bK{number}\r\n"
        f"From: <sip:a@h>;tag={number}\r\nTo: <sip:b@h>{';tag=x' if method in ('BYE', 'INFO') else ''}\r\n"
        f"Call-ID: {number}\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("method", METHODS)
def test_each_is_answered_once_and_forgotten_in_32_seconds(method: str) -> None:
    stage = Stage()
    for number in range(MANY):
        data = request(method, number)
        answers = stage.receive(data, CARRIER)
        assert len(answers) == 1
        assert isinstance(parse(answers[0]), Response)
        assert len(answers[0]) < 2 * len(data)  # who forges his address can't have much more sent there
    assert stage.router.counts()["transactions"] == MANY
    stage.pass_time(36)
    assert stage.router.counts() == NOTHING


@pytest.mark.parametrize("method", [*METHODS, "INVITE", "ACK"])
def test_of_strangers_nothing_is_kept_and_nothing_is_sent_to_them(method: str) -> None:
    stage = Stage()
    for number in range(MANY):
        assert stage.receive(request(method, number), STRANGER) == []
        assert stage.receive(request(method, number)[:100], STRANGER) == []
    assert stage.router.counts() == NOTHING


def test_acks_of_nothing_leave_nothing() -> None:
    stage = Stage()
    for number in range(MANY):
        assert stage.receive(request("ACK", number), CARRIER) == []
    assert stage.router.counts() == NOTHING
