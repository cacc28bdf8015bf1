"""The truth: what is so at this moment, which the cloud itself shows later, or never."""

from __future__ import annotations

from dataclasses import dataclass

STATES = {
    "available": "available",
    "idle": "idle",
    "ringing": "reserved",
    "wrapup": "wrapup",
    "not-responding": "not_responding",
}
"""An agent's state in this project's words, by the cloud's; every other state of one who is signed on is engaged."""


@dataclass(frozen=True, slots=True)
class QueueTruth:
    """A queue. Waits are in seconds. ``callbacks`` hung up and are to be called back: they aren't in ``length``."""

    id: str
    name: str
    channel: str
    length: int
    longest_wait: float
    total_wait: float
    callbacks: int
    agents_available: int
    agents_signed_on: int


@dataclass(frozen=True, slots=True)
class TeamTruth:
    """A team: how many of its agents are in which state, telephony's where they serve several channels."""

    id: str
    name: str
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything at the time ``at``, by id. ``tasks`` has the status of every interaction in progress."""

    at: float
    queues: dict[str, QueueTruth]
    teams: dict[str, TeamTruth]
    tasks: dict[str, str]
    voice: int
    refused: int
