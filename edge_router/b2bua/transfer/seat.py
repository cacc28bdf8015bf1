"""A leg of a call that stands, in the place of another.

The legs of caller and callee differ in how they are set up. Once both are there they are alike: so somebody whom we
have called can take the caller's place, and who has called the callee's. The dialog is the same object before and
after; the leg that it had winds up what is left of its INVITE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.call.callee import CalleeLeg
from edge_router.b2bua.call.caller import CallerLeg
from edge_router.dialplan.trunk import Target

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg


class SeatedCaller(CallerLeg):
    """Somebody in the caller's place whose leg was another kind, or another call's."""

    __slots__ = ("_name",)

    def __init__(self, leg: Leg, call: Call) -> None:
        super().__init__(leg.router, call, leg.trunk, leg.listener, leg.address, leg.dialog, None, None)
        self.answered = True
        self._name = leg.source
        _take_over(self, leg)

    @property
    def source(self) -> str:
        """A name of who makes the SDP that comes from here."""
        return self._name


class SeatedCallee(CalleeLeg):
    """Somebody in the callee's place whose leg was another kind, or another call's."""

    __slots__ = ("_name",)

    def __init__(self, leg: Leg, call: Call) -> None:
        host, port = leg.address
        super().__init__(leg.router, call, leg.trunk, leg.listener, Target("", host, port), leg.dialog)
        self.answered = self.acknowledged = True
        self._name = leg.source
        _take_over(self, leg)

    @property
    def source(self) -> str:
        """A name of who makes the SDP that comes from here."""
        return self._name


def stays_seated(leg: Leg) -> None:
    """The leg is there for good, and so what runs in its dialog is its own from now on."""
    if leg.session is not None:
        leg.session.goes_on_with(leg)


def _take_over(new: Leg, old: Leg) -> None:
    new.shown = old.shown
    new.last_heard = old.last_heard
    new.inbound = old.inbound
    new.session_id = old.session_id
    new.authorization = old.authorization
    new.session = old.session
