"""The emergencies' reserve: how one more call gets in, within the limits or above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.screening import Refusal

if TYPE_CHECKING:
    from edge_router.b2bua.routing.routing import Routing
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk

RETRY_AFTER: Final = "Retry-After: 5\r\n"
"""For whom there is no room now."""
_FULL: Final = Refusal(503, "Service Unavailable", RETRY_AFTER)


class Reserve:
    """The emergency calls that are above a limit of ours; so many are taken at once as the configuration says."""

    __slots__ = ("_above",)

    def __init__(self) -> None:
        self._above: set[str] = set()

    def add(self, call_id: str) -> None:
        """This call has one of its places."""
        self._above.add(call_id)

    def discard(self, call_id: str) -> None:
        """This call is over."""
        self._above.discard(call_id)

    def let_in(
        self, routing: Routing, trunk: LiveTrunk, emergency: bool, crowded: bool, now: float
    ) -> tuple[bool, str, Refusal | None]:
        """Whether it takes the reserve to let one more call in; why there is no room for it, and what it hears then.

        ``crowded``: there are too many transactions for any other call. Where it is let in, node and trunk count it
        from here on.
        """
        left = emergency and routing.emergency is not None and len(self._above) < routing.emergency.reserve
        if crowded and not left:
            return False, "too many transactions", _FULL
        why = routing.load.admit(now)
        above_node = why is not None and left
        if above_node:
            why = routing.load.admit(now, whatever=True)
        if why is not None:
            return False, f"node {why}", _FULL
        why = trunk.admit_inbound(now)
        above_trunk = why is not None and left
        if above_trunk:
            why = trunk.admit_inbound(now, whatever=True)
        if why is not None:
            routing.load.release()
            # Without Retry-After: this trunk is full, the node is not (RFC 3261 §21.5.4).
            warning = f'Warning: 399 edge "trunk {trunk.name} has reached its {why}"\r\n'
            return False, f"trunk {why}", Refusal(503, "Service Unavailable", warning)
        return crowded or above_node or above_trunk, "", None
