"""Which configuration is in force, as a call sees it: a rule that refuses calls to a number of its own."""

from typing import Any, Final

from tests.end_to_end.site import Site

_PREFIX: Final = "+1999"


def probe(code: int) -> dict[str, Any]:
    """A rule that `probed` tells by its code."""
    return {"name": "probe", "when": f'call.called.startsWith("{_PREFIX}")', "reject": code}


def probed(site: Site) -> int:
    """The code of the rule that is in force."""
    caller = site.caller(_PREFIX)
    caller.invite()
    final = caller.expect_final()
    caller.ack(final)
    return final.code
