"""Where a call was by redirections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.b2bua.messages.identity import uri_at

if TYPE_CHECKING:
    from edge_router.dialplan.trunk import Target


class Trail:
    """How many 3xx were ``followed``, and what was dialled where."""

    __slots__ = ("_been", "followed")

    def __init__(self) -> None:
        self.followed = 0
        self._been: set[str] = set()

    def goes_to(self, user: str, target: Target) -> bool:
        """Notes that this is dialled at a target; False where it was before."""
        known = len(self._been)
        self._been.add(_dialled(user, target))
        return len(self._been) > known

    def was_at(self, user: str, target: Target) -> bool:
        """Whether this was dialled at a target."""
        return _dialled(user, target) in self._been


def _dialled(user: str, target: Target) -> str:
    """A user at a target, and by which transport: who sends a call on may ask for it by another one."""
    return f"{uri_at(user, target.at)};{target.transport}"
