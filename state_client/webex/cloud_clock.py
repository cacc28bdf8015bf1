"""The cloud's clock, as far as it is seen: its answers say what time it is there (Date, RFC 9110 §6.6.1).

What happened when is the cloud's word, in its own clock. Whoever compares that with a clock of ours that is a minute
ahead takes what is news for old.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from state_client.webex.transport import read_date

PROMPT: Final = 5.0
"""Seconds within which an answer must have come for its date to say something."""
NEAR: Final = 2.0
"""Seconds that are no difference: a date is to the second, and an answer is on its way for a while."""

_log = logging.getLogger(__name__)


class CloudClock:
    """Gives the cloud's time in seconds since the epoch, by our clock and what the two differ by.

    ``ahead`` is how far our clock is ahead of the cloud's, 0 where they don't differ. ``moved`` is called when that
    has changed.
    """

    def __init__(self, clock: Callable[[], float], moved: Callable[[], None]) -> None:
        self.ahead = 0.0
        self._clock = clock
        self._moved = moved
        self._rumour: float | None = None

    def __call__(self) -> float:
        """Give the time in the cloud, in seconds since the epoch."""
        return self._clock() - self.ahead

    def note(self, date: str, asked: float, answered: float) -> None:
        """An answer has come with this date; both times are ours. A difference is believed when two say it in a row."""
        there = read_date(date)
        if there is None or not 0 <= answered - asked <= PROMPT:
            return
        ahead = (asked + answered) / 2 - (there + 0.5)
        if abs(ahead) <= NEAR:
            ahead = 0.0
        if abs(ahead - self.ahead) <= NEAR:
            self._rumour = None
        elif self._rumour is None or abs(ahead - self._rumour) > NEAR:
            self._rumour = ahead
        else:
            self._rumour = None
            self.ahead = ahead
            self._say()
            self._moved()

    def _say(self) -> None:
        if self.ahead:
            way = "ahead of" if self.ahead > 0 else "behind"
            _log.warning(
                "our clock is %.0f s %s the cloud's, which is allowed for: is one of them wrong?", abs(self.ahead), way
            )
        else:
            _log.info("our clock is right again by the cloud's")
