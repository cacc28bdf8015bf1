"""What is sent and waited by, whatever asks for it: calls, probes, registrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.sip.timers import TimerWheel
from edge_router.sip.transaction_layer import TransactionLayer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_router.b2bua.reports.events import Observer
    from edge_router.net.listener import Listener


class Endpoint:
    """The router as its trunks see it: ``listeners`` by their names, ``transactions``, and who watches (``observer``).

    ``wheel`` has the timers, and the time of what is being handled just now (monotonic seconds).
    """

    def __init__(self, listeners: Mapping[str, Listener], observer: Observer, now: float) -> None:
        self.listeners = listeners
        self.observer = observer
        self.wheel = TimerWheel(now, self.timer_failed)
        self.transactions = TransactionLayer(self.wheel)

    def timer_failed(self) -> None:
        """What a timer belongs to has raised when it fired; called within the ``except``."""
        raise NotImplementedError
