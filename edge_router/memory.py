"""What the router itself keeps over a restart, in the file at `state.store`: latches, switches.

Lives here: when that file is opened, read and written. It blocks, so that is done in a thread. Nobody who uses this
hears of a fault but in words: the router goes on with what it has in mind.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import orjson

from state_client.store import Store, StoreError, StoreGone

_log = logging.getLogger(__name__)

Plain = dict[str, object] | list[dict[str, object]]
"""What JSON can say."""


class Memory:
    """Values by name in the file at `path`, which is made when there is something to write.

    `fault` says in words why nothing is kept, "" where all is well. What couldn't be written is tried again with what
    comes next, and at the end. `everything` gives all values that are to be kept, for a file that begins anew.
    """

    def __init__(self, path: Path, everything: Callable[[], Mapping[str, Plain]] = dict) -> None:
        self.fault = ""
        self._path = path
        self._everything = everything
        self._store: Store | None = None
        self._waiting: dict[str, bytes] = {}
        self._writing: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def load(self) -> dict[str, object]:
        """Read all values. What isn't there or can't be read is not in them."""
        async with self._lock:
            try:
                found = await asyncio.to_thread(self._load)
            except (OSError, StoreError) as error:
                self._failed(error)
                return {}
        self.fault = ""
        return found

    def keep(self, name: str, value: Plain) -> None:
        """Write a value soon, in place of what the file has by that name. Of several, the last is written."""
        self._waiting[name] = orjson.dumps(value)
        self._write_soon()

    def look(self) -> None:
        """See soon whether the file is still there; where somebody has deleted it, everything is written anew."""
        if self._store is not None:
            self._write_soon()

    def _write_soon(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())

    async def flush(self) -> None:
        """Wait until all is written that was to be kept, or `fault` says why it isn't."""
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def close(self) -> None:
        """Write what is waiting, and close the file."""
        await self.flush()
        await self._write_all()
        async with self._lock:
            await asyncio.to_thread(self._drop)

    async def _write_all(self) -> None:
        """Write until nothing is waiting, or it can't be written; see in any case whether the file is still there."""
        async with self._lock:
            look = self._store is not None
            while self._waiting or look:
                look = False
                values, self._waiting = self._waiting, {}
                try:
                    await asyncio.to_thread(self._save, values)
                except StoreGone as error:
                    _log.warning("what is kept for a restart was deleted, and is written anew: %s", error)
                    await asyncio.to_thread(self._drop)
                    whole = {name: orjson.dumps(value) for name, value in self._everything().items()}
                    self._waiting = whole | values | self._waiting
                    continue
                except (OSError, StoreError) as error:
                    self._waiting = values | self._waiting
                    self._failed(error)
                    return
                self.fault = ""

    def _load(self) -> dict[str, object]:
        """Open the file, unless there is none, and read it."""
        if self._store is None and not self._path.exists():
            return {}
        return self._opened().load()

    def _save(self, values: dict[str, bytes]) -> None:
        self._opened().save(values)

    def _drop(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _opened(self) -> Store:
        if self._store is None:
            self._store = Store(self._path)
        return self._store

    def _failed(self, error: Exception) -> None:
        fault = f"latches and switches aren't kept for a restart: {error}"
        if fault != self.fault:
            _log.warning("%s", fault)
        self.fault = fault
