"""Plain calls between ends of either kind, over every transport: what each plays arrives at the other."""

import itertools

import pytest

from tests.interop.far_end import Transport
from tests.interop.stage import Stage, both_hear

QUICK = [
    ("pjsua2", "pjsua2", "tls", True),
    ("pjsua2", "baresip", "udp", False),
    ("pjsua2", "baresip", "tls", True),
    ("baresip", "pjsua2", "tcp", True),
    ("baresip", "pjsua2", "tls", False),
    ("baresip", "baresip", "tcp", False),
]
"""Each kind of end on each side, by each transport, with SRTP and without."""

KINDS = ("pjsua2", "baresip")
ALL = list(itertools.product(KINDS, KINDS, ("udp", "tcp", "tls"), (False, True)))


def named(case: tuple[str, str, str, bool]) -> str:
    return "-".join(case[:3]) + ("-srtp" if case[3] else "-rtp")


@pytest.mark.parametrize(
    ("caller", "callee", "transport", "srtp"),
    [pytest.param(*case, id=named(case), marks=[] if case in QUICK else pytest.mark.slow) for case in ALL],
)
def test_a_call(stage: Stage, caller: str, callee: str, transport: Transport, srtp: bool) -> None:
    one = stage.end(caller, "carrier", transport, srtp=srtp)
    other = stage.end(callee, "premise", transport, srtp=srtp)
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    stage.ends(calling, called)


@pytest.mark.parametrize(("caller", "callee"), [("pjsua2", "baresip"), ("baresip", "pjsua2")])
def test_who_is_known_by_his_certificate(stage: Stage, caller: str, callee: str) -> None:
    """Mutual TLS: the caller shows a certificate to the router, and the router calls a name, not an address."""
    one = stage.end(caller, "carrier", "tls", srtp=True)
    other = stage.end(callee, "premise", "tls", srtp=True)
    stage.opens(mutual=True)
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    stage.ends(calling, called)


@pytest.mark.parametrize(
    ("caller", "callee", "out", "on"),
    [("pjsua2", "baresip", "udp", "tls"), ("baresip", "pjsua2", "tls", "tcp"), ("pjsua2", "pjsua2", "tcp", "udp")],
)
def test_from_one_transport_to_another(stage: Stage, caller: str, callee: str, out: Transport, on: Transport) -> None:
    one = stage.end(caller, "carrier", out, srtp=True)
    other = stage.end(callee, "premise", on, srtp=True)
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    stage.ends(called, calling)
