"""The contact centre as this router has it: where its state comes from, and who is told when it changes.

Lives here: which source feeds the picture, what a reload keeps of it, and whether something is missing. Must not know
what is decided on it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_router.config.build import picture_of
from state_client.centre import ContactCentre

if TYPE_CHECKING:
    from edge_router.config.models import Config
    from state_client.picture import Picture


class StateOfCentre:
    """``centre`` is what is known of the contact centre; rules read its picture, in the monotonic clock."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.centre = ContactCentre(time.time() - time.monotonic(), picture_of(config, time.monotonic()))

    @property
    def picture(self) -> Picture:
        """What rules read."""
        return self.centre.picture

    def picture_for(self, config: Config) -> Picture:
        """Give the picture that goes with another configuration; what others have pushed stays in it."""
        return picture_of(config, time.monotonic(), self.picture)

    def take_over(self, config: Config, picture: Picture) -> None:
        """Go on with another configuration, and the picture that was made for it."""
        self._config = config
        self.centre.picture = picture

    def refuses_push(self, name: str) -> str:
        """Say why a queue's values may not be pushed, "" where they may."""
        if self._config.state.source == "static" or name in self._config.state.queues:
            return ""
        return f"the values of this queue come from {self._config.state.source}"
