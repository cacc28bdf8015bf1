"""OPTIONS to the targets of trunks (RFC 3261 §11), to know which of them are there before a call has to find out.

Each target of a trunk with `keepalive` has a Probe. It asks in a client transaction of ours, waits no longer than until
it asks again, and tells the trunk what came of it; the trunk's health says what that makes of the target. Probes are
spread over their interval, so that a router with many targets asks a few at a time. A target that wants quiet
(Retry-After) isn't asked either. Must not know: calls.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.capabilities import abilities_outside
from edge_router.b2bua.messages.causes import retry_after
from edge_router.b2bua.messages.screening import MAX_FORWARDS
from edge_router.b2bua.trunks.credentials import sent_again, shown_to
from edge_router.b2bua.trunks.leaving import leaving_by
from edge_router.sip.timers import GIVE_UP, TICK
from edge_router.sip.tokens import new_branch, new_token

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_router.b2bua.trunks.endpoint import Endpoint
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.trunk import Keepalive, Target
    from edge_router.net.listener import Listener
    from edge_router.sip.message import Response
    from edge_router.sip.transaction import ClientTransaction

_ASK: Final = "ask"
_SPREAD: Final = 0.618034  # of an interval from one probe's first request to the next one's: no two come together


class Probe:
    """Asks one target, again and again, until it is stopped."""

    __slots__ = ("_asked", "_began", "_due", "_endpoint", "_stopped", "_target", "_trunk")

    def __init__(self, endpoint: Endpoint, trunk: LiveTrunk, target: Target, delay: float) -> None:
        self._endpoint = endpoint
        self._trunk = trunk
        self._target = target
        self._asked: ClientTransaction | None = None
        self._began = 0.0
        self._due = inf
        self._stopped = False
        self._ask_in(delay)

    @property
    def trunk_name(self) -> str:
        """The trunk whose target it asks."""
        return self._trunk.name

    def follow(self, trunk: LiveTrunk, target: Target) -> None:
        """Goes on by what the trunk says now; it asks sooner where it is to ask more often."""
        self._trunk, self._target = trunk, target
        now = self._endpoint.wheel.now
        if self._asked is None and now + self._pace < self._due:
            self._ask_in(self._pace)

    def stop(self) -> None:
        """Asks no more, and waits for no answer."""
        self._stopped = True
        if self._asked is not None:
            self._endpoint.transactions.remove(self._asked)
            self._asked = None

    def expire(self, timer: str, now: float) -> None:
        """It may be time to ask (TimerOwner); a timer that was started for another time has no effect."""
        if self._stopped or now + TICK < self._due:
            return
        held = self._trunk.health(self._target).held_for(now)
        if held > 0:
            self._ask_in(held)
        else:
            self._ask()

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """A response to our OPTIONS (ClientUser)."""
        if response.code < 200 or transaction is not self._asked:
            return
        trunk, target, now = self._trunk, self._target, self._endpoint.wheel.now
        if transaction.challenged:
            again = sent_again(self._endpoint, trunk, transaction, response, self)
            if again is not None:
                self._wait_for(again)
                return
        if self._keepalive.fail_on.has(response.code):
            trunk.failed(target, now, f"{response.code} to OPTIONS")
        else:
            trunk.succeeded(target)
        if response.code == 503:
            trunk.hold(target, retry_after(response), now)
        self._over()

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No answer in time, or our OPTIONS could not be sent (ClientUser)."""
        if transaction is self._asked:
            if self._keepalive.fail_on.has(None):
                self._trunk.failed(self._target, self._endpoint.wheel.now, "no answer to OPTIONS", silent=True)
            self._over()

    def _ask_in(self, delay: float) -> None:
        self._due = self._endpoint.wheel.now + delay
        self._endpoint.wheel.start(delay, self, _ASK)

    def _ask(self) -> None:
        endpoint, target = self._endpoint, self._target
        listener = _listener_to(endpoint, self._trunk, target)
        branch = new_branch()
        self._began, self._due = endpoint.wheel.now, inf
        endpoint.observer.request("out", "OPTIONS", self._trunk.name)
        message = _options(self._trunk, listener, target, branch)
        self._wait_for(endpoint.transactions.send("OPTIONS", branch, message, listener, target.address, self))

    def _wait_for(self, asked: ClientTransaction) -> None:
        self._asked = asked
        # Timer F of RFC 3261 is longer than most intervals. One that is early ends the transaction just as well.
        self._endpoint.wheel.start(min(self._pace, GIVE_UP), asked, "Timer F")

    def _over(self) -> None:
        self._asked = None
        self._ask_in(max(self._began + self._pace - self._endpoint.wheel.now, 0.0))

    @property
    def _keepalive(self) -> Keepalive:
        keepalive = self._trunk.trunk.keepalive
        assert keepalive is not None  # else it would have been stopped
        return keepalive

    @property
    def _pace(self) -> float:
        """Seconds from one request to the next: where there is doubt, the shorter."""
        keepalive, health = self._keepalive, self._trunk.health(self._target)
        if health.down:
            return keepalive.down_interval
        return min(keepalive.interval, keepalive.down_interval) if health.failing else keepalive.interval


class Keepalives:
    """The probes of a router, one for each target that is to be asked."""

    __slots__ = ("_begun", "_endpoint", "_probes", "_stopped")

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._probes: dict[tuple[str, str], Probe] = {}
        self._begun = 0
        self._stopped = False

    def follow(self, trunks: Iterable[LiveTrunk]) -> None:
        """Asks the targets that these trunks have now, and no others; those that stay go on as they were."""
        if self._stopped:
            return
        before, self._probes = self._probes, {}
        for trunk in trunks:
            keepalive = trunk.trunk.keepalive
            if keepalive is None:
                continue
            for target in trunk.targets:
                key = trunk.name, target.label
                probe = before.pop(key, None)
                if probe is None:
                    self._begun += 1
                    probe = Probe(self._endpoint, trunk, target, self._begun * _SPREAD % 1 * keepalive.interval)
                else:
                    probe.follow(trunk, target)
                self._probes[key] = probe
        for probe in before.values():
            probe.stop()

    def stop(self) -> None:
        """Asks nobody any more, whatever comes."""
        self.follow(())
        self._stopped = True


def _listener_to(endpoint: Endpoint, trunk: LiveTrunk, target: Target) -> Listener:
    """The trunk's listener, else the first from which the target can be reached."""
    return leaving_by(endpoint.listeners, trunk.trunk, target, next(iter(endpoint.listeners.values())))


def _options(trunk: LiveTrunk, listener: Listener, target: Target, branch: str) -> bytes:
    scheme = "sips" if target.secure else "sip"
    uri = f"{scheme}:{target.place}{target.params}"
    contact = f"<sips:{listener.advertised}>" if target.secure else listener.contact
    return (
        f"OPTIONS {uri} SIP/2.0\r\nVia: {listener.via}{branch}\r\nMax-Forwards: {MAX_FORWARDS}\r\n"
        f"From: <sip:{listener.advertised}>;tag={new_token()}\r\nTo: <{uri}>\r\n"
        f"Call-ID: {new_token()}@{listener.advertised_host}\r\nCSeq: 1 OPTIONS\r\nContact: {contact}\r\n"
        f"{shown_to(trunk, target.host, 'OPTIONS', uri)}{abilities_outside(trunk.trunk)}Content-Length: 0\r\n\r\n"
    ).encode()
