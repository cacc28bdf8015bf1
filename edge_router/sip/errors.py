"""The two ways a SIP exchange goes wrong: the peer's mistake, and ours.

A peer's mistake is :class:`BadMessage` and carries the status it deserves. A programming or configuration mistake on
our side is :class:`LocalError` and must never be answered to a peer as his.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_router.sip.message import Message


class BadMessage(Exception):
    """What came in breaks the grammar or a limit.

    ``code`` is the status to answer with (400, 413, 416, 505, 513 ...), ``why`` the words for the reason phrase, and
    ``message`` as much of the message as could be read: None where nothing in it can be answered.
    """

    def __init__(self, code: int, why: str, message: Message | None = None) -> None:
        super().__init__(f"{code} {why}")
        self.code = code
        self.why = why
        self.message = message


class LocalError(Exception):
    """We were about to send something that must not leave: a fault of this program or its configuration."""
