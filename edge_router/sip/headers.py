"""Typed readings of the header values that the router acts on (RFC 3261 §20, §25).

Each reader takes the text of a header's value and gives a small object or raises BadMessage(400) that names the
header. Nothing here runs unless somebody asks: a header that no one reads is never parsed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from edge_router.sip.errors import BadMessage
from edge_router.sip.names import is_token

MAX_CSEQ: Final = 2**31 - 1  # RFC 3261 §8.1.1.5


class NameAddr(NamedTuple):
    """A From, To, Contact, Refer-To, P-Asserted-Identity ... value.

    ``display`` is the display name as it came, quotes included, "" if none; ``uri`` the text between the angle
    brackets; ``params`` the header parameters with their leading semicolon, "" if none.
    """

    display: str
    uri: str
    params: str


class Via(NamedTuple):
    """The topmost Via: ``transport`` upper case, ``sent_by`` as host[:port] text, ``host``, ``port``, ``params``."""

    transport: str
    sent_by: str
    host: str
    port: int
    branch: str
    rport: bool


class CSeq(NamedTuple):
    """Sequence number (0 to 2**31-1) and method."""

    number: int
    method: str


def split_list(value: str) -> list[str]:
    """Splits a comma-separated value, leaving commas in quotes and angle brackets alone."""
    if "," not in value:
        return [value]
    items: list[str] = []
    start = 0
    quoted = escaped = bracketed = False
    for i, char in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char == "<":
            bracketed = True
        elif char == ">":
            bracketed = False
        elif char == "," and not bracketed:
            items.append(value[start:i].strip(" \t"))
            start = i + 1
    items.append(value[start:].strip(" \t"))
    return items


def param(params: str, name: str) -> str | None:
    """The value of one parameter in ``;a=1;b`` text, "" for a parameter without a value, None if it isn't there.

    Names compare without case; a quoted value comes back without its quotes.
    """
    for item in _split_params(params):
        key, equals, value = item.partition("=")
        if key.strip(" \t").lower() == name:
            value = value.strip(" \t")
            if equals and len(value) > 1 and value[0] == '"' == value[-1]:
                return value[1:-1]
            return value
    return None


def _split_params(params: str) -> list[str]:
    if '"' not in params:
        return params.split(";")
    items: list[str] = []
    start = 0
    quoted = escaped = False
    for i, char in enumerate(params):
        if escaped:
            escaped = False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == ";" and not quoted:
            items.append(params[start:i])
            start = i + 1
    items.append(params[start:])
    return items


def parse_name_addr(value: str, header: str) -> NameAddr:
    """Reads ``"Name" <uri>;params``, ``<uri>``, or a bare ``uri;params`` (RFC 3261 §20.10)."""
    if value[:1] == "<":
        display, rest = "", value[1:]
    elif value[:1] == '"':
        end = _closing_quote(value)
        display, rest = value[: end + 1], value[end + 1 :].lstrip(" \t")
        if end < 0 or rest[:1] != "<":
            raise BadMessage(400, f"{header}: a display name that isn't closed, or no <uri> behind it")
        rest = rest[1:]
    else:
        display, bracket, rest = value.partition("<")
        if not bracket:  # without angle brackets what follows a semicolon are header parameters
            uri, semicolon, params = value.partition(";")
            uri = uri.rstrip(" \t")
            if not uri or " " in uri or "\t" in uri or "," in uri or "?" in uri:
                raise BadMessage(400, f"{header}: not an address")
            return NameAddr("", uri, semicolon + params)
        display = display.rstrip(" \t")
        if not all(is_token(word) or not word.isascii() for word in display.split()):
            raise BadMessage(400, f"{header}: a display name that needs quotes")
    uri, closed, params = rest.partition(">")
    params = params.lstrip(" \t")
    if not closed or not uri or uri[0] in " \t" or uri[-1] in " \t" or (params and params[0] != ";"):
        raise BadMessage(400, f"{header}: not a <uri> and parameters")
    return NameAddr(display, uri, params)


def _closing_quote(value: str) -> int:
    """Index of the quote that closes the one at the start, -1 if none does."""
    end = value.find('"', 1)
    while end > 0:
        backslashes = end - len(value[:end].rstrip("\\"))
        if backslashes % 2 == 0:
            return end
        end = value.find('"', end + 1)
    return -1


def tag_of(value: str) -> str:
    """The tag of a From or To value, "" if there is none. Cheap: the message's dialog depends on it."""
    end = value.rfind(">") + 1
    start = value.find(";tag=", end)
    if start < 0 or value.find('"', end) >= 0:  # a quoted parameter may hold anything
        if len(value) == end:
            return ""
        params = value[end:] if end else value.partition(";")[1] + value.partition(";")[2]
        return param(params, "tag") or ""
    start += 5
    stop = value.find(";", start)
    return (value[start:] if stop < 0 else value[start:stop]).strip(" \t")


def branch_of(via: str) -> str:
    """The branch of the topmost Via value, "" if there is none."""
    if "," in via:
        via = split_list(via)[0]
    start = via.find(";branch=")
    if start < 0 or '"' in via:  # a quoted parameter may hold anything
        return (param(via.partition(";")[2], "branch") or "").strip(" \t")
    start += 8
    stop = via.find(";", start)
    return (via[start:] if stop < 0 else via[start:stop]).strip(" \t")


def parse_via(value: str) -> Via:
    """Reads the topmost Via of a value, which may hold several (RFC 3261 §20.42)."""
    if "," in value:
        value = split_list(value)[0]
    head, _, params = value.partition(";")
    if head[:8] == "SIP/2.0/":
        transport, _, sent_by = head[8:].partition(" ")
        sent_by = sent_by.strip(" \t")
    else:  # white space around the slashes is allowed
        name, _, rest = head.partition("/")
        version, _, rest = rest.partition("/")
        transport, _, sent_by = rest.strip(" \t").partition(" ")
        sent_by = sent_by.strip(" \t")
        if name.strip(" \t").upper() != "SIP" or version.strip(" \t") != "2.0":
            raise BadMessage(400, "Via: not SIP/2.0")
    host, port = _host_port(sent_by)
    if not is_token(transport) or not host:
        raise BadMessage(400, "Via: no transport or no sent-by")
    if ";;" in params or value[-1:] == ";":
        raise BadMessage(400, "Via: a semicolon without a parameter")
    branch = branch_of(value)
    rport = value.endswith(";rport") or (";rport" in value and param(params, "rport") is not None)
    return Via(transport.upper(), sent_by, host, port, branch, rport)


@lru_cache(maxsize=1_024)  # neighbours are few
def _host_port(sent_by: str) -> tuple[str, int]:
    """Host and port (0 if none is given) of a sent-by; ("", 0) where it is neither."""
    if sent_by[:1] == "[":
        host, bracket, rest = sent_by[1:].partition("]")
        if not bracket:
            return "", 0
    else:
        host, colon, rest = sent_by.partition(":")
        host, rest = host.rstrip(" \t"), colon + rest
    if not rest:
        return host, 0
    port = rest[1:].strip(" \t")
    if rest[0] != ":" or len(port) > 5 or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65_536:
        return "", 0
    return host, int(port)


def parse_cseq(value: str) -> CSeq:
    """Reads ``314159 INVITE``."""
    number, _, method = value.partition(" ")
    method = method.strip(" \t")
    if not (number.isascii() and number.isdigit() and len(number) <= 10 and is_token(method)):
        raise BadMessage(400, "CSeq: not a number and a method")
    count = int(number)
    if count > MAX_CSEQ:
        raise BadMessage(400, "CSeq: number over 2**31-1")
    return CSeq(count, method)


def parse_small_number(value: str | None, header: str, default: int, most: int) -> int:
    """A header that is one decimal number, such as Max-Forwards: 0 to ``most``, ``default`` where it is missing."""
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= 10) or int(value) > most:
        raise BadMessage(400, f"{header}: not a number from 0 to {most}")
    return int(value)
