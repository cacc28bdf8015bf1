"""What a call that is redirected or transferred tells of its past: Diversion (RFC 5806) and History-Info (RFC 7044).

Both are added to the INVITE as it came, so that they cross to the next leg like all that came with it: with our host,
and only to whom they may be told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from edge_router.b2bua.messages.causes import cause_of
from edge_router.b2bua.messages.identity import LONGEST_VALUE, uri_at
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import first_of, param, parse_name_addr, split_list
from edge_router.sip.message import Request
from edge_router.sip.reasons import reason_phrase

if TYPE_CHECKING:
    from edge_router.sip.message import Message, Response

_BY_CAUSE: Final = {17: "user-busy", 18: "no-answer", 19: "no-answer", 20: "away", 27: "out-of-service"}
_BY_STATUS: Final = {486: "user-busy", 600: "user-busy", 408: "no-answer", 480: "no-answer", 503: "unavailable"}
_BY_CODE: Final = {301: "unconditional", 302: "unconditional"}
_CAUSES: Final = {"unconditional": 302, "user-busy": 486, "no-answer": 408, "unavailable": 503}  # RFC 4458 §2
_UNKNOWN: Final = "unknown"
_KEPT: Final = ("diversion", "history-info", "privacy")
_MOST_ENTRIES: Final = 63  # one more is all that goes on


def redirected(request: Request, uri: str, dialled: str, host: str, response: Response, number: int) -> Request:
    """The INVITE that would have come had the caller called ``uri``, in the place of a 3xx's Contact.

    ``dialled`` is the user part that the one who answered 3xx was called by, ``host`` is ours, and ``number`` says
    which of the Contacts it is, 1 for the first.
    """
    made = Request(request.method, uri)
    reason = _reason(response)
    diversions = [_diversion(response, dialled, host, reason), *request.all("diversion")]
    history = _history(request, uri, dialled, host, response, number, _CAUSES.get(reason, 404))
    made.fields = [field for field in request.fields if field[0] not in ("diversion", "history-info")]
    made.fields += [("diversion", value) for value in diversions]
    made.fields += [("history-info", value) for value in history]
    for key, value in made.fields:
        made.first.setdefault(key, value)
    made.body = request.body
    made.spelling = request.spelling
    return made


Past = tuple[tuple[str, str], ...]
"""What a call has told of its past and the privacy that was asked for it: header keys and values, mostly none."""


def past_of(invite: Request) -> Past:
    """What an INVITE tells of the past; of what is too long to cross only that it is private, where it is."""
    first = invite.first
    if "diversion" not in first and "history-info" not in first and "privacy" not in first:
        return ()
    past = tuple([field for field in invite.fields if field[0] in _KEPT])
    if sum([len(value) for _, value in past]) <= LONGEST_VALUE:
        return past
    return (("privacy", "id;history"),) if "privacy" in first else ()


def transferred(invite: Request, past: Past) -> None:
    """Has the INVITE of a transfer tell what the call told before: somebody else is called than the last entry says.

    That is no diversion: no Reason, cause or Diversion comes of it, and who wanted it is in Referred-By.
    """
    for key, value in past:
        invite.add(key, value)
    entries = _entries(invite)
    if not entries:
        return
    try:
        index = param(parse_name_addr(entries[-1], "History-Info")[2], "index") or "1"
    except BadMessage:
        return
    invite.add("history-info", f"<{invite.uri}>;index={index}.1;mp={index}")


def _reason(response: Response) -> str:
    """Why it was diverted, in the words of RFC 5806 §4."""
    cause = cause_of(response)
    if cause in _BY_CAUSE:
        return _BY_CAUSE[cause]
    for value in response.all("reason"):
        protocol, _, params = value.partition(";")
        status = param(params, "cause") or ""
        if protocol.strip(" \t").upper() == "SIP" and len(status) == 3 and status.isascii() and status.isdigit():
            found = _BY_STATUS.get(int(status))
            if found is not None:
                return found
    return _BY_CODE.get(response.code, _UNKNOWN)


def _diversion(response: Response, dialled: str, host: str, reason: str) -> str:
    """What the 3xx says of who has diverted the call, else that it was the number that was dialled."""
    said = first_of(response.first.get("diversion", ""))
    if said and len(said) <= LONGEST_VALUE:
        try:
            parse_name_addr(said, "Diversion")
        except BadMessage:
            said = ""
    else:
        said = ""
    return said or f"<{uri_at(dialled, host)}>;reason={reason};counter=1"


def _history(
    request: Request, uri: str, dialled: str, host: str, response: Response, number: int, cause: int
) -> list[str]:
    """The entries by now, where anybody keeps them: the caller, the one who answered 3xx, or who asks for them."""
    entries = _entries(request) or _entries(response)
    if not entries:
        asked = ",".join(request.all("supported")).lower().replace(" ", "").split(",")
        if "histinfo" not in asked:
            return []
        entries = [f"<{uri_at(dialled, host)}>;index=1"]
    *before, last = entries
    try:
        display, target, params = parse_name_addr(last, "History-Info")
    except BadMessage:
        return entries
    index = param(params, "index") or "1"
    if "reason=" not in target.lower():  # RFC 7044 §10.2: why that turn of the call came to nothing
        why = quote(f'SIP;cause={response.code};text="{reason_phrase(response.code)}"', safe="")
        target = f"{target}{'&' if '?' in target else '?'}Reason={why}"
    turned = f"{display} <{target}>{params}" if display else f"<{target}>{params}"
    return [*before, turned, f"<{uri};cause={cause}>;index={index}.{number};mp={index}"]


def _entries(message: Message) -> list[str]:
    values = message.all("history-info")
    if sum(map(len, values)) > LONGEST_VALUE:
        return []
    entries = [entry for value in values for entry in split_list(value) if entry]
    return entries if len(entries) <= _MOST_ENTRIES else []
