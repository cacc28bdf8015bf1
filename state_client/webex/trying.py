"""What is done over and over: what of it fails now, in words, until it works again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from state_client.webex.errors import WebexError
from state_client.webex.secret import SecretError

SAY_AGAIN: Final = 300.0
"""Seconds after which the log has a fault again that lasts."""

_log = logging.getLogger(__name__)


class Trying:
    """Knows what fails. ``clock`` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._faults: dict[str, Exception | str] = {}
        self._said: dict[str, float] = {}

    def __contains__(self, what: str) -> bool:
        return what in self._faults

    @property
    def words(self) -> list[str]:
        """What fails. What several do that fails for one reason is one fault."""
        words: dict[object, str] = {}
        for fault in self._faults.values():
            if isinstance(fault, WebexError):
                words[fault.operation, fault.reason] = fault.lasting
            else:
                words[str(fault)] = str(fault)
        return list(words.values())

    async def once(self, what: str, doing: Awaitable[None]) -> bool:
        """Do something, and say why it failed, until it works again. Gives whether it worked."""
        try:
            await doing
        except (WebexError, SecretError, ValueError) as error:
            if what not in self._faults or self.news(what):
                _log.warning("%s: %s", what, error)
                self._said[what] = self._clock()
            self._faults[what] = error
            return False
        except Exception:
            _log.exception("%s failed", what)
            self._faults[what] = f"{what} failed; the log says why"
            return False
        if self._faults.pop(what, None) is not None:
            _log.info("%s works again", what)
        return True

    async def persistently(self, what: str, do: Callable[[], Awaitable[None]], pause: float) -> None:
        """Try something until it is done, with ``pause`` seconds between."""
        while True:
            if await self.once(what, do()):
                return
            await asyncio.sleep(pause)

    def news(self, what: str) -> bool:
        """Whether the log hasn't had it for a while; then it is said to have it now."""
        now = self._clock()
        if now - self._said.get(what, 0.0) < SAY_AGAIN:
            return False
        self._said[what] = now
        return True
