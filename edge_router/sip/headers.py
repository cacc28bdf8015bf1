"""Typed readings of the header values that the router acts on (RFC 3261 §20, §25).

Each reader takes the text of a header's value and gives a small object or raises BadMessage(400) that names the
header. Nothing here runs unless somebody asks: a header that no one reads is never parsed.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from edge_router.sip.errors import BadMessage
from edge_router.sip.names import TOKEN, is_token
from edge_router.sip.remember import remembered

MAX_CSEQ: Final = 2**31 - 1  # RFC 3261 §8.1.1.5
MAX_RSEQ: Final = 2**32 - 1  # RFC 3262 §7.1

# For values with quotes or brackets in them, which few have: a loop in Python over all that a datagram holds would
# take milliseconds. Each can match a text in one way only, so that no value, however made, is gone over more than once.
# No group is possessive: CPython's re gets some of those wrong before 3.11.5, and Debian 12 has 3.11.2.
_QUOTED: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*(?:"|\\?\Z)'  # a quote that isn't closed goes on to the end
_BRACKETED: Final = rf'<[^">]*+(?:{_QUOTED}[^">]*+)*(?:>|\Z)'
_ITEMS: Final = re.compile(rf'(?:\A|,)([^",<]*+(?:(?:{_QUOTED}|{_BRACKETED})[^",<]*+)*)', re.DOTALL)
_PARAM: Final = rf'[^";]*+(?:{_QUOTED}[^";]*+)*'
_QUOTES: Final = re.compile(_QUOTED, re.DOTALL)
_CLOSED: Final = re.compile(r'[^"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*"[^"]*+)*', re.DOTALL)  # each quote has its end
_NO_URI: Final = frozenset(' \t,?">')  # what can't stand in a URI that has no brackets about it
_WORDS: Final = TOKEN | set(" \t")  # of a display name without quotes


NameAddr = tuple[str, str, str]
"""A From, To, Contact, Refer-To, P-Asserted-Identity ... value.

The display name as it came, quotes included, "" if none; the URI, the text between the angle brackets; the header
parameters with their leading semicolon, "" if none.
"""


class Via:
    """The topmost Via: ``transport`` upper case, ``sent_by`` as host[:port] text; ``port`` is 0 where none is given."""

    __slots__ = ("branch", "host", "port", "rport", "sent_by", "transport")

    def __init__(self, transport: str, sent_by: str, host: str, port: int, branch: str, rport: bool) -> None:
        self.transport = transport
        self.sent_by = sent_by
        self.host = host
        self.port = port
        self.branch = branch
        self.rport = rport


class CSeq(NamedTuple):
    """Sequence number (0 to 2**31-1) and method."""

    number: int
    method: str


def split_list(value: str) -> list[str]:
    """Splits a comma-separated value, leaving commas in quotes and angle brackets alone."""
    if "," not in value:
        return [value]
    items: list[str] = _ITEMS.findall(value) if '"' in value or "<" in value else value.split(",")
    return [item.strip(" \t") for item in items] if " " in value or "\t" in value else items


def first_of(value: str) -> str:
    """The first entry of a comma-separated value, without a look at the others."""
    comma = value.find(",")
    if comma < 0:
        return value
    first = value[:comma]
    if '"' in first or "<" in first:
        found = _ITEMS.match(value)
        first = found[1] if found else value
    return first.strip(" \t")


def param(params: str, name: str) -> str | None:
    """The value of one parameter in ``;a=1;b`` text, "" for a parameter without a value, None if it isn't there.

    Names compare without case; a quoted value comes back without its quotes.
    """
    found = find_param(params, name)
    if found is None:
        return None
    value: str = (found["value"] or "").strip(" \t")
    return value[1:-1] if len(value) > 1 and value[0] == '"' == value[-1] else value


def find_param(params: str, name: str) -> re.Match[str] | None:
    """Where the first parameter of a name stands: the match's groups are ``name`` and ``value``, its end the next's."""
    return _finder(name).match(params)


@cache  # the names are ours
def _finder(name: str) -> re.Pattern[str]:
    other = rf"(?![ \t]*+{name}[ \t]*+(?:[=;]|\Z)){_PARAM};"
    this = rf"[ \t]*+(?P<name>{name})[ \t]*+(?:=(?P<value>{_PARAM}))?(?=;|\Z)"
    return re.compile(f"(?:{other})*{this}", re.ASCII | re.IGNORECASE | re.DOTALL)


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
            if not uri or not _NO_URI.isdisjoint(uri) or not _are_whole(params):
                raise BadMessage(400, f"{header}: not an address")
            return "", uri, semicolon + params
        display = display.rstrip(" \t")
        words = display if display.isascii() else " ".join([word for word in display.split() if word.isascii()])
        if not _WORDS.issuperset(words):
            raise BadMessage(400, f"{header}: a display name that needs quotes")
    uri, closed, params = rest.partition(">")
    params = params.lstrip(" \t")
    if not closed or not uri or uri[0] in " \t" or uri[-1] in " \t" or '"' in uri or (params and params[0] != ";"):
        raise BadMessage(400, f"{header}: not a <uri> and parameters")
    if ('"' in params or ">" in params) and not _are_whole(params):
        raise BadMessage(400, f"{header}: a parameter with a quote that isn't closed, or with a > that isn't quoted")
    return display, uri, params


def _are_whole(params: str) -> bool:
    """Whether header parameters begin and end where they seem to.

    What is put behind an open quote would be taken for its value, what stands before a ``>`` for a part of the URI.
    """
    return _CLOSED.fullmatch(params) is not None and (">" not in params or ">" not in _QUOTES.sub("", params))


def _closing_quote(value: str) -> int:
    """Index of the quote that closes the one at the start, -1 if none does."""
    if "\\" in value:  # an escaped backslash escapes nothing, an escaped quote closes nothing
        value = value.replace("\\\\", "__").replace('\\"', "__")
    return value.find('"', 1)


def tag_of(value: str) -> str:
    """The tag of a From or To value, "" if there is none. Cheap: the message's dialog depends on it."""
    if value.endswith(">"):
        return ""
    tag = value.rpartition(">;tag=")[2]  # the usual place, where nothing that could mislead stands behind it
    if len(tag) < len(value) and ";" not in tag and ">" not in tag and '"' not in tag:
        return tag.strip(" \t")
    end = value.rfind(">") + 1
    if value.find('"', end) >= 0:  # a quoted parameter may hold anything, a ">" or a tag too
        value = _QUOTES.sub("", value)
        end = value.rfind(">") + 1
    start = value.find(";tag=", end)
    if start < 0:
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
        via = first_of(via)
    start = via.find(";branch=")
    if start < 0 or '"' in via:  # a quoted parameter may hold anything
        return (param(via.partition(";")[2], "branch") or "").strip(" \t")
    start += 8
    stop = via.find(";", start)
    return (via[start:] if stop < 0 else via[start:stop]).strip(" \t")


def parse_via(value: str) -> Via:
    """Reads the topmost Via of a value, which may hold several (RFC 3261 §20.42)."""
    if "," in value:
        value = first_of(value)
    head, _, params = value.partition(";")
    transport, sent_by, host, port = _sender(head)
    if ";;" in params or value[-1:] == ";":
        raise BadMessage(400, "Via: a semicolon without a parameter")
    quoted = '"' in value
    if quoted and not _CLOSED.fullmatch(value):  # received, put behind it, would be taken for a part of it
        raise BadMessage(400, "Via: a quote that isn't closed")
    branch = branch_of(value)
    if value.endswith(";rport") and not quoted:  # the usual place
        rport = True
    else:
        rport = "rport" in params.lower() and find_param(params, "rport") is not None
    return Via(transport, sent_by, host, port, branch, rport)


@remembered(1_024)  # neighbours are few
def _sender(head: str) -> tuple[str, str, str, int]:
    """What stands in a Via before its parameters: transport in upper case, sent-by, and that one's host and port."""
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
    return transport.upper(), sent_by, host, port


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


@remembered(1_024)  # dialogs are short
def parse_cseq(value: str) -> CSeq:
    """Reads ``314159 INVITE``; any white space may stand between the two."""
    number, _, method = (value.replace("\t", " ") if "\t" in value else value).partition(" ")
    method = method.strip(" ")
    if not (number.isascii() and number.isdigit() and len(number) <= 10 and is_token(method)):
        raise BadMessage(400, "CSeq: not a number and a method")
    count = int(number)
    if count > MAX_CSEQ:
        raise BadMessage(400, "CSeq: number over 2**31-1")
    return CSeq(count, method)


def parse_rseq(value: str) -> int:
    """The number of a reliable provisional response (RFC 3262 §7.1), 0 where it isn't one from 1 to 2**32-1."""
    if not (value.isascii() and value.isdigit() and len(value) <= 10) or int(value) > MAX_RSEQ:
        return 0
    return int(value)


def parse_rack(value: str) -> tuple[int, CSeq]:
    """Reads ``776656 1 INVITE``: which provisional response a PRACK is for, and of which request (RFC 3262 §7.2)."""
    number, _, cseq = value.replace("\t", " ").partition(" ")
    rseq = parse_rseq(number)
    if not rseq:
        raise BadMessage(400, "RAck: not the number of a response and a CSeq")
    try:
        return rseq, parse_cseq(cseq.lstrip(" "))
    except BadMessage as error:
        raise BadMessage(400, "RAck: not the number of a response and a CSeq") from error


def parse_small_number(value: str | None, header: str, default: int, most: int) -> int:
    """A header that is one decimal number, such as Max-Forwards: 0 to ``most``, ``default`` where it is missing."""
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) <= 10) or int(value) > most:
        raise BadMessage(400, f"{header}: not a number from 0 to {most}")
    return int(value)
