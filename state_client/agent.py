"""An agent: his state on each channel, out of the several vocabularies that the contact centre has for it.

Version 1 of its events names what happens in a call (``connected``, ``consult-done``) and no channel. Version 2 says
the same by channel, and besides, in capitals, whether the agent can take a contact (``EngagedOther``).
"""

from __future__ import annotations

from typing import Final

from state_client.order import APPLIED, IGNORED, LATE, Order
from state_client.picture import AVAILABLE, ENGAGED, IDLE, NOT_RESPONDING, RESERVED, TELEPHONY, WRAPUP
from state_client.rows import AgentEvent

SIGNED_OFF: Final = "signed_off"
DONE: Final = "done"
"""Not a state: back to what was before."""
WRAPPED: Final = "wrapped"
"""Not a state: the agent is available again, or idle if he asked for that."""

WORDS: Final[dict[str, str]] = {
    "available": AVAILABLE,
    "idle": IDLE,
    "ringing": RESERVED,
    "reserved": RESERVED,
    "notresponding": NOT_RESPONDING,
    "connected": ENGAGED,
    "engaged": ENGAGED,
    "engagedother": ENGAGED,
    "onhold": ENGAGED,
    "holddone": ENGAGED,
    "consulting": ENGAGED,
    "conferencing": ENGAGED,
    "consultdone": DONE,
    "conferencedone": DONE,
    "wrapup": WRAPUP,
    "wrapupdone": WRAPPED,
    "login": IDLE,
    "loggedin": IDLE,
    "logout": SIGNED_OFF,
    "loggedout": SIGNED_OFF,
}
"""The cloud's words, small and without marks, and our states."""

LOGIN: Final = "agent:login"
LOGOUT: Final = "agent:logout"
EVENTS: Final = frozenset(
    (LOGIN, LOGOUT, "agent:state_change", "agent:channel_state_change", "agent:channelType_state_change")
)
RANKS: Final[dict[str, int]] = {
    DONE: 1,  # what an agent goes back to is said by an event of its own, if he goes anywhere else
    WRAPPED: 1,
    WRAPUP: 2,
    IDLE: 3,
    NOT_RESPONDING: 4,  # finer than what he can take, which is called idle
    AVAILABLE: 5,
    RESERVED: 6,  # who gets free is often offered the next call in the same millisecond
    ENGAGED: 7,
    SIGNED_OFF: 8,
}
"""The rank of states among events of the same millisecond. Signing on has 0: who does is idle until more is said."""

_WHOLE_VIEW: Final = "agent:channelType_state_change"

_WORD_OF: Final[dict[str, str]] = {}  # words as they came, once looked up
_WORDS_KEPT: Final = 1000


def state_of(word: str) -> str:
    """Our state for a word of the cloud's, or DONE or WRAPPED; "" for a word that we don't know."""
    known = _WORD_OF.get(word)
    if known is None:
        known = WORDS.get("".join(one for one in word.lower() if one.isalnum()), "")
        if len(_WORD_OF) < _WORDS_KEPT:
            _WORD_OF[word] = known
    return known


class Channel:
    """What an agent does on one channel. ``heard`` is when the last event that counted came in."""

    __slots__ = ("_before", "_whole", "heard", "idle_code", "order", "state", "task_id")

    def __init__(self) -> None:
        self.state: str = SIGNED_OFF
        self.order = Order()
        self.heard = 0.0
        self.idle_code = ""
        self.task_id = ""
        self._before = ""
        self._whole = False

    @property
    def since(self) -> float:
        """When this state began."""
        return self.order.time

    def take(self, event: AgentEvent, now: float) -> str:
        """Apply an event. Gives what became of it: APPLIED, LATE or IGNORED."""
        told = self._told(event)
        if not told:
            return IGNORED
        rank = 0 if event.type == LOGIN else RANKS[told]
        if not self.order.admits(event.time, event.sent, rank):
            return LATE
        if told == DONE:
            told = self._before or ENGAGED
        elif told == WRAPPED:
            told = IDLE if event.pending_idle else AVAILABLE
        elif told == IDLE and event.type == _WHOLE_VIEW and self.state == NOT_RESPONDING:
            told = NOT_RESPONDING
        elif told == ENGAGED and self.state != ENGAGED:
            self._before = self.state if self.state in (AVAILABLE, IDLE, WRAPUP) else ""
        self._whole = self._whole or event.type == _WHOLE_VIEW
        self.order.note_event(event.time, event.sent, rank)
        self.heard = now
        self.state = told
        self.idle_code = event.idle_code if told == IDLE else ""
        self.task_id = event.task_id if told in (RESERVED, ENGAGED, WRAPUP) else ""
        return APPLIED

    def _told(self, event: AgentEvent) -> str:
        """The state that an event tells; "" if nothing that we need."""
        if event.type == LOGOUT:
            return SIGNED_OFF
        if event.type == LOGIN:
            return IDLE
        if event.type not in EVENTS:
            return ""
        told = state_of(event.state)
        # Where the cloud also sends whether the agent can take a contact, that says what follows a call.
        return "" if self._whole and told in (DONE, WRAPPED) else told


class Agent:
    """One agent. ``channels`` holds those that he is or was signed on for, and when he last left each."""

    __slots__ = ("channels", "id", "name", "signed_off_at", "team_id", "team_time")

    def __init__(self, id: str) -> None:
        self.id = id
        self.name = ""
        self.team_id = ""
        self.team_time = 0.0
        self.signed_off_at = 0.0
        self.channels: dict[str, Channel] = {}

    @property
    def signed_on(self) -> bool:
        """Whether he is signed on for any channel."""
        return any(channel.state != SIGNED_OFF for channel in self.channels.values())

    def state(self, channel: str = TELEPHONY) -> str:
        """His state on a channel."""
        found = self.channels.get(channel)
        return found.state if found is not None else SIGNED_OFF

    def channel(self, name: str) -> Channel:
        """The channel of that name, which is made where it isn't known. A logout counts for new ones, too."""
        found = self.channels.get(name)
        if found is None:
            found = self.channels[name] = Channel()
            found.order.note_event(self.signed_off_at, 0.0, RANKS[SIGNED_OFF])
        return found

    def join(self, team_id: str, time: float) -> bool:
        """Say which team he is in as of that time. Gives whether that is news."""
        if not team_id or time < self.team_time:
            return False
        self.team_time = time
        if team_id == self.team_id:
            return False
        self.team_id = team_id
        return True
