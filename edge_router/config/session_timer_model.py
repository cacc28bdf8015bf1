"""The session timers of a trunk as the configuration writes them (RFC 4028)."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from edge_router.config.values import Duration, Section
from edge_router.sip.session_expires import LONGEST, SHORTEST

_BOUNDS: Final = f"write {SHORTEST}s to {LONGEST // 3600}h"


def _interval(seconds: float) -> float:
    if seconds != int(seconds):
        raise ValueError("is no whole number of seconds, which is all that a message can say")
    if not SHORTEST <= seconds <= LONGEST:
        raise ValueError(f"is out of bounds (RFC 4028 section 5); {_BOUNDS}")
    return seconds


Interval = Annotated[Duration, AfterValidator(_interval)]


class SessionTimer(Section):
    """What is asked of a peer, and what it may ask; it gets what it asks for in any case."""

    expires: Interval | None = Field(
        default=None,
        description="Ask for this interval, and take none that is longer. Default: none, unless the peer asks for one.",
    )
    min_se: Interval = Field(
        default=float(SHORTEST), description="Refuse a shorter one with 422, and ask for none to be taken: Min-SE."
    )


def expires_late_enough(timer: SessionTimer) -> SessionTimer:
    """Refuse an interval that our own Min-SE rules out."""
    if timer.expires is not None and timer.expires < timer.min_se:
        raise ValueError(f"expires is {timer.expires:g} s, shorter than min_se, {timer.min_se:g} s; make it as long")
    return timer
