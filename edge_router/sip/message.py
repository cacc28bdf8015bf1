"""SIP messages: bytes in, a Request or a Response out, and back (RFC 3261 §7 and §25).

Lives here: framing of one message, header names in one spelling, header values as text in the order they came, and
the limits on all of it. Must not know: what a header's value means (headers.py), transactions, sockets.

A header's name is normalised once, here, before anything else looks at it: compact forms, odd case and white space
before the colon all end up as one lower-case key, so that no rule can be passed by with ``X-Bypass : v``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from edge_router.sip.errors import BadMessage, LocalError
from edge_router.sip.names import KEY_OF, SINGLE, SPELLING, is_token, key_of
from edge_router.sip.remember import LONGEST, remembered, to_forget


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a stranger may send in one message: octets of the head, the body and the Request-URI, header lines."""

    head: int = 16_384
    body: int = 65_535
    uri: int = 1_024
    headers: int = 128


DEFAULT_LIMITS: Final = Limits()
# A value that goes on in the next line: a fold and the white space about it are one space (RFC 3261 §7.3.1). A row of
# white space is looked at from its beginning alone, and so but once.
_FOLD: Final = re.compile(rb"(?<![ \t])[ \t]*+(?:\r\n[ \t]++)+")


class Message:
    """What a request and a response share: header fields in order, and a body.

    ``fields`` holds (key, value) pairs, keys in the one spelling of names.py and values without surrounding white
    space. ``first`` maps a key to its first value. ``spelling`` maps the keys of headers that we do not know to the
    name as it came, so that they leave as they came.
    """

    __slots__ = ("body", "fields", "first", "spelling")

    fields: list[tuple[str, str]]
    first: dict[str, str]
    body: bytes
    spelling: dict[str, str] | None

    def get(self, key: str) -> str | None:
        """The first value of a header, or None."""
        return self.first.get(key)

    def all(self, key: str) -> list[str]:
        """Every value of a header, one for each line it stood on."""
        return [value for name, value in self.fields if name == key]

    def add(self, key: str, value: str) -> None:
        """Appends a header. Raises LocalError where name or value could break out of its line."""
        if "\r" in value or "\n" in value or "\0" in value or not key or key_of(key) != key:
            raise LocalError(f"{key!r} is not a header key, or its value holds a line break or a NUL")
        self.fields.append((key, value))
        self.first.setdefault(key, value)

    def spell(self, key: str) -> str:
        """The name that a header leaves under: the usual one, or where we know none the one that it came by."""
        return SPELLING.get(key) or (self.spelling or {}).get(key, key)

    def start_line(self) -> str:
        """The first line, without its line end."""
        raise NotImplementedError

    def serialise(self) -> bytes:
        """The message as it goes on the wire; Content-Length is always our own count."""
        lines = [self.start_line()]
        lines += [f"{self.spell(key)}: {value}" for key, value in self.fields if key != "content-length"]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return (
            self.start_line() == other.start_line()
            and self.body == other.body
            and [f for f in self.fields if f[0] != "content-length"]
            == [f for f in other.fields if f[0] != "content-length"]
        )

    __hash__ = None  # type: ignore[assignment]


class Request(Message):
    """A SIP request (RFC 3261 §7.1): ``method`` as it came (methods are case-sensitive), ``uri`` as text."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str) -> None:
        self.fields = []
        self.first = {}
        self.body = b""
        self.spelling = None
        self.method = method
        self.uri = uri

    def start_line(self) -> str:
        """Request-Line."""
        return f"{self.method} {self.uri} SIP/2.0"


class Response(Message):
    """A SIP response (RFC 3261 §7.2): status ``code`` 100-699 and ``reason`` phrase.

    What is read has a question mark in the place of each control character of its phrase.
    """

    __slots__ = ("code", "reason")

    def __init__(self, code: int, reason: str) -> None:
        self.fields = []
        self.first = {}
        self.body = b""
        self.spelling = None
        self.code = code
        self.reason = reason

    def start_line(self) -> str:
        """Status-Line."""
        return f"SIP/2.0 {self.code} {self.reason}"


def parse(datagram: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """Reads one whole message, as a UDP datagram holds it.

    Raises BadMessage with the status that the fault deserves and with as much of the message as could be read, so that
    the caller can answer it. Octets behind Content-Length are cut (RFC 3261 §18.3).
    """
    head, blank, body = datagram.partition(b"\r\n\r\n")
    if head[:2] == b"\r\n" or not head:  # RFC 3261 §7.5: empty lines before the start line are ignored
        rest = datagram.lstrip(b"\r\n")
        if not rest:
            raise BadMessage(400, "Empty message")
        return parse(rest, limits)
    if len(head) > limits.head:
        raise BadMessage(513, "Message Too Large", _salvage(head[: limits.head], limits))
    message, code, why = _parse_head(head, body, limits)
    if not blank:
        code, why = code or 400, why or "No empty line after the headers"
    first = message.first
    length = first.get("content-length")
    if length is not None and length != str(len(body)):
        fault = _cut_body(message, length)
        if fault:
            code, why = code or 400, why or fault
    if len(message.body) > limits.body:
        code, why = 513, "Message Too Large"
    if len(first) != len(message.fields):
        for key in SINGLE:
            if key in first and len(message.all(key)) > 1:
                code, why = code or 400, why or f"More than one {SPELLING[key]}"
    if code:
        raise BadMessage(code, why, message)
    return message


def _parse_head(head: bytes, body: bytes, limits: Limits) -> tuple[Request | Response, int, str]:
    """A message of this head and body, and the first fault in its head as (status, words), (0, "") if none."""
    text = head.decode("utf-8", "surrogateescape")
    lines = text.split("\r\n")
    breaks = len(lines) - 1
    method, uri, status, reason, code, why = _read_start(lines[0])
    message = Request(method, uri) if method else Response(status, reason)
    # A NUL with a backslash in front is a good character of a quoted string (RFC 3261 §25.1 `quoted-pair`).
    if "\0" in text and "\0" in text.replace("\\\0", ""):
        raise BadMessage(400, _TWO_LINES)
    # Folds are rare, so they are looked for only where there are too many lines, or one that can't be read.
    if breaks > limits.headers:
        _check_unbroken("".join(lines[limits.headers + 1 :]))
        if _FOLD.search(head):
            return _parse_head(_FOLD.sub(b" ", head), body, limits)
        code, why = 513, "Message Too Large: too many header lines"
    fields: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for line in lines[1 : limits.headers + 1]:
        read = _lately.get(line) or _read_line(line, message)
        fields.append(read.field)
        first.setdefault(read.key, read.value)
    if "" in first:
        if _FOLD.search(head):
            return _parse_head(_FOLD.sub(b" ", head), body, limits)
        code, why = code or 400, why or "A header line that is no 'Name: value'"
        fields = [field for field in fields if field[0]]
        del first[""]
    _fill(message, fields, first, body)
    if not code and len(uri) > limits.uri:
        code, why = 414, "Request-URI Too Long"
    return message, code, why


def _fill(message: Message, fields: list[tuple[str, str]], first: dict[str, str], body: bytes) -> None:
    # On one of two kinds compiled code would look each attribute up by its name.
    message.fields = fields
    message.first = first
    message.body = body


class _Line:
    """A header line as it was read: ``field`` is the pair of ``key`` and ``value``, and all messages share it.

    Of what it knows to be a pair, compiled code would make another one each time.
    """

    __slots__ = ("field", "key", "value")

    def __init__(self, key: str, value: str) -> None:
        self.key = key
        self.value = value
        self.field: Any = (key, value)


# Most lines of a message stood in another a moment ago: the same carrier's, the same dialog's. A line that was seen
# lately is not read again.
_lately: Final[dict[str, _Line]] = {}
to_forget(_lately.clear)
_MOST_LINES: Final = 1_024
_NO_FIELD: Final = _Line("", "")


def _read_line(line: str, message: Message) -> _Line:
    """Reads one header line, _NO_FIELD where it is none. Notes in the message how an unknown name is spelled."""
    _check_unbroken(line)
    name, colon, value = line.partition(":")
    key = KEY_OF.get(name) or key_of(name)
    if not key or not colon:
        return _NO_FIELD
    read = _Line(key, value.strip(" \t"))
    if key not in SPELLING:
        message.spelling = message.spelling or {}
        message.spelling.setdefault(key, name.rstrip(" \t"))
    elif len(line) <= LONGEST:
        if len(_lately) >= _MOST_LINES:
            _lately.clear()
        _lately[line] = read
    return read


_TWO_LINES: Final = "Line break or NUL inside a header line"


def _check_unbroken(line: str) -> None:
    """Raises BadMessage: what a reader after us would take for two lines is not passed on, nor quoted in an answer."""
    if "\n" in line or "\r" in line:
        raise BadMessage(400, _TWO_LINES)


_Start = tuple[str, str, int, str, int, str]
"""Method and URI, or "" twice; status and reason, or 0 and ""; the status and words for what is wrong, or 0 and ""."""


# A reason phrase has no control characters but HTAB (RFC 3261 §25.1), and is read by people: on a terminal or in a log
# ESC and its like could pass for what they are not. C1 may also stand as the octet alone.
_NO_CONTROL: Final = dict.fromkeys([*range(9), *range(10, 32), *range(127, 160), *range(0xDC80, 0xDCA0)], "?")


@remembered(1_024)
def _read_start(line: str) -> _Start:
    """Reads a start line; few are new."""
    _check_unbroken(line)
    if line.startswith("SIP/2.0 "):
        code = line[8:11]
        if line[11:12] in (" ", "") and code.isascii() and code.isdigit() and 100 <= int(code) <= 699:
            return "", "", int(code), line[12:].translate(_NO_CONTROL), 0, ""
        return "", "", 0, line[8:], 400, "Status code out of range"
    parts = line.split(" ")
    if len(parts) == 3:
        method, uri, version = parts
        if is_token(method) and version.upper() == "SIP/2.0":
            return method, uri, 0, "", 0, ""
        if is_token(method) and version[:4].upper() == "SIP/":
            return method, uri, 0, "", 505, "Version Not Supported"
    if line[:4].upper() == "SIP/":
        return "", "", 0, line, 400, "Malformed status line"
    method, _, rest = line.partition(" ")
    if _is_version(method) and len(rest) > 2 and not rest[:3].strip("0123456789") and rest[3:4] in (" ", ""):
        return "", "", 0, line, 400, "Status line of another protocol"  # no request, so that it isn't answered
    return method or "?", rest.rpartition(" ")[0], 0, "", 400, "Malformed request line"


def _is_version(text: str) -> bool:
    """Whether a text is ``NAME/n.n``."""
    name, _, number = text.partition("/")
    return is_token(name) and "." in number and not number.strip("0123456789.")


def _cut_body(message: Request | Response, length: str) -> str:
    """Cuts the body to Content-Length; the words for what is wrong with the header, "" if nothing."""
    if not (length.isascii() and length.isdigit()) or len(length) > 9:
        return "Content-Length is not a number of octets"
    octets = int(length)
    if octets > len(message.body):
        return "Content-Length is larger than the body"
    if octets < len(message.body):
        message.body = message.body[:octets]
    return ""


def _salvage(head: bytes, limits: Limits) -> Request | Response | None:
    """What can be read of an oversized head, for an answer."""
    try:
        return _parse_head(head[: head.rfind(b"\r\n")], b"", limits)[0]
    except BadMessage:
        return None
