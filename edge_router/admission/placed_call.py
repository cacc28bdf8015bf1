"""One call that was placed at the contact centre, and what is known of it since."""

from __future__ import annotations

from typing import Final

from edge_router.admission.lines import Place
from edge_router.admission.number_form import same

Way = tuple[str, str]
"""A policy, and a trunk or dial-peer by which it has sent calls."""

EARLY: Final = 5.0
"""Seconds by which a task may seem to be older than its call, or newer than its end: clocks differ."""


class PlacedCall:
    """A call, from when it was placed until neither leg nor task is left of it.

    ``fresh``: its task may still be about to show itself. ``ways``: the trunk and dial-peer that its policy sent it by.
    ``bridged``: its end will be told; ``over``: it was, at ``ended``. ``task`` is "" until it is seen; ``sure`` when it
    was known by correlation, and not by numbers. ``queued``: the task is in a queue, or beyond. ``in_unseen``,
    ``in_queues`` and ``in_tallies`` say where it is counted at present.
    """

    __slots__ = (
        "at",
        "bridged",
        "call_id",
        "destinations",
        "ended",
        "fresh",
        "in_queues",
        "in_tallies",
        "in_unseen",
        "origin",
        "over",
        "places",
        "queued",
        "queues",
        "sure",
        "task",
        "task_over",
        "ways",
    )

    def __init__(
        self,
        call_id: str,
        ways: tuple[Way, ...],
        queues: tuple[str, ...],
        bridged: bool,
        origin: str,
        destinations: tuple[str, ...],
        at: float,
    ) -> None:
        self.call_id = call_id
        self.ways = ways
        self.queues = queues
        self.bridged = bridged
        self.origin = origin
        self.destinations = destinations
        self.at = at
        self.ended = 0.0
        self.fresh = True
        self.over = False
        self.task = ""
        self.task_over = False
        self.queued = False
        self.sure = False
        self.in_queues = False
        self.in_tallies = False
        self.in_unseen = False
        self.places: tuple[Place, ...] = ()

    @property
    def needed(self) -> bool:
        """Whether anything can still be told of it: its task's beginning or end, or its own end."""
        if self.bridged and not self.over:
            return True
        return not self.task_over if self.task else self.fresh

    def may_be(self, origin: str, destination: str, time: float, expect_for: float) -> bool:
        """Whether a task of these numbers that began at that time may be this call's."""
        if not self.at - EARLY <= time <= self.at + expect_for or (self.over and time > self.ended + EARLY):
            return False
        return same(self.origin, origin) and any(same(each, destination) for each in self.destinations)
