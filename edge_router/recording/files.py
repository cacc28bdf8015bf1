"""The files of a recording: `calls.jsonl` and `state.jsonl`, and older parts of both, which never take too much room.

A file that has grown to its part of the room becomes `calls.jsonl.000007`, with a number that goes up, and a new one
begins; the oldest part, of whichever kind, is deleted when the room is used up. It blocks: it is not for the loop.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

KINDS: Final = ("calls", "state")
PARTS: Final = 16
"""Parts that the room is divided into."""
SMALLEST: Final = 4096
"""Octets of a part at least."""

_NUMBERED: Final = re.compile(r"(?:calls|state)\.jsonl\.([0-9]{6,12})")


class Files:
    """The files in a directory, which take `most` octets in all. Raises OSError wherever it can't write."""

    def __init__(self, directory: Path, most: int) -> None:
        self._directory = directory
        self._most = most
        self._part = max(SMALLEST, most // PARTS)
        self._open: dict[str, FileIO] = {}
        self._sizes: dict[str, int] = {}
        self._number = 0

    def write(self, kind: str, lines: bytes) -> bool:
        """Append lines of one kind, all of them or none. Says whether a new file has been begun for them."""
        file = self._still_there(kind) or self._begin(kind)
        begun = self._sizes[kind] == 0
        if not begun and self._sizes[kind] + len(lines) > self._part:
            file = self._turn(kind)
            begun = True
        try:
            _write(file, lines)
        except OSError:
            with suppress(OSError):
                os.ftruncate(file.fileno(), self._sizes[kind])  # no half line is left
            raise
        self._sizes[kind] += len(lines)
        return begun

    def close(self) -> None:
        """Close what is open."""
        for file in self._open.values():
            file.close()
        self._open.clear()

    def _still_there(self, kind: str) -> FileIO | None:
        """The open file, unless somebody has deleted or moved it: what is written into it then, nobody finds."""
        file = self._open.get(kind)
        if file is None:
            return None
        with suppress(OSError):
            if os.path.samestat(os.stat(self._path(kind)), os.fstat(file.fileno())):
                return file
        self._open.pop(kind).close()
        return None

    def _begin(self, kind: str) -> FileIO:
        """Open a file to go on with what it has; it is nobody else's to read, since it says who calls whom."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(kind)
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "a")
        self._open[kind] = file
        self._sizes[kind] = os.fstat(file.fileno()).st_size
        self._number = max([self._number, *(number for number, _ in self._parts())])
        if self._sizes[kind] and os.pread(file.fileno(), 1, self._sizes[kind] - 1) != b"\n":
            _write(file, b"\n")  # whoever wrote the last line was stopped in the middle of it
            self._sizes[kind] += 1
        self._make_room()
        return file

    def _turn(self, kind: str) -> FileIO:
        """Put a file that is full aside, and begin another."""
        self._open.pop(kind).close()
        self._number += 1
        path = self._path(kind)
        path.rename(path.with_name(f"{path.name}.{self._number:06d}"))
        return self._begin(kind)

    def _make_room(self) -> None:
        """Delete the oldest parts until the two files that are written can be full without taking too much."""
        parts = sorted(self._parts())
        room = self._most - len(KINDS) * self._part
        taken = sum(path.stat().st_size for _, path in parts)
        while parts and taken > room:
            _, path = parts.pop(0)
            taken -= path.stat().st_size
            path.unlink()

    def _parts(self) -> list[tuple[int, Path]]:
        return [
            (int(found[1]), path) for path in self._directory.iterdir() if (found := _NUMBERED.fullmatch(path.name))
        ]

    def _path(self, kind: str) -> Path:
        return self._directory / f"{kind}.jsonl"


def parts_of(path: Path) -> list[Path]:
    """The older parts beside a file of a recording, oldest first, and the file itself where it is there."""
    numbered = re.compile(re.escape(path.name) + r"\.([0-9]{6,12})")
    siblings = path.parent.iterdir() if path.parent.is_dir() else ()
    older = sorted((int(found[1]), one) for one in siblings if (found := numbered.fullmatch(one.name)))
    return [*(one for _, one in older), *([path] if path.exists() else [])]


def _write(file: FileIO, octets: bytes) -> None:
    view = memoryview(octets)
    while view:
        view = view[file.write(view) or 0 :]
