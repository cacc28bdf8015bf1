"""What an agent's event tells of the contact that he is given: it makes up for the contact's own, if that is lost."""

from __future__ import annotations

from typing import Final

from state_client.agent import state_of
from state_client.picture import NOT_RESPONDING, RESERVED
from state_client.rows import AgentEvent, TaskEvent
from state_client.task import NEW, OFFERED, PARKED, Task

HINTS: Final[dict[str, tuple[str, frozenset[str]]]] = {
    # the agent's state: the contact's event that goes with it, and the states in which that would be news
    RESERVED: ("task:connect", frozenset((NEW, PARKED))),
    "connected": ("task:connected", frozenset((NEW, PARKED, OFFERED))),
    NOT_RESPONDING: ("task:parked", frozenset((OFFERED,))),
}


def hint(event: AgentEvent, task: Task) -> TaskEvent | None:
    """The contact's event that an agent's event stands for; None where it says nothing new of the contact."""
    word = event.state.lower()
    told = HINTS.get(word if word in HINTS else state_of(event.state))
    if told is None or task.state not in told[1]:
        return None
    queue_id = event.queue_id or task.queue_id
    return TaskEvent(event.id, told[0], event.time, task.id, event.sent, queue_id, event.channel)
