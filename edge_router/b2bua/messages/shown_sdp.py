"""The SDP that one leg has been shown, and by whom: who owns its o= line (RFC 3264 §8).

While all SDP comes from one source it passes untouched. Once a leg has seen SDP of a second source, the two have
nothing to do with each other, and a careful phone would refuse the second: from then on the o= line is the router's,
the one that the leg knows with a version that counts up by one. A description that comes again (in 183, then in the
200) stays the same, as RFC 3261 §13.2.1 wants it.
"""

from __future__ import annotations

from typing import Final

from edge_router.sip import sdp

CALLER: Final = "caller"
"""Whose SDP it is that the caller made."""


class ShownSdp:
    """``source`` is a name of who made the first SDP; the last body of his is read only if a second source turns up."""

    __slots__ = ("_came", "_content_type", "_left", "_origin", "_source")

    def __init__(self, source: str, body: bytes, content_type: str = "application/sdp") -> None:
        self._source = source
        self._content_type = content_type
        self._origin: sdp.Origin | None = None
        self._came = self._left = body

    def next(self, source: str, body: bytes, content_type: str) -> bytes:
        """The body as the leg is to see it."""
        if sdp.find_sdp(content_type, body) is None:
            return body
        if source == self._source and self._origin is None:
            self._came = self._left = body
            self._content_type = content_type
            return body
        if self._origin is None:
            found = sdp.find_sdp(self._content_type, self._left)
            self._origin = sdp.origin(self._left[found[0] : found[1]]) if found else None
            if self._origin is None:
                return body
        if body != self._came:
            self._origin = self._origin._replace(version=self._origin.version + 1)
            self._came, self._left = body, sdp.own_origin(body, self._origin, content_type)
            self._content_type = content_type
        return self._left

    @property
    def last(self) -> tuple[str, bytes]:
        """What the leg has seen last: Content-Type and body."""
        return self._content_type, self._left

    @property
    def state(self) -> tuple[str, bytes, bytes]:
        """What ``restore`` takes."""
        return self._content_type, self._came, self._left

    def restore(self, state: tuple[str, bytes, bytes]) -> None:
        """The offer since then was refused: what was seen before it holds (RFC 3261 §14.1)."""
        self._content_type, self._came, self._left = state


def content_type_of(headers: str) -> str:
    """The Content-Type among header lines, "" if there is none."""
    _, found, rest = headers.partition("Content-Type: ")
    return rest.partition("\r\n")[0] if found else ""
