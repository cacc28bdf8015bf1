"""What the cloud posts to a webhook, read into our own events.

Here lives the cloud's envelope (CloudEvents 1.0, JSON, structured mode) and the fields of its data. Nothing here knows
whether an event is genuine, or what it changes. Whatever is posted gives an event or BadEvent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import orjson

from state_client.rows import AgentEvent, TaskEvent

TASK_TYPES: Final = frozenset(
    {
        "task:new",
        "task:parked",
        "task:connect",
        "task:connected",
        "task:on-hold",
        "task:hold-done",
        "task:consulting",
        "task:consult-done",
        "task:conferencing",
        "task:conference-done",
        "task:conference-transferred",
        "task:ended",
        "task:failed",
        "task:origin-updated",
        "capture:available",
    }
)
AGENT_TYPES: Final = frozenset(
    {
        "agent:login",
        "agent:logout",
        "agent:state_change",
        "agent:channel_state_change",
        "agent:channelType_state_change",
    }
)
KNOWN_TYPES: Final = TASK_TYPES | AGENT_TYPES | {"task-message:appended", "task-message:append-failed"}

LONGEST_ID: Final = 128
LONGEST_TEXT: Final = 256
"""Characters that are kept of any other text: origins and reasons are as long as a caller likes."""
LATEST_MS: Final = 253_402_300_799_999
"""The end of the year 9999, in milliseconds: what is later is no time."""


class BadEvent(Exception):
    """This is no event; its text says why, and holds nothing that was posted."""


@dataclass(frozen=True, slots=True)
class Other:
    """An event of a type that says nothing of queues, agents or interactions."""

    id: str
    type: str


Event = TaskEvent | AgentEvent | Other


class Envelope:
    """What surrounds every event.

    ``sent_ms`` is when the cloud sent it, 0 where it doesn't say; ``data`` is as it came;
    ``subscription_id`` is whom the event claims to be for: it says which secret must have signed it.
    """

    __slots__ = ("data", "id", "sent_ms", "subscription_id", "type")

    def __init__(self, id: str, type: str, subscription_id: str, sent_ms: int, data: Any) -> None:
        self.id = id
        self.type = type
        self.subscription_id = subscription_id
        self.sent_ms = sent_ms
        self.data = data

    def event(self) -> Event:
        """What happened; raises BadEvent where the data lacks what such an event must say."""
        if self.type in TASK_TYPES:
            return _task_event(self)
        if self.type in AGENT_TYPES:
            return _agent_event(self)
        return Other(self.id, self.type)


def read_event(body: bytes) -> Event:
    """The event in a request's body; raises BadEvent."""
    return read_envelope(body).event()


def read_envelope(body: bytes) -> Envelope:
    """What surrounds the event in a request's body; raises BadEvent."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as fault:
        raise BadEvent("the body is not JSON") from fault
    if not isinstance(content, dict):
        raise BadEvent("the body is not a JSON object")
    return Envelope(
        id=_identifier(content, "id"),
        type=_identifier(content, "type"),
        subscription_id=_text(content, "source").rpartition("/")[2],
        sent_ms=_milliseconds(content.get("comciscotimestamp")),
        data=content.get("data"),
    )


def _task_event(envelope: Envelope) -> TaskEvent:
    data = _data(envelope)
    return TaskEvent(
        id=envelope.id,
        type=envelope.type,
        time=_time(data, envelope),
        task_id=_identifier(data, "taskId"),
        sent=envelope.sent_ms / 1000,
        queue_id=_reference(data, "queueId"),
        channel=_text(data, "channelType").lower(),
        direction=_text(data, "direction").lower(),
        origin=_text(data, "origin"),
        destination=_text(data, "destination"),
        outbound_type=_text(data, "outboundType"),
        reason=_text(data, "reason"),
        terminating_party=_text(data, "terminatingParty"),
    )


def _agent_event(envelope: Envelope) -> AgentEvent:
    data = _data(envelope)
    return AgentEvent(
        id=envelope.id,
        type=envelope.type,
        time=_time(data, envelope),
        agent_id=_identifier(data, "agentId"),
        sent=envelope.sent_ms / 1000,
        team_id=_reference(data, "teamId"),
        channel=_text(data, "channelType").lower(),
        state=_text(data, "currentState"),
        task_id=_reference(data, "taskId"),
        queue_id=_reference(data, "queueId"),
        idle_code=_text(data, "idleCodeName") or _text(data, "idleCodeId"),
        pending_idle=data.get("pendingIdleState") is True,
    )


def _data(envelope: Envelope) -> dict[str, Any]:
    if not isinstance(envelope.data, dict):
        raise BadEvent("data is missing, or no object")
    return envelope.data


def _time(data: dict[str, Any], envelope: Envelope) -> float:
    """When it happened, in seconds: ``createdTime`` is this event's, not the interaction's."""
    milliseconds = _milliseconds(data.get("createdTime")) or envelope.sent_ms
    if not milliseconds:
        raise BadEvent("neither data.createdTime nor comciscotimestamp says when it happened")
    return milliseconds / 1000


def _identifier(holder: dict[str, Any], key: str) -> str:
    """An identifier that must be there."""
    value = _reference(holder, key)
    if not value:
        raise BadEvent(f"{key} is missing, or no text")
    return value


def _reference(holder: dict[str, Any], key: str) -> str:
    """An identifier, "" where there is none. One that is too long can't be cut: it would name something else."""
    value = holder.get(key)
    if not isinstance(value, str):
        return ""
    if len(value) > LONGEST_ID:
        raise BadEvent(f"{key} is longer than {LONGEST_ID} characters")
    return value


def _text(holder: dict[str, Any], key: str) -> str:
    """A text, "" where there is none."""
    value = holder.get(key)
    return value[:LONGEST_TEXT] if isinstance(value, str) else ""


def _milliseconds(value: object) -> int:
    """A time since the epoch, 0 where there is none. It comes as a number or as a text of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(LATEST_MS)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LATEST_MS:
        return 0
    return int(value)
