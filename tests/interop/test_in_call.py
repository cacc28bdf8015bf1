"""What else happens inside a call: digits, other codecs, offers of either side."""

import re
from typing import Final, cast

import pytest

from tests.end_to_end.waiting import until
from tests.interop.baresip import BaresipTalk
from tests.interop.pjsua import PjsuaTalk
from tests.interop.stage import Stage, both_hear, both_hear_again


def talking(stage: Stage, callee: str = "pjsua2") -> tuple[PjsuaTalk, PjsuaTalk]:
    """PJSUA2 calls by UDP, and whoever has answered does so by TCP; their tones have arrived."""
    one = stage.end("pjsua2", "carrier", "udp", srtp=False)
    other = stage.end(callee, "premise", "tcp", srtp=False)
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    return cast("PjsuaTalk", calling), cast("PjsuaTalk", called)


@pytest.mark.parametrize("callee", ["pjsua2", "baresip"])
def test_digits_by_rfc_4733(stage: Stage, callee: str) -> None:
    calling, called = talking(stage, callee)
    calling.press("12")
    called.pressed("1")
    called.pressed("2")
    called.press("9")
    assert calling.pressed("9")["method"] == "rfc4733"
    stage.ends(calling, called)


@pytest.mark.parametrize("callee", ["pjsua2", "baresip"])
def test_digits_by_info(stage: Stage, callee: str) -> None:
    calling, called = talking(stage, callee)
    calling.press("56", by="info")
    called.pressed("5")
    called.pressed("6")
    if callee == "pjsua2":
        called.press("7", by="info")
        assert calling.pressed("7")["method"] == "info"
    stage.ends(calling, called)


def test_another_codec(stage: Stage) -> None:
    calling, called = talking(stage)
    calling.codecs("PCMA")
    called.codecs("PCMU", "PCMA")
    called.forget_media()
    calling.resume()
    called.media(codec="PCMA/8000")
    both_hear_again(calling, called)
    stage.ends(called, calling)


@pytest.mark.parametrize("callee", ["pjsua2", "baresip"])
def test_a_re_invite_without_an_offer(stage: Stage, callee: str) -> None:
    calling, called = talking(stage, callee)
    calling.resume(offer=False)
    both_hear_again(calling, called)
    stage.ends(calling, called)


ACCEPTED_UPDATE: Final = re.compile(r"SIP/2\.0 200 OK\r?\n(?:.+\r?\n)*CSeq: \d+ UPDATE")


def test_an_update_that_baresip_does_not_know(stage: Stage) -> None:
    """Its answer leaves two codecs, so PJSUA2 offers one by UPDATE, which baresip gets as a re-INVITE."""
    one, other = stage.pjsua("carrier", "tcp"), stage.baresip("premise", "tcp")
    stage.opens()
    one.do("codecs", names=["PCMU", "PCMA"])
    calling, called = stage.talking(one, other)
    until(lambda: "501 Not Implemented" in other.story(), "baresip to refuse the UPDATE")
    until(lambda: ACCEPTED_UPDATE.search(one.story()) is not None, "PJSUA2 to be answered all the same")
    both_hear(calling, called)
    stage.ends(calling, called)


def test_a_re_invite_of_baresips(stage: Stage) -> None:
    calling, called = talking(stage, "baresip")
    cast("BaresipTalk", called).reinvite()
    both_hear_again(calling, called)
    stage.ends(calling, called)


def test_an_update(stage: Stage) -> None:
    calling, called = talking(stage)
    calling.update()
    called.update()
    both_hear_again(calling, called)
    stage.ends(called, calling)
