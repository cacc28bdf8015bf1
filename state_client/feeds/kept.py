"""A contact centre's state on disk now and then, so that a restart begins with the last picture and not with none.

What comes back is stale: it says which queues there are and who waited, and nothing that a rule may rely on, until the
cloud has been asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, MutableMapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import orjson

from state_client.centre import ContactCentre
from state_client.store import Store, StoreError, StoreGone
from state_client.stored import KINDS, VERSION, VERSION_ROW

EVERY: Final = 10.0
"""Seconds between two savings."""
SLICE: Final = 200
"""Rows that are gathered before calls get their turn again. It is done in the event loop, since a thread that works in
Python holds calls up for longer."""
MARKS: Final = "marks"
OWN: Final = frozenset((MARKS, VERSION_ROW, *KINDS))
"""What names of rows begin with, up to a slash."""

_log = logging.getLogger(__name__)


class Kept:
    """Keeps ``centre`` and ``marks`` (what subscriptions have which secret) in the file at ``path``.

    A file that can't be had is a ``fault`` in words and nothing else: the state is kept in memory all the same.
    """

    def __init__(
        self, path: Path, centre: ContactCentre, marks: MutableMapping[str, str], every: float = EVERY
    ) -> None:
        self.fault = ""
        self._path = path
        self._centre = centre
        self._marks = marks
        self._every = every
        self._store: Store | None = None
        self._saved: dict[str, int] = {}
        self._lost = False  # the file was deleted, and no other is open yet
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take in what the file has, and save from now on. A file that can't be had yet is tried again and again."""
        try:
            found = await self._open()
        except StoreError as error:
            self._failed(error)
        else:
            await self._take_back(found)
        self._task = asyncio.create_task(self._save_now_and_then())

    async def _open(self) -> dict[str, Any]:
        """Open the file, and give what is in it. Raises StoreError."""
        store = await asyncio.to_thread(Store, self._path)
        found = await asyncio.to_thread(store.load)
        self._store = store
        self._lost = False
        # Others have rows in this file, too, which are theirs to drop.
        self._saved = {name: 0 for name in found if name.partition("/")[0] in OWN}
        marks = found.get(MARKS)
        if isinstance(marks, dict):
            for name, mark in marks.items():
                self._marks.setdefault(str(name), str(mark))
        return found

    async def _take_back(self, found: dict[str, Any]) -> None:
        """Begin with the last picture, if it can be one."""
        assert self._store is not None, "it has just been opened"
        if self._centre.restore(found):
            _log.info("the last picture is back from %s, and stale until the contact centre answers", self._path)
        elif found.get(VERSION_ROW) == VERSION:
            try:
                aside = await asyncio.to_thread(self._store.copy_aside)
            except StoreError as error:
                _log.warning("the stored state can't be true and isn't used: %s", error)
            else:
                _log.warning("the stored state can't be true and isn't used; a copy of it is put aside as %s", aside)

    async def close(self) -> None:
        """Save once more, and close the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._store is not None:
            await self._save(self._store)
        elif self._lost:
            await self._save_anew()
        await self._close_file()

    async def _save_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                if self._store is None:
                    await self._open()  # too late for the last picture: there may be a younger one
                if self._store is not None:
                    await self._save(self._store)
            except StoreError as error:
                self._failed(error)

    async def _save(self, store: Store) -> None:
        """Write what has changed since it was last written, and drop what is there no more."""
        found: dict[str, int] = {}
        changed: dict[str, bytes] = {}
        rows = self._rows()
        while some := list(islice(rows, SLICE)):
            for name, row in some:
                octets = orjson.dumps(row)
                found[name] = hash(octets)
                if self._saved.get(name) != found[name]:
                    changed[name] = octets
            await asyncio.sleep(0)
        try:
            await asyncio.to_thread(store.save, changed, [name for name in self._saved if name not in found])
        except StoreGone as error:
            _log.warning("the stored state was deleted while it was in use, and is written anew: %s", error)
            await self._save_anew()
        except StoreError as error:
            self._failed(error)
        else:
            self._saved = found
            self.fault = ""

    async def _close_file(self) -> None:
        if self._store is not None:
            await asyncio.to_thread(self._store.close)
            self._store = None

    async def _save_anew(self) -> None:
        """Write everything into another file."""
        self._lost = True
        await self._close_file()
        try:
            await self._open()
        except StoreError as error:
            self._failed(error)
        if self._store is not None:
            await self._save(self._store)

    def _rows(self) -> Iterator[tuple[str, Any]]:
        return chain(self._centre.state_rows(), [(MARKS, dict(self._marks))])

    def _failed(self, error: StoreError) -> None:
        fault = f"the state isn't kept for a restart: {error}"
        if fault != self.fault:
            _log.warning("%s", fault)
        self.fault = fault
