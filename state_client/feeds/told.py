"""What another gateway tells, read with suspicion: everything has a limit, and what can't be is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import aiohttp
import orjson

from state_client.picture import AGENTS, ESTIMATE, GROUP_OF, TASKS, QueueValues

LONGEST_NAME: Final = 200
"""Characters of a name, an id or another text."""
MOST: Final = 10**9
"""The largest count, and the largest number of seconds."""
LONGEST_LINE: Final = 64 * 1024
LONGEST_ANSWER: Final = 2 * 1024 * 1024
LINES: Final = 64
"""Lines that are read before calls get their turn again, however many have come at once."""
AGES: Final = {TASKS: "tasks_age_secs", AGENTS: "agents_age_secs", ESTIMATE: "estimate_age_secs"}


def text(data: Mapping[str, Any], key: str) -> str:
    """A text; "" where there is none, or one that is too long."""
    value = data.get(key)
    return value if isinstance(value, str) and len(value) <= LONGEST_NAME else ""


def number(value: object, least: float = 0.0) -> float | None:
    """A number that can be a count or seconds, None for anything else. An estimate may be -1: it isn't known."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if least <= value <= MOST else None  # no comparison holds for what is no number


def queue_values(data: Mapping[str, Any]) -> tuple[QueueValues, dict[str, float | None]]:
    """A queue's values, and their ages by group: None where nobody knows, or where one of the values can't be."""
    values: QueueValues = {}
    ages = {group: number(data.get(key)) for group, key in AGES.items()}
    for field, group in GROUP_OF.items():
        key = next((key for key in (field, f"{field}_secs") if key in data), "")
        if not key or field not in QueueValues.__annotations__:
            continue
        value = number(data[key], -1.0 if group == ESTIMATE else 0.0)
        if value is None:
            ages[group] = None
        else:
            values[field] = round(value)  # type: ignore[literal-required]  # it was looked up just now
    return values, ages


def demand(answer: aiohttp.ClientResponse) -> None:
    """Raise aiohttp.ClientError for an answer that is none, or would have to be inflated."""
    if answer.status != 200:
        raise aiohttp.ClientError(f"it answers {answer.status} {answer.reason}")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise aiohttp.ClientError("its answer is compressed, which nobody asked for")


async def rows(answer: aiohttp.ClientResponse, name: str, most: int) -> list[Mapping[str, Any]]:
    """The objects in an answer's list of that name, so many at most. Raises ValueError where there is no such list."""
    demand(answer)
    body = bytearray()
    async for octets in answer.content.iter_any():
        body += octets
        if len(body) > LONGEST_ANSWER:
            raise ValueError(f"its answer is longer than {LONGEST_ANSWER} octets")
    content = orjson.loads(body)
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise ValueError(f"its answer has no {name}")
    return [row for row in found[:most] if isinstance(row, dict)]


async def events(stream: aiohttp.StreamReader) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """The events of a stream: name and data. Raises ValueError for a line that is too long or data that is no JSON."""
    name, lines = "", 0
    async for line in stream:
        lines += 1
        if lines % LINES == 0:
            await asyncio.sleep(0)
        if line.startswith(b"event:"):
            name = line[6:].strip().decode("utf-8", "replace")
        elif line.startswith(b"data:"):
            data = orjson.loads(line[5:])
            yield name, data if isinstance(data, dict) else {}
