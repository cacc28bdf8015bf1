"""Where the time goes: functions by cProfile, lines by looking at the stack a thousand times a second."""

from __future__ import annotations

import cProfile
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from linecache import getline
from pathlib import Path
from types import CodeType, FrameType

_LOOK_EVERY = 0.001  # s
SOURCE = str(Path(__file__).parents[1] / "edge_router")


def shown(path: Path, line: int) -> str:
    """A line of source: where it stands and what it says."""
    place = f"{path.parent.name}/{path.name}:{line}"
    return f"{place:<38} {getline(str(path), line).strip():.80}"


class Lines:
    """Counts which line of the router's own source was running."""

    def __init__(self) -> None:
        self.looks = 0
        self.lines: Counter[tuple[CodeType, int]] = Counter()

    def look(self, _number: int, frame: FrameType | None) -> None:
        while frame is not None and not frame.f_code.co_filename.startswith(SOURCE):
            frame = frame.f_back  # a library or a built-in: its time is the line's that called it
        if frame is not None:
            self.looks += 1
            self.lines[frame.f_code, frame.f_lineno] += 1

    def report(self, most: int) -> Iterator[str]:
        for (code, line), count in self.lines.most_common(most):
            yield f"{100 * count / self.looks:5.1f} %  {shown(Path(code.co_filename), line)}"


@contextmanager
def sampled_lines() -> Iterator[Lines]:
    """Look at what runs until the end of the block. In the main thread only."""
    lines = Lines()
    before = signal.signal(signal.SIGALRM, lines.look)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_EVERY, _LOOK_EVERY)
    try:
        yield lines
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def report_functions(profile: cProfile.Profile, calls: int, most: int) -> Iterator[str]:
    """The functions that took most time themselves: share, times called and µs for each call.

    cProfile makes small functions look dearer than they are: the order is worth more than the figures.
    """
    entries = sorted(profile.getstats(), key=lambda entry: entry.inlinetime, reverse=True)
    total = sum(entry.inlinetime for entry in entries)
    for entry in entries[:most]:
        code = entry.code
        if isinstance(code, str):
            name, place = code, ""
        else:
            path = Path(code.co_filename)
            name, place = code.co_qualname, f"{path.parent.name}/{path.name}:{code.co_firstlineno}"
        share, times, us = entry.inlinetime / total, entry.callcount / calls, entry.inlinetime / calls * 1e6
        yield f"{100 * share:5.1f} %  {times:6.1f} x  {us:7.2f} µs  {name:<56.56} {place}"
