"""What stories of reliable provisional responses begin with (RFC 3262)."""

from tests.b2bua.leg import Leg
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.end_to_end.wire import Wire

SPEAKS = "Supported: 100rel"
REQUIRES = "Require: 100rel"


def calls(stage: Stage, *headers: str, body: bytes | None = None, at: str = "premise") -> tuple[Leg, Leg]:
    """A caller who has heard 100, and who is called."""
    caller = stage.carrier.calls(PREMISE_ONLY, *headers, body=body)
    caller.hears(100)
    return caller, getattr(stage, at).is_called()


def rings(callee: Leg, number: int, code: int = 183, body: bytes = b"") -> None:
    """A reliable provisional response."""
    callee.says(code, REQUIRES, f"RSeq: {number}", body=body)


def rang(caller: Leg, code: int = 183) -> Wire:
    """The caller hears one."""
    response = caller.hears(code, "INVITE")
    assert response.get("Require") == "100rel"
    assert 1 <= int(response.get("RSeq")) < 2**31 + 1000
    return response


def rang_unreliably(caller: Leg, code: int = 183) -> Wire:
    """The caller hears one that wants no PRACK."""
    response = caller.hears(code, "INVITE")
    assert not response.all("Require")
    assert not response.all("RSeq")
    return response


def pracks(caller: Leg, response: Wire, *headers: str, body: bytes = b"") -> Wire:
    """Acknowledges it."""
    rack = f"RAck: {response.get('RSeq')} {response.get('CSeq')}"
    return caller.asks("PRACK", rack, *headers, body=body)


def pracked(callee: Leg, number: int, body: bytes = b"", answer: bytes = b"", code: int = 200) -> Wire:
    """The callee hears the PRACK of his response, and answers it."""
    prack = callee.hears("PRACK")
    assert prack.get("RAck") == f"{number} {callee.invite.get('CSeq')}"
    assert prack.body == body
    assert (prack.get("From"), prack.get("To")) == (callee.remote, callee.local)
    callee.answers(prack, code, body=answer)
    return prack


def crosses(caller: Leg, callee: Leg, number: int, code: int = 183, body: bytes = b"") -> Wire:
    """A reliable response, its PRACK, and the answer to that, from one end to the other."""
    rings(callee, number, code, body)
    response = rang(caller, code)
    assert response.body == body
    pracks(caller, response)
    pracked(callee, number)
    caller.hears(200, "PRACK")
    return response


def is_answered(caller: Leg, callee: Leg, body: bytes | None = None) -> None:
    """The call is answered, and that acknowledged."""
    callee.says(200, body=body)
    assert caller.hears(200, "INVITE").body == (callee.party.sdp if body is None else body)
    caller.party.says(caller.request("ACK", seq=caller.invite.cseq))
    assert callee.hears("ACK").cseq == callee.invite.cseq
