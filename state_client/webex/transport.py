"""What every request to the cloud has in common: where it may go, how much of an answer is read, what an error says."""

from __future__ import annotations

import asyncio
import ipaddress
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import aiohttp
import orjson
from yarl import URL

from state_client.webex.fields import part, parts, text

CONNECT_TIMEOUT: Final = 10.0
"""Seconds until a connection stands, TLS included."""

TIMEOUT: Final = 30.0
"""Seconds for a whole request and its answer."""

UNKNOWN_PAUSE: Final = 60.0
"""Seconds to wait after a 429 that doesn't say how long: the cloud counts by the minute."""

GZIP: Final = "gzip"
"""How an answer may be compressed."""

SLICE: Final = 256 * 1024
"""Octets that are inflated before calls get their turn again: well under a millisecond's work."""

Observe = Callable[[str, str], None]
"""Told of every request: its operation and the answer's status, or ``timeout`` or ``error`` where none came."""


def unobserved(operation: str, code: str) -> None:
    """Tell nobody."""


Dated = Callable[[str, float, float], None]
"""Told the date that an answer has in its header, and when it was asked for and answered in our clock."""


def undated(date: str, asked: float, answered: float) -> None:
    """Tell nobody."""


class TooLarge(Exception):
    """An answer is longer than we read."""


def new_tracking_id() -> str:
    """A name for one request, which the cloud writes in its logs too."""
    return f"edge-router_{uuid.uuid4()}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(address: str, what: str) -> URL:
    """The URL, if a token may be sent there. Raises ValueError: it has to be HTTPS, but on this very machine."""
    url = URL(address)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{what} {address!r} is no http or https address")
    if url.user is not None or url.password is not None or url.query_string or url.fragment:
        raise ValueError(f"{what} may hold no user, password, query or fragment")
    if url.scheme == "http" and not is_loopback(url.host):
        raise ValueError(f"{what} {address!r} has to begin with https: what is sent there is secret")
    return url


def open_session(address: str) -> aiohttp.ClientSession:
    """A session for requests to ``address``: no cookies, and through a proxy where the environment names one."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=not is_loopback(URL(address).host or ""),
        connector=aiohttp.TCPConnector(limit_per_host=8),
        headers={"Accept-Encoding": GZIP},
        auto_decompress=False,  # `read_body` does that, and lets calls have their turn
    )


def timeouts(total: float) -> aiohttp.ClientTimeout:
    """The limits of one request, in seconds."""
    return aiohttp.ClientTimeout(total=total, connect=CONNECT_TIMEOUT)


async def read_body(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body as it is after decompression. Raises `TooLarge`, and aiohttp.ClientError where it didn't come whole."""
    body = bytearray()
    async for piece in _inflated(response):
        body += piece
        if len(body) > most:
            response.close()
            raise TooLarge
    return bytes(body)


async def _inflated(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body in pieces: a small answer may inflate to a thousand times its size, which isn't done at once."""
    coding = response.headers.get("Content-Encoding", "identity").lower()
    if coding not in (GZIP, "identity"):
        raise aiohttp.ClientPayloadError("the answer is compressed in a way that nobody asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    seen = 0
    async for chunk in response.content.iter_any():
        seen += len(chunk)
        while chunk and coding == GZIP:
            try:
                yield unpacker.decompress(chunk, SLICE)
            except zlib.error as error:
                raise aiohttp.ClientPayloadError("the answer can't be inflated") from error
            chunk = unpacker.unconsumed_tail
            await asyncio.sleep(0)
        if chunk:
            yield chunk
    if coding == GZIP and seen and not unpacker.eof:
        raise aiohttp.ClientPayloadError("the compressed answer didn't come whole")


def retry_after(headers: Mapping[str, str], now: float) -> float:
    """The seconds of a Retry-After, which may also be a date (RFC 9110 §10.2.3), by the clock of who sent it."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until = read_date(value)
    return UNKNOWN_PAUSE if until is None else max(until - (read_date(headers.get("Date", "")) or now), 0.0)


def ordered_pause(status: int, headers: Mapping[str, str], now: float) -> float:
    """The seconds for which an answer orders a pause, 0 where it orders none. After a 429 there is always one."""
    return retry_after(headers, now) if status == 429 or headers.get("Retry-After") else 0.0


def read_date(value: str) -> float | None:
    """The seconds since the epoch of a date in a header, None where it is none."""
    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def read_json(body: bytes) -> Any:
    """The JSON of an answer, None if there is none. Raises ValueError."""
    return orjson.loads(body) if body else None


def read_fault(body: bytes, fallback: str) -> tuple[str, str]:
    """The cloud's words in an error's body and its tracking id. ``fallback`` stands where there are no words.

    The contact centre puts them into ``error.reason`` and ``error.message[].description``; OAuth into
    ``error_description`` (RFC 6749 §5.2) or ``message`` and ``errors[].description``; a search into
    ``errors[].message``.
    """
    try:
        answer = read_json(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return fallback, ""
    error = part(answer, "error")
    words = [text(error, "reason"), *(text(item, "description") for item in parts(error, "message"))]
    words += [text(error, "message"), text(answer, "error"), text(answer, "error_description"), text(answer, "message")]
    words += [text(item, name) for item in parts(answer, "errors") for name in ("description", "message")]
    tracking_id = text(answer, "trackingId")
    return "; ".join(dict.fromkeys(filter(None, words))) or fallback, tracking_id


def describe(error: BaseException, timeout: float) -> tuple[str, str]:
    """Why no answer came: a word for the metric, and words for people."""
    if isinstance(error, TimeoutError):
        return "timeout", f"no answer within {timeout:g} s"
    return "error", str(error) or type(error).__name__
