"""Rules that fail at a call are told of, but not at every call: a broken rule must not fill the log."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edge_router.policy.decision import shown

OnError = Callable[[str, str, str, float], None]
"""Told of a rule that failed: policy, rule, what went wrong in words that can be logged, and the time in seconds."""


class ErrorLog:
    """Logs a rule that fails, once a minute for each, with how often it failed since it was last logged."""

    def __init__(self, logger: logging.Logger, every: float = 60.0) -> None:
        self._logger = logger
        self._every = every
        self._silent: dict[tuple[str, str], tuple[float, int]] = {}

    def __call__(self, policy: str, rule: str, message: str, now: float) -> None:
        """Log, or count."""
        key = policy, rule
        until, unsaid = self._silent.get(key, (now, 0))
        if now < until:
            self._silent[key] = until, unsaid + 1
            return
        self._silent[key] = now + self._every, 0
        more = f" ({unsaid} more times since)" if unsaid else ""
        self._logger.warning("policy %s: rule %s failed: %s%s", shown(policy), shown(rule), message, more)
