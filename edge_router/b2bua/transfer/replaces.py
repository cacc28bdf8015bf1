"""Dialogs of ours that somebody names to take a place in them (RFC 3891)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_router.b2bua.call.leg import Leg
    from edge_router.b2bua.call.switchboard import Switchboard
    from edge_router.sip.refer_to import Replaces


def leg_of(router: Switchboard, replaces: Replaces) -> Leg | None:
    """The leg whose dialog is named, None where none is: Call-ID and both tags have to fit (§3)."""
    leg = router.leg_with(replaces.to_tag)
    if leg is None or leg.dialog.call_id != replaces.call_id or leg.dialog.remote_tag != replaces.from_tag:
        return None
    return leg


def far_side_of(router: Switchboard, replaces: Replaces) -> Leg | None:
    """The other leg of the call whose dialog is named, None where there is none."""
    leg = leg_of(router, replaces)
    return leg.call.other_than(leg) if leg is not None and leg.call is not None else None
