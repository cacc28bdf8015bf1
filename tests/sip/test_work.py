"""What a hostile datagram costs: steps in Python, counted, for values as long as the limits let in."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

import pytest

from edge_router.sip.dialog import contact_uri, route_set
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import branch_of, first_of, param, parse_name_addr, parse_via, split_list, tag_of
from edge_router.sip.message import Request, parse
from edge_router.sip.transaction_layer import response_vias

OCTETS = 16_000
FEW = 500  # lines; a loop over the characters or entries of a value takes thousands


def steps(run: Callable[[], object]) -> int:
    """How many lines of Python run, each turn of a loop counted."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(BadMessage):
            run()
    finally:
        sys.settrace(before)
    return count


@pytest.fixture(scope="module", autouse=True)
def compiled_patterns() -> None:
    """Each is compiled at its first use, which is no work of the value's."""
    for name in ("tag", "branch", "rport"):
        param(f";{name}=1", name)


@pytest.mark.parametrize(
    "piece", ['\\"', '"', "\\\\", ";", ",", "<>", '"",', '"";', "<,>,", ";x", ";tagx=1", ";rportx=1", "a."]
)
@pytest.mark.parametrize("start", ["", '"', "<sip:a@h>", "<sip:a@h>;", "SIP/2.0/UDP h;"])
@pytest.mark.parametrize("end", ["", '"<sip:h>', ";tag=1", ";rport"])
def test_no_value_is_read_character_by_character(start: str, piece: str, end: str) -> None:
    value = start + piece * (OCTETS // len(piece)) + end
    request = Request("INVITE", "sip:h")
    for key in ("via", "contact", "record-route"):
        request.add(key, value)
    for read in (first_of, tag_of, branch_of, parse_via):
        assert steps(lambda read=read: read(value)) < FEW, read  # type: ignore[misc]
    assert " " in value or steps(lambda: split_list(value)) < FEW
    assert steps(lambda: param(value, "tag")) < FEW
    assert steps(lambda: parse_name_addr(value, "To")) < FEW
    assert steps(lambda: contact_uri(request)) < FEW
    assert steps(lambda: route_set(request)) < FEW
    assert steps(lambda: response_vias(request, parse_via(value), ("192.0.2.1", 9))) < FEW


@pytest.mark.parametrize("fold", ["\r\n ", "\r\n x", "x\r\n\t"])
def test_no_head_is_unfolded_line_by_line(fold: str) -> None:
    data = f"INVITE sip:h SIP/2.0\r\nSubject: a{fold * (OCTETS // len(fold))}\r\n\r\n".encode()
    assert steps(lambda: parse(data)) < FEW
