"""Where the state of a contact centre comes from: what a router needs of it, whichever contact centre that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from state_client.picture import Picture

if TYPE_CHECKING:
    import asyncio


class StateSource(Protocol):
    """Keeps a picture current. Webex Contact Center is one; another contact centre needs these five to be one, too."""

    @property
    def picture(self) -> Picture:
        """What rules read. It is the same object from start to end, and says itself how old its values are."""
        ...

    @property
    def degraded(self) -> str:
        """Why the picture is not as current as it should be, in words; "" when all is well."""
        ...

    @property
    def seeded(self) -> asyncio.Event:
        """Set once the contact centre has said how it is: until then a picture that lacks something is no fault."""
        ...

    async def start(self) -> None:
        """Begin to keep the picture current. It returns soon, whether or not the contact centre can be reached."""
        ...

    async def close(self) -> None:
        """Stop, and give back what was taken up."""
        ...
