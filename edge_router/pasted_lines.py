"""Lines that a person pastes into the terminal, or that come by a pipe, while something else is waited for, too."""

from __future__ import annotations

import asyncio
import os
from typing import Final

LONGEST: Final = 64 * 1024
"""Octets of a line; what is longer is no address, and ends the lines."""


class PastedLines:
    """Reads a file descriptor line by line without holding up the event loop.

    Neither a thread nor its own buffers stay behind when nobody waits any more: what wasn't asked for stays unread.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._octets = b""

    async def next(self) -> str:
        """Give the next line without its end, as far as it is text; raises EOFError where there are no more."""
        while b"\n" not in self._octets and (more := await self._more()):
            self._octets += more
            if len(self._octets) > LONGEST:
                raise EOFError
        line, end, self._octets = self._octets.partition(b"\n")
        if not line and not end:
            raise EOFError
        return line.decode(errors="replace").strip()

    async def _more(self) -> bytes:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        try:
            loop.add_reader(self._descriptor, ready.set)
        except PermissionError:  # a plain file, which is always ready
            return self._read()
        except OSError:
            return b""
        try:
            await ready.wait()
        finally:
            loop.remove_reader(self._descriptor)
        return self._read()

    def _read(self) -> bytes:
        try:
            return os.read(self._descriptor, LONGEST)
        except OSError:  # closed, or the terminal has gone
            return b""
