"""Refer-To (RFC 3515 §2.1) and Replaces (RFC 3891 §6.1): where somebody is to be sent, and whose place he takes."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import unquote

from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import find_param, param, parse_name_addr, split_list
from edge_router.sip.message import Message, Request
from edge_router.sip.uri import BadUri, SipUri, TelUri, parse_uri

LONGEST: Final = 2_048
"""Characters of a Refer-To or Replaces that is read: a Call-ID of 255, escaped, and two tags have room in it."""


class Replaces(NamedTuple):
    """A dialog as whoever is to be replaced in it by us sees it: ``to_tag`` is the reader's, ``from_tag`` the other's.

    ``early_only``: not once it is answered.
    """

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool


class ReferTo(NamedTuple):
    """``text`` is the URI without the headers in it, ``uri`` the same read; ``replaces`` is that header's value."""

    text: str
    uri: SipUri | TelUri
    replaces: str


def refer_to_of(request: Request) -> ReferTo:
    """The one Refer-To of a REFER; raises BadMessage(400) where there isn't one that can be called."""
    values = [each for value in request.all("refer-to") for each in split_list(value[: LONGEST + 1])]
    if len(values) != 1:
        raise BadMessage(400, "REFER has not one Refer-To")
    if len(values[0]) > LONGEST:
        raise BadMessage(400, "Refer-To is too long")
    text = parse_name_addr(values[0], "Refer-To")[1]
    try:
        uri = parse_uri(text)
    except BadUri as error:
        raise BadMessage(400, "Refer-To: not a sip, sips or tel URI") from error
    if isinstance(uri, TelUri):
        return ReferTo(text, uri, "")
    if uri.params.get("method", "INVITE").upper() != "INVITE":
        raise BadMessage(400, "Refer-To: only INVITE can be sent there")
    return ReferTo(text[: -len(uri.headers) - 1] if uri.headers else text, uri, _header_in(uri.headers, "replaces"))


def replaces_of(message: Message) -> Replaces | None:
    """The Replaces of an INVITE, None where there is none; BadMessage(400) for more than one or a bad one (§3)."""
    if "replaces" not in message.first:
        return None
    values = message.all("replaces")
    if len(values) != 1:
        raise BadMessage(400, "More than one Replaces")
    return parse_replaces(values[0])


def parse_replaces(value: str) -> Replaces:
    """Reads ``call-id;to-tag=...;from-tag=...``; raises BadMessage(400)."""
    call_id, semicolon, params = value.partition(";")
    call_id, params = call_id.strip(" \t"), semicolon + params
    to_tag, from_tag = param(params, "to-tag"), param(params, "from-tag")
    if len(value) > LONGEST or not call_id or " " in call_id or "," in value or not to_tag or not from_tag:
        raise BadMessage(400, "Replaces: not a Call-ID and two tags")
    return Replaces(call_id, to_tag, from_tag, find_param(params, "early-only") is not None)


def _header_in(headers: str, key: str) -> str:
    """One of the headers in a URI, unescaped; "" where it isn't there, BadMessage(400) where it is there twice."""
    found = [value for name, _, value in (each.partition("=") for each in headers.split("&")) if name.lower() == key]
    if len(found) > 1:
        raise BadMessage(400, f"Refer-To: {key} stands twice in it")
    value = unquote(found[0]) if found else ""
    if not value.isprintable():
        raise BadMessage(400, f"Refer-To: {key} holds what no header line may")
    return value
