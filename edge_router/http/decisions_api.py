"""Asking for a decision over HTTP: what would be done with a call that isn't there.

For scripts of a contact centre and for flows, which take one flat object and go astray at an HTTP error: the status is
200 whatever happens, and an answer that isn't `ok` is the safe one. The exceptions are made before: 401 and 403
where the token won't do, 429 who asks too often, 405, 415 and 503 where nothing could be read. They look alike.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from edge_router.http.answer import FORMATS, Answer, form_of, response
from edge_router.http.rate import Rate
from edge_router.http.server import LARGEST_BODY

PATH: Final = "/v1/decisions"
PER_SECOND: Final = 400.0
"""Requests of one token, or of one address without: twice what the fastest is expected to need."""
BURST: Final = 400
LONGEST: Final = 256
"""Characters of a number, a name or a Session-ID."""
MOST_HEADERS: Final = 32
LONGEST_HEADER: Final = 1_024
_NOT_UTF8: Final = "\ufffd"  # what is read of octets that aren't

_log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """A call that somebody asks about, as he writes it. What he doesn't say is empty."""

    called: str
    calling: str = ""
    trunk: str = ""
    session_id: str = ""
    headers: Mapping[str, str] = {}


class BadQuestion(ValueError):
    """What isn't right with a question, in words."""


def refused(status: int, why: str, query: Mapping[str, str], accept: str) -> web.Response:
    """Give the answer to who may not ask, or not so: nothing is decided. It is written as he wants his answers."""
    return response(status, Answer(False, error=why), form_of(query.get("format", ""), accept))


REFUSALS: Final = {PATH: refused}
"""How the server refuses at this path."""


class DecisionsApi:
    """``decide`` answers a question, ``safe`` gives the safe answer, told the called number and why.

    ``budget`` says whose a request is, ``rate`` how often each may ask.
    """

    def __init__(
        self,
        decide: Callable[[Asked], Answer],
        safe: Callable[[str, str], Answer],
        budget: Callable[[web.Request], str],
        rate: Rate | None = None,
    ) -> None:
        self._decide = decide
        self._safe = safe
        self._budget = budget
        self._rate = Rate(PER_SECOND, BURST) if rate is None else rate

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Give what an application is to serve."""
        return (web.get(PATH, self._get), web.post(PATH, self._post))

    async def _get(self, request: web.Request) -> web.Response:
        return self._answer(request, _of_pairs(request.query.items()), "")

    async def _post(self, request: web.Request) -> web.Response:
        fields, fault = _of_pairs(request.query.items()), ""
        try:
            fields |= _of_body(await request.read(), request.content_type)
        except web.HTTPRequestEntityTooLarge:
            fault = f"the body is larger than {LARGEST_BODY // 1024} KB, which no call's data are"
        except BadQuestion as bad:
            fault = str(bad)
        return self._answer(request, fields, fault)

    def _answer(self, request: web.Request, fields: Mapping[str, object], fault: str) -> web.Response:
        asked_form = str(fields.get("format", ""))[:LONGEST]
        form = form_of(asked_form, request.headers.get("Accept", ""))
        wait = self._rate.wait(self._budget(request), time.monotonic())
        if wait:
            too_many = response(429, Answer(False, error="too many requests; Retry-After says when to ask again"), form)
            too_many.headers["Retry-After"] = str(ceil(wait))
            return too_many
        if not fault and asked_form and asked_form not in FORMATS:
            fault = f"format: write {', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        return response(200, self._answered(fields, fault), form)

    def _answered(self, fields: Mapping[str, object], fault: str) -> Answer:
        """The answer to a question that may be faulty."""
        called = ""
        try:
            if fault:
                raise BadQuestion(fault)
            called = _text(fields, "called")
            if not called:
                raise BadQuestion("called is missing: the number that is called")
            calling, trunk, session_id = (_text(fields, name) for name in ("calling", "trunk", "session_id"))
            return self._decide(Asked(called, calling, trunk, session_id, _headers(fields)))
        except BadQuestion as bad:
            return self._safe(called, str(bad))
        except Exception:  # who asks has a caller on the line
            _log.exception("a decision that was asked for failed")
            return self._safe(called, "this failed; the log says why")


def _of_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """The fields of a query or a form. Of one that stands there twice the last counts, but `header` may."""
    fields: dict[str, object] = {}
    headers: list[str] = []
    for name, value in pairs:
        if name == "header":
            headers.append(value)
        elif name in ("called", "calling") and value[:1] == " ":
            fields[name] = f"+{value[1:]}"  # a plus that wasn't written as %2B
        else:
            fields[name] = value
    if headers:
        fields["headers"] = headers
    return fields


def _of_body(body: bytes, content_type: str) -> dict[str, object]:
    """The fields of a body. Who sends one often doesn't say truly what it is: JSON begins with a brace."""
    if not body.strip():
        return {}
    if content_type == "application/json" or body.lstrip()[:1] in (b"{", b"["):
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise BadQuestion('the body is no JSON; write {"called": "+18005550100"} for instance') from None
        if not isinstance(found, dict):
            raise BadQuestion("the body is no JSON object")
        return found
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_HEADERS * 2)
    except UnicodeDecodeError:
        raise BadQuestion("the body isn't UTF-8") from None
    except ValueError:
        raise BadQuestion("the form has too many fields") from None
    return _of_pairs(pairs)


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # a number that was written as one
    if not isinstance(value, str):
        raise BadQuestion(f"{name}: write a text")
    value = value.strip()
    if len(value) > LONGEST or not value.isprintable():
        raise BadQuestion(f"{name}: at most {LONGEST} characters, and no line breaks")
    if _NOT_UTF8 in value:
        raise BadQuestion(f"{name}: it isn't UTF-8")
    return value


def _headers(fields: Mapping[str, object]) -> dict[str, str]:
    """Headers of the INVITE: in JSON an object, else `Name: value` each."""
    given = fields.get("headers") or {}
    if isinstance(given, list):
        split = (str(entry).partition(":") for entry in given)
        given = {name.strip(): value.strip() for name, _, value in split}
    if not isinstance(given, dict) or len(given) > MOST_HEADERS:
        raise BadQuestion(f"headers: write an object of up to {MOST_HEADERS} names with their values")
    for name, value in given.items():
        if not isinstance(value, str) or len(name) > LONGEST or len(value) > LONGEST_HEADER or not value.isprintable():
            raise BadQuestion(f"headers: a value is a text of up to {LONGEST_HEADER} characters, without line breaks")
    return given
