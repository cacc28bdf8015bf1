"""What keeps a fault of ours with one call from all others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call

_log = logging.getLogger(__name__)
P = ParamSpec("P")


def or_it_ends(step: Callable[Concatenate[Call, P], None]) -> Callable[Concatenate[Call, P], None]:
    """A fault of ours in this step of a call is the end of that call, and of no other."""

    @wraps(step)
    def guarded(call: Call, /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            step(call, *args, **kwargs)
        except Exception:
            _log.exception("call %s: %s failed", call.record.call_id, step.__name__)
            call.broken()

    return guarded
