"""How long a call waits for addresses of one name that say nothing.

A name may have 32 addresses (net/names.py), and each that is dead takes a connect_timeout: with all of them a call
would hang for a minute before its next destination. RFC 3263 §4.3 goes from one to the next and leaves open when it is
enough. Lives here: that a call waits for a few of one name alone, and that those which said nothing lately come behind
its others, so that the next call begins where this one has stopped. A target that is an address is one for itself, and
whoever has written it wants it tried.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

from edge_router.dialplan.health import TargetHealth

if TYPE_CHECKING:
    from edge_router.dialplan.trunk import Target, Trunk

MOST_WAITS: Final = 3
"""Addresses of one name that a call waits for in vain, one after another; then it goes on elsewhere."""


class Patience:
    """How many addresses of each name a call has waited for in vain, at one trunk."""

    __slots__ = ("_waits",)

    def __init__(self) -> None:
        self._waits: dict[str, int] = {}

    def is_over(self, target: Target) -> bool:
        """Whether enough addresses of its name have been waited for."""
        return self._waits.get(target.uri, 0) >= MOST_WAITS

    def lose(self, target: Target) -> None:
        """One more was waited for in vain."""
        self._waits[target.uri] = self._waits.get(target.uri, 0) + 1


def after(code: int | None, patience: Patience | None, trunk: Trunk, target: Target, seconds: float) -> Patience | None:
    """What is left of it after a target has failed in so long; None is all that there is at the beginning.

    An answer, which has a ``code``, costs none, nor does what fails at once, as a connection that is refused.
    """
    if code is not None or seconds < trunk.connect_timeout / 2:
        return patience
    patience = patience or Patience()
    patience.lose(target)
    return patience


def why_left_out(target: Target) -> str:
    """Say why there was no patience left for a target."""
    return f"{MOST_WAITS} addresses of {target.place} said nothing"


def silent_last(targets: Sequence[Target], health_of: Callable[[Target], TargetHealth], now: float) -> Sequence[Target]:
    """The addresses of each name with those last that said nothing, but for one whose turn it is to be tried again."""
    for target in targets:
        if target.named and health_of(target).silent:
            break
    else:
        return targets
    found: list[Target] = []
    for _, group in groupby(targets, _uri):
        addresses = list(group)
        silent = sorted((one for one in addresses if health_of(one).silent), key=lambda one: health_of(one).silent_at)
        put_off = silent[1:] if silent and health_of(silent[0]).may_be_asked(now) else silent
        found += [one for one in addresses if one not in put_off]
        found += put_off
    return found


def _uri(target: Target) -> str:
    return target.uri
