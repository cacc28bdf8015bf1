"""A router with a carrier, a premise and a cloud around it, played by the test."""

import itertools
from collections.abc import Callable, Iterable
from typing import Final

from tests.end_to_end.block import Address
from tests.end_to_end.leg import CALLING, Leg
from tests.end_to_end.phone import Phone
from tests.end_to_end.router_process import RouterProcess
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Header, Wire, user_of

_numbers: Final = itertools.count(1000)

OwnSite = Callable[..., "Site"]
"""The fixture `own_site`: rules and settings of `front_door` in, a site around a router of the test's own out."""


class Site:
    """The ends sit on the addresses that the configuration's trunks name, all on port 5060."""

    def __init__(self, router: RouterProcess) -> None:
        self.router = router
        self.block = router.block
        self._phones: dict[Address, Phone] = {}

    def close(self) -> None:
        for phone in self._phones.values():
            phone.close()

    def joins(self, phone: Phone) -> Phone:
        """Another kind of end, at its own address."""
        self._phones[phone.host, phone.port] = phone
        return phone

    def phone(self, host: str, port: int = 5060) -> Phone:
        """The end at this address, from the first time that somebody asks for it: before that nobody listens there."""
        if (host, port) not in self._phones:
            self._phones[host, port] = Phone(host, port)
        return self._phones[host, port]

    @property
    def carrier(self) -> Phone:
        return self.phone(self.block.carrier)

    @property
    def premise(self) -> Phone:
        return self.phone(self.block.premise)

    @property
    def cloud(self) -> Phone:
        return self.phone(self.block.cloud)

    # -------------------------------------------------------------------------------------------- calls

    def caller(self, prefix: str, *, phone: Phone | None = None, calling: str = CALLING) -> Leg:
        """A leg of the carrier's, or of `phone`, to a number of its own behind `prefix`: no call hears of another's."""
        return Leg.to(phone or self.carrier, self.block.router, f"{prefix}{next(_numbers)}", calling=calling)

    def callee(self, phone: Phone, caller: Leg) -> Leg:
        """The leg that the router opens towards `phone` for this caller."""
        return Leg.answering(phone, self.block.router, caller.called)

    def ringing(self, caller: Leg, phone: Phone, headers: Iterable[Header] = ()) -> Leg:
        """Brings a plain call from INVITE to ringing and hands back the callee's leg."""
        caller.invite(headers)
        callee = self.callee(phone, caller)
        callee.answer(180)
        caller.expect(180)
        return callee

    def answered(self, caller: Leg, phone: Phone, headers: Iterable[Header] = ()) -> Leg:
        """Brings a plain call from INVITE to ACK and hands back the callee's leg."""
        callee = self.ringing(caller, phone, headers)
        self.connects(caller, callee)
        return callee

    def connects(self, caller: Leg, callee: Leg) -> None:
        """From the callee's 200 to the callee's ACK."""
        callee.answer(200)
        caller.ack(caller.expect(200))
        callee.expect("ACK")

    def ends(self, one: Leg, other: Leg) -> None:
        """Ends an answered call from `one` and sees that arrive at the other."""
        one.bye()
        other.hears_of_end()
        one.expect(200, method="BYE")

    def refused(self, caller: Leg, code: int) -> Wire:
        """The caller's final response, acknowledged."""
        final = caller.expect_final()
        caller.ack(final)
        assert final.code == code, final
        return final

    def calls_to(self, phone: Phone, caller: Leg) -> list[Wire]:
        """The INVITEs for this caller that `phone` has heard and nobody took."""
        return [
            message for message in phone.heard() if message.method == "INVITE" and user_of(message.uri) == caller.called
        ]

    # -------------------------------------------------------------------------------------------- order

    def settled(self) -> None:
        """Returns when the router is through with everything that it was sent before: it answers in order.

        What it had to say about it lies in the ends' sockets then, so "nothing came" can be asked without a clock.
        """
        ping = Leg.to(self.carrier, self.block.router, "ping")
        ping.send(ping.request("OPTIONS"))
        ping.expect_final("OPTIONS")

    def idle(self) -> None:
        """Returns when the router holds no call any more."""
        until(lambda: self.router.metric("calls_active") == 0, "calls_active to be 0")
