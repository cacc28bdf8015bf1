"""Programs that the bench starts: each in the foreground, its output in a file, ended by its own process id."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

PATIENCE = 20.0  # s for a program to become ready
_COURTESY = 5.0  # s for a program to end after it was asked to
GLANCE = 0.02  # s between two looks at a condition that nothing announces


class BenchError(Exception):
    """The bench can't go on: a program is missing, died, or didn't become ready."""


def wait_for(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Return as soon as the condition holds; BenchError if it doesn't within `patience` seconds."""
    limit = time.monotonic() + patience
    while not condition():
        if time.monotonic() > limit:
            raise BenchError(f"waited {patience:g} s in vain for {what}")
        time.sleep(GLANCE)


class Process:
    """A running program and its children."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self.command = list(command)
        self.log = log
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=log.parent,
                    env={**os.environ, **(environment or {})},
                )
            except FileNotFoundError as missing:
                raise BenchError(f"{self.command[0]} is not installed") from missing
        self.pid = self._process.pid

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def tree(self) -> list[int]:
        """The process ids of the program and of all that it started, directly or not."""
        found = [self.pid]
        for pid in found:  # grows as we go
            found += _children(pid)
        return found

    def ended(self, patience: float) -> bool:
        """Whether the program ended by itself within `patience` seconds; returns as soon as it has."""
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_until(self, ready: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Return once `ready()`; a BenchError with the program's last words if it dies before that."""
        wait_for(lambda: not self.running or ready(), f"{self.command[0]} to become ready", patience)
        if not self.running:
            words = self.log.read_text(errors="replace").strip().splitlines()[-5:]
            raise BenchError("\n".join([f"{self.command[0]} ended before it was ready:", *words]))

    def stop(self) -> None:
        """Ask the program to end; ask again, since it may be waiting for calls in progress; then insist."""
        tree = self.tree()
        for _ in range(2):
            self._process.terminate()
            if self.ended(_COURTESY):
                return
        for pid in reversed(tree):
            _kill(pid)
        self._process.wait()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return
