"""Calls that begin otherwise than plainly, and calls that never begin."""

from typing import cast

import pytest

from edge_router.config.not_built import KEYS
from tests.interop.pjsua import PjsuaTalk
from tests.interop.stage import NUMBERS, Stage, both_hear


@pytest.mark.parametrize("callee", ["pjsua2", "baresip"])
def test_an_invite_without_an_offer(stage: Stage, callee: str) -> None:
    """Late offer: the callee's in the 200, the caller's answer in the ACK."""
    one = stage.pjsua("carrier", "tls", srtp=True)
    other = stage.end(callee, "premise", "tls", srtp=True)
    stage.opens()
    calling = one.dial(NUMBERS["premise"], stage.block.router, offer=False)
    called = other.incoming()
    called.answer()
    calling.is_up()
    called.is_up()
    both_hear(calling, called)
    stage.ends(called, calling)


def test_early_media(stage: Stage) -> None:
    """What the callee says before he answers is heard."""
    one, other = stage.pjsua("carrier"), stage.pjsua("premise", "tcp")
    stage.opens()
    calling = one.dial(NUMBERS["premise"], stage.block.router)
    called = other.incoming()
    called.answer(183)
    calling.take("state", state="EARLY", code=183)
    calling.hears(other.part.tone)
    called.answer()
    calling.is_up()
    both_hear(calling, called)
    stage.ends(called, calling)


@pytest.mark.skipif("rel1xx" in KEYS.get("trunks.*", ()), reason="not built yet")
@pytest.mark.parametrize(("caller", "callee"), [("pjsua2", "pjsua2"), ("pjsua2", "baresip"), ("baresip", "pjsua2")])
def test_reliable_provisional_answers(stage: Stage, caller: str, callee: str) -> None:
    """RFC 3262: PJSUA2 insists on it, whichever side it is and whether the other one knows it or not."""
    ends = [
        stage.pjsua(name, prack="require") if kind == "pjsua2" else stage.baresip(name)
        for name, kind in (("carrier", caller), ("premise", callee))
    ]
    stage.opens()
    calling, called = stage.talking(*ends)
    both_hear(calling, called)
    stage.ends(called, calling)
    assert all("PRACK sip:" in end.log.read_text() for end in ends if end.kind == "pjsua2")


def test_a_large_invite_by_tcp(stage: Stage) -> None:
    """With every codec that PJSUA2 has, some 2,000 octets."""
    one, other = stage.pjsua("carrier", "tcp", srtp=True), stage.pjsua("premise", "tcp", srtp=True)
    stage.opens()
    for end in (one, other):
        end.do("codecs", names=["speex/16000", "PCMU", "PCMA", "GSM", "iLBC", "G722", "speex"])
    calling, called = stage.talking(one, other)
    cast("PjsuaTalk", called).media(codec="speex/16000")
    both_hear(calling, called)
    stage.ends(calling, called)


@pytest.mark.parametrize(("caller", "callee"), [("pjsua2", "baresip"), ("baresip", "pjsua2")])
def test_who_hangs_up_before_the_answer(stage: Stage, caller: str, callee: str) -> None:
    one = stage.end(caller, "carrier", "udp", srtp=False)
    other = stage.end(callee, "premise", "tcp", srtp=False)
    stage.opens()
    calling, called = stage.ringing(one, other)
    calling.hang_up()
    called.is_over()
    calling.is_over()
    stage.idle()


@pytest.mark.parametrize(("caller", "callee"), [("pjsua2", "baresip"), ("baresip", "pjsua2")])
def test_who_is_busy(stage: Stage, caller: str, callee: str) -> None:
    one = stage.end(caller, "carrier", "tls", srtp=False)
    other = stage.end(callee, "premise", "udp", srtp=False)
    stage.opens()
    calling, called = stage.ringing(one, other)
    if isinstance(called, PjsuaTalk):
        called.refuse(486)
    else:
        called.hang_up()
    assert "486" in calling.is_over()
    stage.idle()
