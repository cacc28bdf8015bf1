"""Hold and resume, from either side: silence in between, and audio each way afterwards."""

import pytest

from tests.interop.far_end import Transport
from tests.interop.pjsua import PjsuaTalk
from tests.interop.stage import Stage, both_hear, both_hear_again

CASES = [
    ("pjsua2", "pjsua2", "udp", False),
    ("pjsua2", "baresip", "tls", True),
    ("baresip", "pjsua2", "udp", True),
]
MORE = [
    (caller, callee, transport, srtp)
    for caller, callee in (("pjsua2", "pjsua2"), ("pjsua2", "baresip"), ("baresip", "pjsua2"))
    for transport in ("udp", "tcp", "tls")
    for srtp in (False, True)
]


def named(case: tuple[str, str, str, bool]) -> str:
    return "-".join(case[:3]) + ("-srtp" if case[3] else "-rtp")


@pytest.mark.parametrize(
    ("caller", "callee", "transport", "srtp"),
    [
        *(pytest.param(*case, id=named(case)) for case in CASES),
        *(pytest.param(*case, id=named(case), marks=pytest.mark.slow) for case in MORE if case not in CASES),
    ],
)
def test_hold_and_resume(stage: Stage, caller: str, callee: str, transport: Transport, srtp: bool) -> None:
    one = stage.end(caller, "carrier", transport, srtp=srtp)
    other = stage.end(callee, "premise", transport, srtp=srtp)
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    for holder, held in ((calling, called), (called, calling)):
        holder.hold()
        held.is_held()
        if isinstance(held, PjsuaTalk):
            held.hears_nothing()
        holder.resume()
        both_hear_again(calling, called)
    stage.ends(called, calling)
