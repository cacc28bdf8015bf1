"""Messages on a stream: bytes in, whole messages out (RFC 3261 §7.5 and §18.3).

Lives here: where a message ends, which on TCP and TLS nothing but its Content-Length says, and the limits on what is
waited for. Must not know: what the headers mean (message.py reads each message once more, alone), sockets, the clock.

A stream that was misread once can't be read any further: where the next message begins would be a guess, and whoever
could make us guess could hide a message in another one's body. So whatever leaves a doubt is `Unframeable`, and its
connection ends. What a Content-Length is, and how often it stands there, must be seen here as message.py sees it.
"""

from __future__ import annotations

import re
from typing import Final

from edge_router.sip.message import DEFAULT_LIMITS, Limits

PING: Final = b"\r\n\r\n"
"""What a peer sends between messages to see whether the connection lives (RFC 5626 §3.5.1)."""
PONG: Final = b"\r\n"
"""What he wants to hear then."""

_BLANK: Final = b"\r\n\r\n"
# Name, white space (a fold is white space) and colon.
_LENGTH: Final = re.compile(rb"\r\n(?:content-length|l)(?:[ \t]|\r\n[ \t])*:", re.IGNORECASE)
_LINE_END: Final = re.compile(rb"\r\n(?![ \t])")  # what follows white space is a fold. A bare CR or LF ends no line
_LONGEST_NUMBER: Final = 9  # digits: as message.py has it


class Unframeable(Exception):
    """Where the next message ends can't be told; nothing more can be read from this stream.

    ``code`` and ``why`` are what an answer says, ``head`` what can be read of the message in question, b"" if nothing.
    """

    def __init__(self, code: int, why: str, head: bytes = b"") -> None:
        super().__init__(f"{code} {why}")
        self.code = code
        self.why = why
        self.head = head


class Framer:
    """Cuts what comes on one stream into messages: ``feed`` it, then take ``message`` by ``message`` until None.

    ``pings`` counts the pings that came; each wants a PONG. However few octets come at a time, each is looked at but
    once.
    """

    __slots__ = ("_buffer", "_crlfs", "_end", "_limits", "_searched", "pings")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0  # octets of the buffer that are known to hold no end of a head
        self._end = 0  # octets of the message that begins the buffer; 0 while its head isn't there
        self._crlfs = 0
        self.pings = 0

    @property
    def begun(self) -> bool:
        """Whether a message has begun and isn't whole."""
        return len(self._buffer) > 0

    def feed(self, data: bytes) -> None:
        """Takes what has come."""
        self._buffer += data

    def message(self) -> bytes | None:
        """The next whole message, None where there is none yet; raises Unframeable."""
        buffer = self._buffer
        end = self._end
        if not end:
            if buffer[:1] == b"\r":
                self._skip_empty_lines()
            end = self._find_end()
            if not end:
                return None
        if len(buffer) < end:
            return None
        message = bytes(buffer[:end])
        del buffer[:end]
        self._end = self._searched = self._crlfs = 0
        return message

    def _skip_empty_lines(self) -> None:
        """Drops the empty lines before a message, and counts each two of them as a ping."""
        buffer = self._buffer
        length = 0
        while buffer[length : length + 2] == b"\r\n":
            length += 2
        if not length:
            return
        del buffer[:length]
        self._searched = 0
        self._crlfs += length // 2
        self.pings += self._crlfs // 2
        self._crlfs %= 2

    def _find_end(self) -> int:
        """The octets of the message that begins the buffer, 0 while they can't be told."""
        buffer, most = self._buffer, self._limits.head
        found = buffer.find(_BLANK, self._searched, most + len(_BLANK))
        if found < 0:
            if len(buffer) > most + len(_BLANK):
                raise Unframeable(513, "Message Too Large", bytes(buffer[:most]))
            self._searched = max(len(buffer) - len(_BLANK) + 1, 0)
            return 0
        head = bytes(buffer[:found])
        length = self._body_of(head)
        self._end = found + len(_BLANK) + length
        return self._end

    def _body_of(self, head: bytes) -> int:
        """The octets of the body that a head announces; raises Unframeable."""
        found = _LENGTH.search(head)
        if found is None:
            raise Unframeable(400, "Content-Length is missing", head)
        begin = found.end()
        if _LENGTH.search(head, begin) is not None:
            raise Unframeable(400, "More than one Content-Length", head)
        line_end = _LINE_END.search(head, begin)
        value = head[begin:] if line_end is None else head[begin : line_end.start()]
        digits = value.replace(b"\r\n", b"").strip(b" \t")
        if not digits.isdigit() or len(digits) > _LONGEST_NUMBER:
            raise Unframeable(400, "Content-Length is not a number of octets", head)
        length = int(digits)
        if length > self._limits.body:
            raise Unframeable(513, "Message Too Large", head)
        return length
