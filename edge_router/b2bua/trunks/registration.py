"""REGISTER for the trunks that want to be told where we are (RFC 3261 §10.2), and what it makes of them.

Each trunk with `register` has a Registration. It binds our Contact to the address of record, renews that at half its
life, waits longer after each failure (RFC 5626 §4.5), and takes it back when the router stops. The trunk is up only
while the binding stands: a refusal ends it at once, silence when it runs out. Over TCP and TLS empty lines keep the
connection open (RFC 5626 §4.4.1). Must not know: calls. Service-Route and Path aren't spoken.
"""

from __future__ import annotations

import logging
from math import inf
from random import uniform
from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.causes import retry_after
from edge_router.b2bua.messages.screening import MAX_FORWARDS
from edge_router.b2bua.trunks.credentials import number_of, sent_again, shown_to
from edge_router.b2bua.trunks.leaving import leaving_by
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import param, parse_name_addr, split_list
from edge_router.sip.timers import GIVE_UP, TICK
from edge_router.sip.tokens import new_branch, new_token
from edge_router.sip.uri import BadUri, SipUri, parse_uri

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_router.b2bua.trunks.endpoint import Endpoint
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.trunk import Register, Target
    from edge_router.net.listener import Listener
    from edge_router.sip.message import Response
    from edge_router.sip.transaction import ClientTransaction

BASE: Final = 30.0
LONGEST: Final = 1_800.0
"""Seconds to wait after failures: twice the first for each in a row, the second at most (RFC 5626 §4.5)."""
PING_EVERY: Final = 120.0  # RFC 5626 §4.4.1, of which 80 to 100 % are waited
_PING: Final = b"\r\n\r\n"
_MOST_EXPIRES: Final = 86_400  # seconds; a registrar that wants longer ones is beyond reason
_MOST_CONTACTS: Final = 100
_MOST_LONGER: Final = 2  # times that a registrar may want it longer at once, before it is waited as after any failure
_SOONEST: Final = 0.5  # seconds to the next REGISTER, however short the life that the registrar gives
_LOOK: Final = "look"
_log = logging.getLogger(__name__)


class Registration:
    """Keeps one trunk registered, until it is stopped. ``registered`` says whether the binding stands."""

    __slots__ = (
        "_asked",
        "_call_id",
        "_contact",
        "_due",
        "_endpoint",
        "_failures",
        "_leaving",
        "_next_look",
        "_number",
        "_ping_at",
        "_place",
        "_raised",
        "_register",
        "_tag",
        "_tried",
        "_trunk",
        "_turn",
        "_until",
        "_wanted",
        "_why",
        "registered",
    )

    def __init__(self, endpoint: Endpoint, trunk: LiveTrunk, register: Register) -> None:
        self._endpoint = endpoint
        self._trunk = trunk
        self._register = register
        self._asked: ClientTransaction | None = None
        self._call_id = new_token()  # one for all of them, so that their order can be told (§10.2.4)
        self._tag = new_token()
        self._number = 0
        self._contact = ""
        self._wanted = int(register.expires)
        self._until = 0.0
        self._failures = self._tried = self._raised = self._turn = 0
        self._place: tuple[Listener, Target] | None = None
        self._leaving = False
        self._due = self._next_look = self._ping_at = inf
        self.registered = False
        self._tell("not yet")
        self._ask_in(0.0)

    @property
    def trunk_name(self) -> str:
        """The trunk that it registers with."""
        return self._trunk.name

    def follow(self, trunk: LiveTrunk) -> None:
        """Goes on for the trunk as it is now; at once where it is known only now where its registrar is."""
        self._trunk = trunk
        self._tell(self._why)
        if trunk.registrars and self._place is None and self._asked is None:
            self._failures = 0
            self._ask_in(0.0)

    def goes_on_for(self, trunk: LiveTrunk) -> bool:
        """Whether this is what a trunk wants now."""
        return trunk.trunk.register == self._register and trunk.trunk.listen == self._trunk.trunk.listen

    def leave(self) -> None:
        """Takes the binding back, if there may be one (§10.2.2), and asks no more."""
        if self._leaving:
            return
        self._leaving = True
        bound = self._asked is not None or self._until > self._endpoint.wheel.now
        if self._asked is not None:
            self._endpoint.transactions.remove(self._asked)
            self._asked = None
        self._due = self._ping_at = inf
        self.registered = False
        self._tell("unregistered")
        if bound and self._place is not None:
            self._send(*self._place, 0)

    # Time

    def expire(self, timer: str, now: float) -> None:
        """Something may be due (TimerOwner); a timer that was started for another time has no effect."""
        if self._leaving or now + TICK < self._next_look:
            return
        self._next_look = inf
        now += TICK
        if self.registered and now >= self._until:
            self._lose("the registration has run out")
        if now >= self._due:
            self._due = inf
            self._ask()
        elif now >= self._ping_at:
            self._ping()
        self._look_again()

    def _ask_in(self, delay: float) -> None:
        self._due = self._endpoint.wheel.now + delay
        self._look_again()

    def _look_again(self) -> None:
        """Starts a timer for what is due next; none is longer than a transaction lasts, since none can be stopped."""
        now = self._endpoint.wheel.now
        next_look = min(self._due, self._ping_at, self._until if self.registered else inf, now + GIVE_UP)
        if next_look < self._next_look:
            self._next_look = next_look
            self._endpoint.wheel.start(max(next_look - now, 0.0), self, _LOOK)

    # REGISTER

    def _ask(self) -> None:
        trunk, endpoint = self._trunk, self._endpoint
        if not trunk.registrars:
            self._place = None
            self._failed("the registrar's name leads nowhere")
            return
        target = trunk.registrars[self._turn % len(trunk.registrars)]
        listener = leaving_by(endpoint.listeners, trunk.trunk, target, next(iter(endpoint.listeners.values())))
        self._place = listener, target
        self._send(listener, target, self._wanted)

    def _send(self, listener: Listener, target: Target, expires: int) -> None:
        register, branch = self._register, new_branch()
        scheme = "sips" if target.secure else "sip"
        uri = f"{scheme}:{target.place}{target.params}"
        own = f"<sips:{listener.advertised}>" if target.secure else listener.contact
        self._contact = own.replace(":", f":{register.contact_user}@", 1)
        self._number += 1
        self._endpoint.observer.request("out", "REGISTER", self._trunk.name)
        message = (
            f"REGISTER {uri} SIP/2.0\r\nVia: {listener.via}{branch}\r\nMax-Forwards: {MAX_FORWARDS}\r\n"
            f"From: <{register.aor}>;tag={self._tag}\r\nTo: <{register.aor}>\r\n"
            f"Call-ID: {self._call_id}@{listener.advertised_host}\r\nCSeq: {self._number} REGISTER\r\n"
            f"Contact: {self._contact};expires={expires}\r\nExpires: {expires}\r\n"
            f"{shown_to(self._trunk, target.host, 'REGISTER', uri)}Content-Length: 0\r\n\r\n"
        ).encode()
        self._asked = self._endpoint.transactions.send("REGISTER", branch, message, listener, target.address, self)

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """A response to our REGISTER (ClientUser)."""
        code = response.code
        if code < 200 or transaction is not self._asked:
            return
        if transaction.challenged:
            again = sent_again(self._endpoint, self._trunk, transaction, response, self)
            if again is not None:
                self._asked, self._number = again, number_of(again.message)
                return
        self._asked = None
        if self._leaving:
            return
        if code < 300:
            self._bound(response)
        elif (code == 423 and self._longer(response)) or (code == 503 and self._elsewhere()):
            self._ask()
        else:
            if code >= 600 or (code < 500 and code != 408):
                self._until = 0.0
            self._failed(f"{code} to REGISTER", retry_after(response))

    def on_timeout(self, transaction: ClientTransaction) -> None:
        """No answer in time, or our REGISTER could not be sent (ClientUser)."""
        if transaction is not self._asked:
            return
        self._asked = None
        if self._leaving:
            return
        if self._elsewhere():
            self._ask()
        else:
            self._failed("no answer to REGISTER")

    def _bound(self, response: Response) -> None:
        life = self._life(response)
        if life <= 0:
            self._failed("the registrar keeps it for no time")
            return
        self._failures = self._tried = self._raised = 0
        now = self._endpoint.wheel.now
        self._until = now + life
        if not self.registered:
            self.registered = True
            _log.warning("trunk %s: registered as %s", self._trunk.name, self._register.aor)
        self._tell("")
        if self._place is not None and self._place[0].reliable and self._ping_at == inf:
            self._ping_at = now + uniform(0.8, 1) * PING_EVERY
        self._ask_in(max(life / 2, _SOONEST))

    def _life(self, response: Response) -> float:
        """For how many seconds the registrar keeps our binding (§10.2.4, §10.3)."""
        given = ""
        for value in response.all("contact")[:_MOST_CONTACTS]:
            for entry in split_list(value)[:_MOST_CONTACTS]:
                try:
                    _, uri, params = parse_name_addr(entry, "Contact")
                except BadMessage:
                    continue
                if _same_place(uri, self._contact[1:].partition(">")[0]):
                    given = param(params, "expires") or given
        return _seconds(given or response.first.get("expires", ""), self._wanted)

    def _longer(self, response: Response) -> bool:
        """Takes over what the registrar wants at least (§10.2.8); False where that is no more than was asked for.

        Nor is there an end to it where each answer wants some more than the last.
        """
        least = _seconds(response.first.get("min-expires", ""), 0)
        if least <= self._wanted or self._raised >= _MOST_LONGER:
            return False
        self._raised += 1
        self._wanted = least
        return True

    def _elsewhere(self) -> bool:
        """Turns to the next of a name's addresses; False where all have been tried."""
        self._turn += 1
        self._tried += 1
        return self._tried < len(self._trunk.registrars)

    # What it makes of the trunk

    def _failed(self, why: str, at_least: int = 0) -> None:
        self._failures += 1
        self._tried = self._raised = 0
        longest = min(LONGEST, BASE * 2.0 ** min(self._failures, 16))
        if self.registered and self._until > self._endpoint.wheel.now:
            _log.warning("trunk %s: not registered anew: %s", self._trunk.name, why)
        else:
            self._lose(why)
        self._ask_in(max(uniform(0.5, 1) * longest, at_least))

    def _lose(self, why: str) -> None:
        if self.registered or self._why != why:
            _log.warning("trunk %s: not registered: %s", self._trunk.name, why)
        self.registered = False
        self._ping_at = inf
        self._tell(why)

    def _tell(self, why: str) -> None:
        self._why = why
        self._trunk.registered = self.registered
        self._trunk.unregistered = why

    def _ping(self) -> None:
        if self._place is not None:
            listener, target = self._place
            listener.send(_PING, target.address)
        self._ping_at = self._endpoint.wheel.now + uniform(0.8, 1) * PING_EVERY


class Registrations:
    """The registrations of a router, one for each trunk that wants one."""

    __slots__ = ("_endpoint", "_registrations", "_stopped")

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._registrations: dict[str, Registration] = {}
        self._stopped = False

    def follow(self, trunks: Iterable[LiveTrunk]) -> None:
        """Registers with these trunks as they are now, and with no others; those that stay go on as they were."""
        if self._stopped:
            return
        before, self._registrations = self._registrations, {}
        for trunk in trunks:
            register = trunk.trunk.register
            if register is None:
                continue
            known = before.get(trunk.name)
            if known is not None and known.goes_on_for(trunk):
                del before[trunk.name]
                known.follow(trunk)
            else:
                known = Registration(self._endpoint, trunk, register)
            self._registrations[trunk.name] = known
        for each in before.values():
            each.leave()

    def leave(self) -> None:
        """Takes all of them back, and registers no more."""
        self.follow(())
        self._stopped = True


def _seconds(text: str, default: int) -> int:
    text = text.strip(" \t")
    return min(int(text), _MOST_EXPIRES) if text.isascii() and text.isdigit() and len(text) < 11 else default


def _same_place(one: str, other: str) -> bool:
    """Whether two Contacts have the same user, host and port: what a registrar adds to ours makes no other."""
    try:
        first, second = parse_uri(one), parse_uri(other)
    except BadUri:
        return False
    if not isinstance(first, SipUri) or not isinstance(second, SipUri):
        return False
    return (first.user, first.host.lower(), first.port or 5060) == (
        second.user,
        second.host.lower(),
        second.port or 5060,
    )
