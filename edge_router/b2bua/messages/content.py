"""What is in the body of a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.sip.sdp import find_sdp

if TYPE_CHECKING:
    from edge_router.sip.message import Message


def has_sdp(message: Message) -> bool:
    """Whether a message bears an offer or an answer."""
    return bool(message.body) and find_sdp(message.first.get("content-type"), message.body) is not None


def content_of(message: Message) -> str:
    """The Content-Type line of a message, "" where it has no body."""
    content_type = message.first.get("content-type")
    return f"Content-Type: {content_type}\r\n" if message.body and content_type else ""
