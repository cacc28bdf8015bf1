"""What a contact centre says of itself, in our words: events, and the rows of its lists and searches.

Here live shapes and nothing else. Times are seconds since the epoch, identifiers are opaque text, "" is what isn't
known. Whoever reads a cloud's own form makes these; whoever keeps state takes them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Something happened to an interaction.

    ``type`` is the cloud's word (``task:parked``), ``time`` when it happened, ``sent`` when the cloud sent it (0 if it
    didn't say). ``channel`` and ``direction`` are lower case.
    """

    id: str
    type: str
    time: float
    task_id: str
    sent: float = 0.0
    queue_id: str = ""
    channel: str = ""
    direction: str = ""
    origin: str = ""
    destination: str = ""
    outbound_type: str = ""
    reason: str = ""
    terminating_party: str = ""


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """Something happened to an agent. ``state`` is the cloud's word as it came; ``channel`` is lower case."""

    id: str
    type: str
    time: float
    agent_id: str
    sent: float = 0.0
    team_id: str = ""
    channel: str = ""
    state: str = ""
    task_id: str = ""
    queue_id: str = ""
    idle_code: str = ""
    pending_idle: bool = False


@dataclass(frozen=True, slots=True)
class TaskRow:
    """An interaction as a search shows it. ``active_at`` is when the cloud last touched the record.

    ``call`` is what its call is called outside, where the flow has kept that.
    """

    id: str
    status: str
    queue_id: str = ""
    queue_name: str = ""
    team_id: str = ""
    agent_id: str = ""
    channel: str = ""
    direction: str = ""
    origin: str = ""
    destination: str = ""
    created: float = 0.0
    active_at: float = 0.0
    active: bool = True
    callback: bool = False
    call: str = ""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One channel of a signed-on agent as a search or a list of activities shows it; ``since`` is when it began."""

    agent_id: str
    state: str
    channel: str = "telephony"
    name: str = ""
    team_id: str = ""
    team_name: str = ""
    since: float = 0.0
    idle_code: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue as it is configured. ``team_ids`` are those of its distribution groups, None where they aren't known.

    ``type`` and ``channel`` are upper case (INBOUND, TELEPHONY). ``max_time`` is in seconds, 0 if unknown.
    """

    id: str
    name: str
    type: str = "INBOUND"
    channel: str = "TELEPHONY"
    max_time: float = 0.0
    team_ids: tuple[str, ...] | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class TeamRow:
    """A team as it is configured."""

    id: str
    name: str
    active: bool = True
