"""What stands whatever the configuration says next: calls placed, visits, latches, and what a person has switched.

Lives here: when latches are looked at, and what is kept of latches and switches over a restart. Must not know what a
call does with them.
"""

from __future__ import annotations

import logging
import time
from math import inf
from typing import TYPE_CHECKING, Final

from edge_router.memory import Memory, Plain
from edge_router.telemetry.standing_metrics import StandingReading

if TYPE_CHECKING:
    from pathlib import Path

    from edge_router.admission.ledger import Ledger
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.config.models import Config
    from edge_router.switches import Switch

LATCHES: Final = "latches"
SWITCHES: Final = "switches"
EXPECT_FOR: Final = 120.0
"""Seconds for which a placed call is expected to be shown, where nobody says otherwise."""
TIDY_EVERY: Final = 1.0
"""Seconds between two looks for placed calls that are expected no longer."""
FILE_EVERY: Final = 10.0
"""Seconds between two looks whether the file is still there in which latches and switches are kept."""

_log = logging.getLogger(__name__)


class Standing:
    """``ledger`` goes from one configuration to the next; ``store`` is the file in which the rest is kept."""

    def __init__(self, ledger: Ledger, store: Path) -> None:
        self.ledger: Final = ledger
        self._memory: Final = Memory(store, self._kept)
        self._routing: Routing | None = None
        self._tidied = self._looked_after_file = -inf

    def follow(self, routing: Routing, config: Config) -> None:
        """Go on with this configuration."""
        if self._routing is not None:  # while the new one was built, latches may have changed once more
            routing.latches.take_over(self._routing.latches)
        self._routing = routing
        state = config.state
        usual = state.webex.expect_for if state.webex is not None else EXPECT_FOR
        self.ledger.placed.expect_for = usual if state.expect_for is None else state.expect_for
        self.ledger.switches.know({"policy": config.policies, "trunk": config.trunks, "hours": config.hours})

    async def start(self) -> None:
        """Take back what the file has of latches and switches, and look at them: the first call reads them."""
        found = await self._memory.load()
        if SWITCHES in found:
            self.ledger.switches.restore(found[SWITCHES])
        if LATCHES in found and self._routing is not None:
            self._routing.latches.restore(found[LATCHES], time.monotonic())
        self.look(time.monotonic())

    async def close(self) -> None:
        """Write what is to be kept."""
        await self._memory.close()

    @property
    def degraded(self) -> str:
        """What a person has switched, which latches can't be told, what isn't kept, in words; "" when nothing is."""
        latches = self._routing.latches.degraded if self._routing is not None else ""
        return "; ".join(filter(None, [self.ledger.switches.degraded, latches, self._memory.fault]))

    def touch(self) -> None:
        """State has changed: latches are looked at soon."""
        if self._routing is not None:
            self._routing.latches.touch()

    def look(self, now: float) -> None:
        """What is due: latches, and calls that are expected no longer. To be called many times a second."""
        if now - self._tidied >= TIDY_EVERY:
            self._tidied = now
            self.ledger.placed.tidy(now)
        if now - self._looked_after_file >= FILE_EVERY:
            self._looked_after_file = now
            self._memory.look()
        if self._routing is None:
            return
        changes = self._routing.latches.look_if_due(now)
        for change in changes:
            _log.warning("%s", change)
        if changes:
            self._memory.keep(LATCHES, self._routing.latches.snapshot())

    def _kept(self) -> dict[str, Plain]:
        """All that is kept over a restart."""
        kept: dict[str, Plain] = {SWITCHES: self.ledger.switches.snapshot()}
        if self._routing is not None:
            kept[LATCHES] = self._routing.latches.snapshot()
        return kept

    def switch(self, kind: str, name: str, state: str, who: str) -> Switch:
        """Set a switch, and keep it. Raises NoSuchSwitch and NoSuchState."""
        switch = self.ledger.switches.set(kind, name, state, who, time.time())
        self._memory.keep(SWITCHES, self.ledger.switches.snapshot())
        return switch

    def reading(self) -> StandingReading:
        """What a scrape shows."""
        latches = self._routing.latches.latches if self._routing is not None else {}
        on = {name: latch.on for name, latch in latches.items()}
        lost = frozenset(name for name, latch in latches.items() if latch.lost)
        return StandingReading(on, self.ledger.switches.readings(), self.ledger.placed.unseen_total, lost)
