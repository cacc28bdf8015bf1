"""A contact centre's state on disk now and then, so that a restart begins with the last picture and not with none.

What comes back is stale: it says which queues there are and who waited, and nothing that a rule may rely on, until the
cloud has been asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from pathlib import Path
from typing import Final

from state_client.centre import ContactCentre
from state_client.store import Store, StoreError

EVERY: Final = 10.0
"""Seconds between two savings: to gather 5,000 tasks and 10,000 agents takes some milliseconds."""

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
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take in what the file has, and save from now on."""
        try:
            self._store = await asyncio.to_thread(Store, self._path)
            found = await asyncio.to_thread(self._store.load)
        except StoreError as error:
            self._failed(error)
            return
        marks = found.get("marks")
        if isinstance(marks, dict):
            self._marks.update({str(name): str(mark) for name, mark in marks.items()})
        if isinstance(found.get("centre"), dict) and self._centre.restore(found["centre"]):
            _log.info("the last picture is back from %s, and stale until the contact centre answers", self._path)
        self._task = asyncio.create_task(self._save_now_and_then())

    async def close(self) -> None:
        """Save once more, and close the file."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._store is not None:
            await self._save(self._store)
            await asyncio.to_thread(self._store.close)
            self._store = None

    async def _save_now_and_then(self) -> None:
        while self._store is not None:
            await asyncio.sleep(self._every)
            await self._save(self._store)

    async def _save(self, store: Store) -> None:
        values = {"centre": self._centre.snapshot_state(), "marks": dict(self._marks)}
        try:
            await asyncio.to_thread(store.save, values)
        except StoreError as error:
            self._failed(error)
        else:
            self.fault = ""

    def _failed(self, error: StoreError) -> None:
        fault = f"the state isn't kept for a restart: {error}"
        if fault != self.fault:
            _log.warning("%s", fault)
        self.fault = fault
