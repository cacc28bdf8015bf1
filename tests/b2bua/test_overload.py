"""Overload control by Via (RFC 7339, RFC 7415) isn't spoken: whoever speaks of it is treated as anybody else."""

import itertools

import pytest

from tests.b2bua.in_call import part
from tests.b2bua.leg import Party
from tests.b2bua.stage import PREMISE_ONLY, Stage
from tests.end_to_end.wire import Wire

_branches = itertools.count()


def via(party: Party, params: str) -> str:
    return f"Via: SIP/2.0/UDP {party.place};branch=z9hG4bK-oc-{next(_branches)}{params}"


def beside_what_is_ours(value: str) -> list[str]:
    """The parameters of a Via of theirs without what a server adds (RFC 3581)."""
    return [each for each in value.split(";") if not each.startswith(("rport", "received="))]


@pytest.mark.parametrize(
    "params", [";rport;oc", ";oc;rport", ';rport;oc;oc-algo="loss,rate"', ';oc-algo="rate";oc;rport']
)
def test_who_offers_it_is_told_by_his_via_that_it_is_not_spoken(stage: Stage, params: str) -> None:
    """It comes back as it went, without a value for oc (RFC 7339 §5.1); else he would send less, or nothing."""
    caller = stage.carrier.calls(PREMISE_ONLY, said := via(stage.carrier, params))
    callee = stage.premise.is_called()
    callee.says(180)
    callee.says(200)
    for code in (100, 180, 200):
        heard = caller.hears(code)
        assert beside_what_is_ours(heard.get("Via")) == beside_what_is_ours(said.removeprefix("Via: "))
    assert "oc" not in callee.invite.get("Via").split(";")
    caller.ack()
    callee.hears("ACK")
    part(caller, callee)


@pytest.mark.parametrize(
    "params", [';oc=100;oc-validity=60000;oc-seq=1282321615.782;oc-algo="loss"', ';oc=0;oc-algo="rate,A"']
)
@pytest.mark.parametrize("code", [180, 200, 486])
def test_who_asks_for_less_unasked_gets_as_much(stage: Stage, params: str, code: int) -> None:
    """100 % loss, or 0 requests a second: nobody has offered him to heed that."""

    def says(request: Wire, code: int, body: bytes = b"") -> None:
        limited = request.with_headers(("Via", request.get("Via") + params))
        callee.answers(limited, code, body=body)

    for _ in range(2):
        caller = stage.carrier.calls(PREMISE_ONLY)
        caller.hears(100)
        callee = stage.premise.is_called()
        says(callee.invite, code, stage.premise.sdp if code == 200 else b"")
        if code == 486:
            callee.hears("ACK")
            caller.hears_refusal(486)
            continue
        caller.hears(code)
        if code == 180:
            callee.says(200)
            caller.hears(200)
        caller.ack()
        callee.hears("ACK")
        part(caller, callee)
