"""Who has sent a request of ours and hears its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.call.leg import Leg
from edge_router.b2bua.call.session_timer import SessionTimer
from edge_router.b2bua.in_call.exchange import Exchange
from edge_router.b2bua.transfer.refer_subscription import ReferSubscription
from edge_router.b2bua.trunks.keepalive import Probe
from edge_router.b2bua.trunks.registration import Registration

if TYPE_CHECKING:
    from edge_router.sip.transaction import ClientUser


def trunk_of(user: ClientUser | None) -> str:
    """The trunk to which a request was sent for this user."""
    if isinstance(user, Leg):
        return user.trunk.name
    if isinstance(user, Exchange):
        return user.other.trunk.name
    return user.trunk_name if isinstance(user, (Probe, ReferSubscription, Registration, SessionTimer)) else ""
