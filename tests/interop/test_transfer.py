"""Transfers by REFER, which the router consumes: it places the new leg itself."""

from typing import cast

import pytest

from edge_router.config.not_built import KEYS
from tests.interop.pjsua import PjsuaTalk
from tests.interop.stage import Stage, both_hear, both_hear_again

pytestmark = pytest.mark.skipif("refer" in KEYS.get("trunks.*", ()), reason="not built yet")


@pytest.mark.parametrize("by", ["pjsua2", "baresip"])
def test_a_blind_transfer(stage: Stage, by: str) -> None:
    """By the callee: the caller talks to a third end then."""
    one, third = stage.pjsua("carrier", "tls", srtp=True), stage.pjsua("cloud", "tcp", srtp=True)
    other = stage.end(by, "premise", "udp", srtp=True)
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    called.transfer(stage.uri("cloud"))
    new = third.incoming()
    new.answer()
    new.is_up()
    if isinstance(called, PjsuaTalk):
        called.take("transfer status", code=200)
    called.is_over()
    both_hear_again(calling, new)
    stage.ends(new, calling)


def test_a_blind_transfer_by_the_caller(stage: Stage) -> None:
    one, third = stage.pjsua("carrier"), stage.pjsua("cloud")
    other = stage.baresip("premise", "tls")
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    calling.transfer(stage.uri("cloud"))
    new = third.incoming()
    new.answer()
    new.is_up()
    calling.is_over()
    both_hear_again(new, called)
    stage.ends(called, new)


def test_a_blind_transfer_to_who_is_busy(stage: Stage) -> None:
    """The call goes back to whoever gave it away."""
    one, other, third = stage.pjsua("carrier"), stage.pjsua("premise", "tcp"), stage.pjsua("cloud")
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    called.transfer(stage.uri("cloud"))
    third.incoming().refuse(486)
    cast("PjsuaTalk", called).take("transfer status", code=486)
    both_hear_again(calling, called)
    stage.ends(calling, called)


@pytest.mark.parametrize("to", ["pjsua2", "baresip"])
def test_an_attended_transfer(stage: Stage, to: str) -> None:
    """The callee asks the third end first, then joins the two by REFER with Replaces."""
    one, other = stage.pjsua("carrier"), stage.pjsua("premise", "tcp")
    third = stage.end(to, "cloud", "tls", srtp=False)
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    called.hold()
    asking, asked = stage.talking(other, third)
    both_hear(asking, asked)
    cast("PjsuaTalk", called).transfer_to(cast("PjsuaTalk", asking))
    called.is_over()
    asking.is_over()
    both_hear_again(calling, asked)
    stage.ends(asked, calling)
