"""The answer to who asks for a decision: flat, the same keys always, as JSON, XML or text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final
from xml.sax.saxutils import escape

import orjson
from aiohttp import web

FORMATS: Final = ("json", "xml", "text")
_TYPES: Final = {"json": "application/json", "xml": "application/xml", "text": "text/plain"}
# What XML 1.0 §2.2 allows no document to hold, not even escaped.
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK: Final = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What would be done with a call. What there is none of is "", but for `age_secs`: None where no state was read.

    `ok` is False where this is the safe answer instead, and `error` says why. `target` is a dial-peer, `code` the SIP
    code that the caller would get where the method is `reject` or `none`, else 0.
    """

    ok: bool
    target: str = ""
    method: str = "none"
    number: str = ""
    uri: str = ""
    service: str = ""
    policy: str = ""
    rule: str = ""
    reason: str = ""
    age_secs: float | None = None
    code: int = 0
    error: str = ""

    def written(self, form: str) -> bytes:
        """Write it in one of FORMATS."""
        if form == "xml":
            parts = "".join([f"<{key}>{escape(_NO_XML.sub('�', text))}</{key}>" for key, text in self._texts()])
            return f'<?xml version="1.0" encoding="UTF-8"?>\n<decision>{parts}</decision>\n'.encode()
        if form == "text":
            return "".join([f"{key}={_BREAK.sub(' ', text)}\n" for key, text in self._texts()]).encode()
        return orjson.dumps(self)

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Keys, and values as text: what is None is empty."""
        for key in KEYS:
            value = getattr(self, key)
            if isinstance(value, bool):
                yield key, "true" if value else "false"
            else:
                yield key, "" if value is None else str(value)


KEYS: Final = tuple(field.name for field in fields(Answer))


def response(status: int, answer: Answer, form: str) -> web.Response:
    """Give an answer as it is sent; nobody on the way may keep it."""
    headers = {"Cache-Control": "no-store"}
    return web.Response(
        status=status, body=answer.written(form), content_type=_TYPES[form], charset="utf-8", headers=headers
    )


def form_of(asked: str, accept: str) -> str:
    """Say which of FORMATS is wanted: by name, or by an Accept header (RFC 9110 §12.5.1); JSON where neither says."""
    if asked:
        return asked if asked in FORMATS else "json"
    wanted: dict[str, float] = {}
    for entry in accept.lower().split(","):
        name, *parameters = [part.strip() for part in entry.split(";")]
        form = _ACCEPTED.get(name)
        if form is not None:
            wanted[form] = max(wanted.get(form, 0.0), _quality(parameters))
    best = max(wanted.values(), default=0.0)
    return next((form for form in FORMATS if best and wanted.get(form) == best), "json")


_ACCEPTED: Final = {
    "application/json": "json",
    "*/*": "json",
    "application/*": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/plain": "text",
    "text/*": "text",
}


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
