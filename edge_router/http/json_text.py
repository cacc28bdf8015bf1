"""JSON for answers and events. What a caller sent may stand in them, and a SIP header may hold what is no text."""

from __future__ import annotations

import orjson


def json_octets(value: object) -> bytes:
    """The value as JSON, on one line; what is no Unicode in its texts becomes a question mark."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return orjson.dumps(_legible(value))


def _legible(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_legible(key): _legible(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_legible(each) for each in value]
    return value
