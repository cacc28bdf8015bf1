"""What a request asks: numbers, lists and JSON, checked; and answers that are compressed where the cloud does so."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import hdrs, web

from state_client.simulator.refusal import Refusal

COMPRESSED_FROM = 1_000_000
"""Bytes from which an answer is compressed, if the client says that it can read it."""


def whole(request: web.Request, name: str, least: int, most: int, default: int | None = None) -> int:
    """A whole number of the query; raises Refusal 400."""
    text = request.query.get(name)
    if text is None:
        if default is None:
            raise Refusal(400, f"{name} is required")
        return default
    try:
        value = int(text)
    except ValueError:
        raise Refusal(400, f"{name} must be a whole number") from None
    if not least <= value <= most:
        raise Refusal(400, f"{name} must be from {least} to {most}")
    return value


def several(request: web.Request, name: str, most: int = 100) -> list[str]:
    """Values of the query, separated by commas or given again and again; raises Refusal 400 for too many."""
    values = [value for text in request.query.getall(name, []) for value in text.split(",") if value]
    if len(values) > most:
        raise Refusal(400, f"{name} must have at most {most} values")
    return values


async def content(request: web.Request) -> Any:
    """The JSON of the body; raises Refusal 400."""
    try:
        return orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise Refusal(400, "the body is not JSON") from None


async def content_object(request: web.Request) -> dict[str, Any]:
    """The JSON object of the body; raises Refusal 400."""
    found = await content(request)
    if not isinstance(found, dict):
        raise Refusal(400, "the body is not an object")
    return found


def answer(request: web.Request, body: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    data = orjson.dumps(body)
    response = web.Response(body=data, status=status, content_type="application/json")
    if len(data) > COMPRESSED_FROM and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        response.enable_compression(web.ContentCoding.gzip)
    return response
