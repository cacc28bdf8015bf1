"""The script: how many there are of everything, how often and how long things happen.

Here live numbers. Nothing here knows what is done with them. Times are in seconds and, where something varies, are the
mean; shares are between 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

OFFICE_DAY = (
    *(0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.05, 0.2, 0.45, 0.75, 0.95, 1.05),
    *(1.0, 1.05, 1.0, 0.8, 0.55, 0.3, 0.12, 0.03, 0.02, 0.01, 0.01, 0.01),
)
"""Arrivals by hour of the day (UTC), as a share of the rate that `Script.load` gives."""

DURATIONS = frozenset(("menu", "patience", "ring", "rona_after", "handling", "wrapup", "pause", "swing_period"))


@dataclass(frozen=True, slots=True)
class Script:
    """What a world is like. The same script and start give the same events, to the byte.

    ``load`` is the share of their time that the agents would be busy if none was waiting and nobody gave up; 0 means
    that no call comes but those that are asked for. ``swing`` lets arrivals rise and fall by that share in every
    ``swing_period``. With ``shifts`` agents work eight hours from a start between 6 and 11 h UTC, else all the time.
    ``sessions`` × ``surge`` is how many voice contacts there may be at once; 0 sessions: no bound.
    """

    seed: int = 1
    queues: int = 6
    teams: int = 4
    agents: int = 40
    load: float = 1.0
    hours: tuple[float, ...] = (1.0,) * 24
    swing: float = 0.0
    swing_period: float = 300.0
    shifts: bool = False
    chat_every: int = 8  # one queue in so many is for chats; 0: none
    menu: float = 8.0
    patience: float = 180.0
    ring: float = 4.0
    rona_after: float = 18.0
    handling: float = 180.0
    wrapup: float = 20.0
    pause: float = 240.0
    gives_up_in_menu: float = 0.03
    callback: float = 0.2  # of those whose patience ends
    rona: float = 0.03
    hold: float = 0.15
    consult: float = 0.05
    conference: float = 0.02
    transfer: float = 0.05
    outdial: float = 0.02
    unanswered: float = 0.15  # of the calls that agents make
    rest: float = 0.08  # of the times that an agent could be available
    recorded: float = 0.3
    max_time_in_queue: int = 3600
    sessions: int = 0
    surge: float = 1.3

    def faster(self, speed: float) -> Script:
        """The same with everything ``speed`` times as fast: durations are shorter, so calls come more often."""
        return replace(self, **{name: getattr(self, name) / speed for name in DURATIONS})

    @property
    def busy(self) -> float:
        """Seconds that an agent is taken by one call, on average."""
        return self.ring + self.handling + self.wrapup
