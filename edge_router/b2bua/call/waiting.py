"""How set-up waits: a coroutine without a loop, driven by hand (``Call.wake``) with what happens on the legs."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from edge_router.b2bua.call.leg import Leg

RESPONSE: Final = "response"
TIMEOUT: Final = "timeout"
ACK: Final = "ACK"
NOTIFY: Final = "NOTIFY"
WAITED: Final = "waited"
"""What may happen on a leg while a call waits."""
Event = tuple[str, "Leg", Any]
"""What it is woken with: one of these, the leg that it happened on, a message."""


class _NextEvent:
    """Awaited by set-up: hands control back until the call is woken."""

    def __await__(self) -> Generator[None, Event, Event]:
        return (yield)


next_event: Final = _NextEvent()
