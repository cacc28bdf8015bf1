"""Posting over kept connections: the least that HTTP/1.1 asks, since thousands of events a second have to get through.

Here lives one connection that posts and reads statuses. It follows no redirect, and what an answer says besides its
status is read past. An HTTP client library does the same at a third of the speed, which the events' rate doesn't allow.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

LONGEST_ANSWER = 65536
"""Bytes that an answer may have; one that has more is a failure."""


class PostFailed(Exception):
    """There was no answer that could be read; its text says why."""


class Target:
    """Where to post to. The head that every request there has is made once."""

    __slots__ = ("head", "host", "port", "tls", "url")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.host = parts.hostname or ""
        self.tls = parts.scheme == "https"
        self.port = parts.port or (443 if self.tls else 80)
        self.head = (
            f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Content-Type: application/json\r\nUser-Agent: simulated-webex-contact-center\r\n"
        )

    def request(self, headers: Mapping[str, str], body: bytes) -> bytes:
        """The whole request. Header values must be one line each."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.head}{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One request at a time; it reconnects by itself when the other side has closed."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._buffer = b""

    async def post(self, request: bytes) -> int:
        """Post it and give the status; raises PostFailed, also if the connection broke on the way."""
        if self._transport is None or self._transport.is_closing():
            await self._connect()
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """No more posting; who waits for an answer gets PostFailed."""
        if self._transport:
            self._transport.abort()
            self._transport = None
        self._fail("the connection was closed")

    async def _connect(self) -> None:
        target = self._target
        self._buffer = b""
        context = ssl.create_default_context() if target.tls else None
        try:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_connection(lambda: self, target.host, target.port, ssl=context)
        except OSError as fault:
            raise PostFailed(f"no connection to {target.host}:{target.port}: {fault}") from fault

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            if len(self._buffer) > LONGEST_ANSWER:
                self.close()
            return
        first, *lines = head.lower().split(b"\r\n")
        words = first.split()
        if len(words) < 2 or not words[0].startswith(b"http/") or not words[1].isdigit():
            self.close()
            return
        fields = dict(line.partition(b":")[::2] for line in lines)
        length = fields.get(b"content-length", b"").strip()
        bodiless = words[1] in (b"204", b"304")
        if not bodiless and not length.isdigit():
            self._done(int(words[1]), keep=False)  # its end isn't marked in a way that is read here
        elif bodiless or len(rest) >= int(length):
            self._done(int(words[1]), keep=fields.get(b"connection", b"").strip() != b"close")
        elif int(length) > LONGEST_ANSWER:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone, or never was heard."""
        self._transport = None
        self._fail("the receiver closed the connection")

    def _done(self, status: int, keep: bool) -> None:
        self._buffer = b""
        answer, self._answer = self._answer, None
        if not keep and self._transport:
            self._transport.close()
            self._transport = None
        if answer and not answer.done():
            answer.set_result(status)

    def _fail(self, why: str) -> None:
        answer, self._answer = self._answer, None
        if answer and not answer.done():
            answer.set_exception(PostFailed(why))
