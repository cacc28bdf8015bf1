"""Plain calls between ends of either kind, over every transport: what each plays arrives at the other."""

import pytest

from tests.interop.far_end import Transport
from tests.interop.stage import Stage, both_hear

PAIRS = [("pjsua2", "pjsua2"), ("pjsua2", "baresip"), ("baresip", "pjsua2"), ("baresip", "baresip")]


@pytest.mark.parametrize("srtp", [False, True], ids=["rtp", "srtp"])
@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize(("caller", "callee"), PAIRS, ids=map("-".join, PAIRS))
def test_a_call(stage: Stage, caller: str, callee: str, transport: Transport, srtp: bool) -> None:
    one = stage.end(caller, "carrier", transport, srtp=srtp)
    other = stage.end(callee, "premise", transport, srtp=srtp)
    stage.opens()
    calling, called = stage.talking(one, other)
    both_hear(calling, called)
    stage.ends(calling, called)
