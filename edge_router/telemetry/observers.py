"""Several observers as one: each hears every event that it listens to, and none can hurt the call or the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.reports.events import Observer, Silence

if TYPE_CHECKING:
    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.policy.facts import CallFacts

COMPLAIN_EVERY: Final = 60.0
"""Seconds between two log lines about broken observers."""

_log = logging.getLogger(__name__)


class Observers:
    """Hands each event on to those of ``observers`` that do more with it than ``Silence``.

    ``counter`` alone hears of the messages, and is asked straight, without a guard: there are fourteen to a call, and a
    guard costs as much as counting does. ``errors`` counts the exceptions that observers raised. ``clock`` gives
    seconds that never go back.
    """

    def __init__(self, counter: Observer, *others: Observer, clock: Callable[[], float] = time.monotonic) -> None:
        self.errors = 0
        self._clock = clock
        self._complained = -COMPLAIN_EVERY
        observers = (counter, *others)
        self.request = counter.request
        self.response = counter.response
        self._rejected = [each.rejected for each in observers if _listens(each, "rejected")]
        self._emergency_began = [each.emergency_began for each in observers if _listens(each, "emergency_began")]
        self._emergency_refused = [each.emergency_refused for each in observers if _listens(each, "emergency_refused")]
        self._routed = [each.routed for each in others if _listens(each, "routed")]
        self._decided = [each.decided for each in observers if _listens(each, "decided")]
        self._failover = [each.failover for each in observers if _listens(each, "failover")]
        self._ringing = [each.ringing for each in observers if _listens(each, "ringing")]
        self._ended = [each.ended for each in observers if _listens(each, "ended")]

    def rejected(self, reason: str) -> None:
        """Handed on."""
        for hear in self._rejected:
            try:
                hear(reason)
            except Exception as error:
                self._failed(error)

    def emergency_began(self, trunk: str) -> None:
        """Handed on."""
        for hear in self._emergency_began:
            try:
                hear(trunk)
            except Exception as error:
                self._failed(error)

    def emergency_refused(self, trunk: str) -> None:
        """Handed on."""
        for hear in self._emergency_refused:
            try:
                hear(trunk)
            except Exception as error:
                self._failed(error)

    def routed(self, record: CallRecord, facts: CallFacts, listen: str) -> None:
        """Handed on."""
        for hear in self._routed:
            try:
                hear(record, facts, listen)
            except Exception as error:
                self._failed(error)

    def decided(self, record: CallRecord, seconds: float) -> None:
        """Handed on."""
        for hear in self._decided:
            try:
                hear(record, seconds)
            except Exception as error:
                self._failed(error)

    def failover(self, came_from: str, went_to: str, reason: str) -> None:
        """Handed on."""
        for hear in self._failover:
            try:
                hear(came_from, went_to, reason)
            except Exception as error:
                self._failed(error)

    def ringing(self, record: CallRecord) -> None:
        """Handed on."""
        for hear in self._ringing:
            try:
                hear(record)
            except Exception as error:
                self._failed(error)

    def ended(self, record: CallRecord) -> None:
        """Handed on."""
        for hear in self._ended:
            try:
                hear(record)
            except Exception as error:
                self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Counts, and says so where nothing was said for a minute."""
        self.errors += 1
        now = self._clock()
        if now - self._complained >= COMPLAIN_EVERY:
            self._complained = now
            _log.error("an observer of calls failed (%d times so far); calls go on", self.errors, exc_info=error)


def _listens(observer: Observer, event: str) -> bool:
    """Whether the observer has a method of its own for this event."""
    return getattr(type(observer), event) is not getattr(Silence, event)
