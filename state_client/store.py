"""The last picture on disk, so that a restart begins with it: an embedded SQLite file.

It blocks: who has an event loop calls it in a thread. What is loaded is old; that it is, is for the reader to say.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

APPLICATION: Final = 0x45647253
"""What a file of ours says it is (SQLite's application_id)."""
VERSION: Final = 1
PATIENCE_AT_OPENING: Final = 0.4
"""Seconds that the opening waits for whoever has locked the file: the router's start waits for it, too."""
PATIENCE: Final = 5.0

log = logging.getLogger(__name__)


class StoreError(Exception):
    """The file can't be opened or written; the text says why. What is in memory is not touched by that."""


class StoreGone(StoreError):
    """The file that is open was deleted, or another has its name now: what is written into it, nobody finds again."""


class Store:
    """Values by name, each of them JSON. A file that is broken or somebody else's is put aside, with a warning.

    Raises StoreError where the file can't be opened at all.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        try:
            self._file = self._open()
        except (OSError, sqlite3.OperationalError) as fault:
            raise StoreError(f"{path}: {fault}") from fault

    def save(self, values: Mapping[str, bytes], gone: Iterable[str] = ()) -> None:
        """Write these values, each JSON already, and drop what is gone, all or nothing; others stay.

        Raises StoreError, and StoreGone where it would be written for nobody.
        """
        self._look_whether_there()
        try:
            with self._lock, self._file as file:
                file.executemany("DELETE FROM state WHERE name = ?", ((name,) for name in gone))
                file.executemany("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)", values.items())
        except sqlite3.Error as fault:
            raise StoreError(f"{self._path}: {fault}") from fault

    def load(self) -> dict[str, Any]:
        """Read all values. What can't be read is not there, and a warning says so."""
        try:
            with self._lock:
                rows = self._file.execute("SELECT name, value FROM state").fetchall()
        except sqlite3.Error as fault:
            log.warning("what was stored can't be read: %s: %s", self._path, fault)
            return {}
        found: dict[str, Any] = {}
        for name, value in rows:
            try:
                found[name] = orjson.loads(value)
            except orjson.JSONDecodeError as fault:
                log.warning("what was stored as %s can't be read: %s: %s", name, self._path, fault)
        return found

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _look_whether_there(self) -> None:
        try:
            found = os.stat(self._path)
        except OSError as fault:
            raise StoreGone(f"{self._path}: {fault.strerror}") from fault
        if (found.st_dev, found.st_ino) != self._inode:
            raise StoreGone(f"{self._path}: another file is there now")

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError:
            raise  # the directory isn't there, or may not be written: another file would fare no better
        except sqlite3.DatabaseError as fault:
            log.warning("the stored state is put aside as %s: %s", self._put_aside(), fault)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        """Open the file and make sure that it is whole and ours. Raises sqlite3.DatabaseError."""
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        file = sqlite3.connect(self._path, timeout=PATIENCE_AT_OPENING, check_same_thread=False)
        try:
            (application,) = file.execute("PRAGMA application_id").fetchone()
            (version,) = file.execute("PRAGMA user_version").fetchone()
            (objects,) = file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if objects and (application, version) != (APPLICATION, VERSION):
                raise sqlite3.DatabaseError("it is not a file of this program's and version")
            (whole,) = file.execute("PRAGMA quick_check(1)").fetchone()
            if whole != "ok":
                raise sqlite3.DatabaseError(whole)
            self._path.chmod(0o600)
            file.execute("PRAGMA journal_mode=WAL")
            file.execute("PRAGMA synchronous=NORMAL")
            file.execute(f"PRAGMA application_id={APPLICATION}")
            file.execute(f"PRAGMA user_version={VERSION}")
            file.execute("CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL)")
            file.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
            found = os.stat(self._path)
            self._inode = found.st_dev, found.st_ino
        except (OSError, sqlite3.Error):
            file.close()
            raise
        return file

    def copy_aside(self) -> Path:
        """Keep a copy of the file as it is, for whoever wants to know what was in it. Raises StoreError."""
        aside = self._free_name()
        try:
            os.close(os.open(aside, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
            with self._lock, closing(sqlite3.connect(aside)) as copy:
                self._file.backup(copy)
        except (OSError, sqlite3.Error) as fault:
            raise StoreError(f"{aside}: {fault}") from fault
        return aside

    def _put_aside(self) -> Path:
        """Rename the file, with the log that belongs to it, to a name that is free."""
        aside = self._free_name()
        self._path.rename(aside)
        for end in ("-wal", "-shm"):
            beside = self._path.with_name(self._path.name + end)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + end))
        return aside

    def _free_name(self) -> Path:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.broken-{number}")).exists():
            number += 1
        return aside
