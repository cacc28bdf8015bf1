"""A trunk in traffic: how many calls it carries, which of its targets answer, and which one is next.

The configuration of a trunk never changes (dialplan/trunk.py); here is what does. A reload makes a new LiveTrunk that
goes on counting where the old one was. It must not know of calls, only that one is sent, answered, failed or over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Final, Literal

from edge_router.admission.load import Load
from edge_router.b2bua.trunks.credentials import Credentials
from edge_router.b2bua.trunks.patience import silent_last
from edge_router.dialplan.health import TargetHealth
from edge_router.dialplan.hunting import Hunting, Located
from edge_router.dialplan.trunk import Limit, Login, Target, Trunk

State = Literal["up", "partial", "down"]
OUTBOUND: Final = 0
INBOUND: Final = 1
MOVED: Final = 2
"""How a leg counts on its trunk: as a call to it, as one from it; or another leg does so for it."""

_log = logging.getLogger(__name__)


class LiveTrunk:
    """A trunk's counts, the health of its targets and the order to try them in.

    `up`, `calls`, `cps` and `sent(60)` are what a rule reads as `trunk("name")`. `clock` gives the same seconds that
    are passed as `now`. `targets` are where its calls can go, up or down, `registrars` where it is registered, in their
    order; `registered` says whether it is, and `unregistered` why not. `credentials` are what it shows, None where it
    has none.
    """

    __slots__ = (
        "_both",
        "_clock",
        "_health",
        "_hunting",
        "_inbound",
        "_known",
        "_located",
        "_outbound",
        "_rng",
        "_trouble",
        "credentials",
        "name",
        "registered",
        "registrars",
        "targets",
        "trunk",
        "unregistered",
    )

    def __init__(
        self, trunk: Trunk, clock: Callable[[], float], rng: Random | None = None, before: LiveTrunk | None = None
    ) -> None:
        self.name: Final = trunk.name
        self.trunk: Final = trunk
        self._clock: Final = clock
        self._rng: Final = rng or Random()
        self._hunting = Hunting(trunk.targets, trunk.hunt, self._rng)
        self.targets: Sequence[Target] = trunk.targets
        self._located: Mapping[str, Sequence[Located]] = {}
        self._trouble: Mapping[str, str] = {}
        self._inbound: Final[Load] = _load(trunk.inbound_limit, before._inbound if before else None)
        self._outbound: Final[Load] = _load(trunk.outbound_limit, before._outbound if before else None)
        self._both: Final[Load] = _load(trunk.limit, before._both if before else None)
        self._known: Mapping[str, TargetHealth] = before._health if before else {}
        self._health: dict[str, TargetHealth] = self._health_of_targets()
        if not trunk.has_names:
            self._known = {}
        self.credentials = _credentials(trunk.login, before)
        # Until a router has begun to register it is taken for registered, as it looks to who only asks what would be.
        self.registered: bool = (
            before.registered if before is not None and before.trunk.register == trunk.register else True
        )
        self.unregistered: str = before.unregistered if before is not None and not self.registered else ""
        registrar = trunk.register.registrar if trunk.register is not None else None
        self.registrars: Sequence[Target] = (registrar,) if registrar is not None and not registrar.named else ()

    def locate(self, located: Mapping[str, Sequence[Located]], trouble: Mapping[str, str]) -> bool:
        """Says where its targets that are names lead to now, by URI; True where that is elsewhere than before.

        ``trouble`` says of those with which something is wrong, what. Until this is called for the first time each name
        is taken for a target, which is how it looks to whoever only asks what would be done.
        """
        self._trouble = trouble
        targets: list[Target] = []
        for target in self.trunk.targets:
            targets += [each.target for each in located[target.uri]] if target.named else [target]
        if located == self._located and targets == list(self.targets):
            return False
        self._located = located
        self._known = {**self._known, **self._health}
        self.targets = targets
        self._hunting = Hunting(self.trunk.targets, self.trunk.hunt, self._rng, located)
        self._health = self._health_of_targets()
        self._known = {}
        return True

    def is_its_own(self, host: str) -> bool:
        """Whether one of its targets, or its registrar, is at this IP address."""
        for target in self.targets:
            if target.host == host:
                return True
        return any(registrar.host == host for registrar in self.registrars)

    def _health_of_targets(self) -> dict[str, TargetHealth]:
        return {target.label: self._health_of(self._known.get(target.label)) for target in self.targets}

    def _health_of(self, known: TargetHealth | None) -> TargetHealth:
        """A target's health by this trunk's keepalive, with what is known of it."""
        keepalive = self.trunk.keepalive
        health = known or TargetHealth()
        if keepalive is not None:
            health.change(keepalive.retries, up_after=keepalive.up_after)
        elif known is not None:
            health.change()
        return health

    def renew(self, trunk: Trunk) -> LiveTrunk:
        """This trunk under a new configuration: the counts go on, and so does the health of targets that stay.

        Calls in progress keep this one, which shares what it counts with the new one.
        """
        return LiveTrunk(trunk, self._clock, self._rng, before=self)

    # What rules read.

    @property
    def up(self) -> bool:
        """Whether any target is up, and where it wants to be registered with, that we are."""
        if not self.registered:
            return False
        now = self._clock()
        for health in self._health.values():  # noqa: SIM110, any() and a generator take twice as long
            if health.up(now):
                return True
        return False

    @property
    def state(self) -> State:
        """Whether all of its targets are up, some, or none; down where we should be registered and aren't."""
        if not self.registered:
            return "down"
        now = self._clock()
        up = [health.up(now) for health in self._health.values()]
        lost = any(not places for places in self._located.values())
        return "up" if all(up) and up and not lost else "partial" if any(up) else "down"

    def standing(self, now: float) -> Iterator[tuple[Target, bool, str]]:
        """Each target, whether it is up, and what is wrong with its name. One that leads nowhere stands for itself."""
        for target in self.trunk.targets:
            places = self._located.get(target.uri)
            trouble = self._trouble.get(target.uri, "")
            if places is None:
                yield target, self.target_up(target, now), trouble
            elif not places:
                yield target, False, trouble
            else:
                yield from ((each.target, self.target_up(each.target, now), trouble) for each in places)

    @property
    def calls(self) -> int:
        """Calls in progress, both ways."""
        return self._both.calls

    @property
    def cps(self) -> float:
        """Calls within the last second, both ways."""
        return self._both.cps(self._clock())

    def sent(self, seconds: int) -> int:
        """Calls sent there within the last seconds (at most 900), by whatever method."""
        return self._outbound.sent(seconds, self._clock())

    @property
    def sent_in_all(self) -> int:
        """Calls sent there since the start."""
        return self._outbound.total

    # What a call asks and tells. Reasons are "max_calls" and "max_cps".

    def admit_inbound(self, now: float, whatever: bool = False) -> str | None:
        """Counts a call that came from this trunk, or says which limit it would break; ``whatever``: no limit holds."""
        return _admit(self._inbound, self._both, now, whatever)

    def release_inbound(self) -> None:
        """A call that was admitted from this trunk is over."""
        self._inbound.release()
        self._both.release()

    def admit_outbound(self, now: float, whatever: bool = False) -> str | None:
        """Counts a call that goes to this trunk, or says which limit it would break; ``whatever``: no limit holds.

        One that is only redirected or referred there is counted too, and released at once.
        """
        return _admit(self._outbound, self._both, now, whatever)

    def full_outbound(self, now: float) -> str | None:
        """Which limit one more call to this trunk would break, or None. Counts nothing."""
        return self._outbound.full(now) or self._both.full(now)

    def release_outbound(self) -> None:
        """A call that was admitted to this trunk is over."""
        self._outbound.release()
        self._both.release()

    def counts(self) -> tuple[int, int]:
        """Calls in progress that came from this trunk, and that went to it."""
        return self._inbound.calls, self._outbound.calls

    def tidy(self, now: float) -> None:
        """In a quiet moment: forgets the times of calls that matter no more."""
        for load in (self._inbound, self._outbound, self._both):
            load.tidy(now)

    def targets_to_try(self, now: float) -> list[Target]:
        """The targets that are up, in the order to try them; may be empty."""
        health = self._health
        found = [target for target in self._hunting.order() if health[target.label].up(now)]
        return list(silent_last(found, self.health, now)) if self._located else found

    def peek(self, now: float) -> Sequence[Target]:
        """The targets that the next call would try, all of them where none is up; it is still that call's turn.

        Names stand for themselves where none leads anywhere: never is there none.
        """
        order = self._hunting.peek()
        return [target for target in order if self._health[target.label].up(now)] or order or self.trunk.targets

    def last_resort(self, now: float) -> Sequence[Target]:
        """All targets, those that are down too: for a call that has nowhere else to go."""
        found = self._hunting.order()
        return silent_last(found, self.health, now) if self._located else found

    def target_up(self, target: Target, now: float) -> bool:
        """Whether this target is up."""
        return self._health[target.label].up(now)

    def trying(self, target: Target, now: float) -> None:
        """A call is being sent to this target; after a time down, others wait for how that one fares."""
        health = self._health.get(target.label)
        if health is not None:  # else its name has come to lead elsewhere
            health.trying(now)

    def failed(self, target: Target, now: float, why: str = "no answer", silent: bool = False) -> None:
        """This target did not answer at all (``silent``), or in a way that is a failure: ``why`` says which."""
        health = self._health.get(target.label)
        if health is not None and health.failed(now, silent):
            _log.warning("trunk %s: target %s is down: %s", self.name, target.label, why)

    def succeeded(self, target: Target) -> None:
        """This target answered, and that was no failure."""
        health = self._health.get(target.label)
        if health is not None and health.succeeded():
            _log.warning("trunk %s: target %s is up again", self.name, target.label)

    def health(self, target: Target) -> TargetHealth:
        """How this target, which is one of ``targets``, is doing."""
        return self._health[target.label]

    def hold(self, target: Target, seconds: float, now: float) -> None:
        """This target asked for quiet for so long (Retry-After)."""
        health = self._health.get(target.label)
        if health is not None:
            health.hold(seconds, now)


def _credentials(login: Login | None, before: LiveTrunk | None) -> Credentials | None:
    """Those of before go on where nothing of them has changed."""
    if login is None:
        return None
    known = before.credentials if before is not None else None
    return known if known is not None and known.login == login else Credentials(login)


def _load(limit: Limit, before: Load | None) -> Load:
    return Load(limit.max_calls, limit.max_cps, before)


def _admit(one_way: Load, both: Load, now: float, whatever: bool) -> str | None:
    reason = None if whatever else one_way.full(now) or both.full(now)
    if reason is None:
        one_way.take(now)
        both.take(now)
    return reason
