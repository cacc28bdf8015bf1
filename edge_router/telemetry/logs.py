"""Where log lines go: to one stream, by a thread of their own, so that a slow terminal or a full pipe stalls no call.

A line is made where it is logged, and written a moment later together with those that came meanwhile. What doesn't
fit the queue is dropped and counted. Nothing that a message holds can forge or hide a line.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import deque
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

import orjson

MOST_WAITING: Final = 10_000
"""Lines that wait to be written; a line is a few hundred octets."""

GATHER: Final = 0.05
"""Seconds in which lines are gathered before they are written together."""

PATIENCE: Final = 2.0
"""Seconds that the end of the program waits for the last lines to be written."""

Form = Literal["auto", "text", "json"]


class Event:
    """A log message that has fields besides its words (``str()`` of it)."""

    def headline(self) -> str:
        """The words without what stands in the fields."""
        raise NotImplementedError

    def fields(self) -> dict[str, object]:
        """What a machine reads: names and plain values."""
        raise NotImplementedError


def safe(text: str) -> str:
    """The text with all that isn't printable escaped: line ends, terminal sequences, what turns writing around."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def plain(value: object) -> object:
    """A value for JSON, its texts ``safe`` at any depth."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, dict):
        return {safe(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def stamp(seconds: float) -> str:
    """A moment (seconds since the epoch) as RFC 3339 UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class TextLines(logging.Formatter):
    """For people: local time, level where it matters, words. A traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; more only where there is a traceback."""
        time_of_day = datetime.fromtimestamp(record.created).strftime("%H:%M:%S.%f")[:-3]
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = f"{time_of_day} {level}{safe(record.getMessage())}"
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line = "\n    ".join([line, *map(safe, trace)])
        return line


class JsonLines(logging.Formatter):
    """For machines: one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever it holds."""
        line: dict[str, object] = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(record.msg, Event):
            line["message"] = safe(record.msg.headline())
            line.update((name, plain(value)) for name, value in record.msg.fields().items())
        else:
            line["message"] = safe(record.getMessage())
        if record.exc_info:
            line["exception"] = safe(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


class LineWriter(logging.Handler):
    """Hands lines to a thread that writes them to ``stream``.

    ``dropped`` counts lines that came while the queue was full, ``errors`` those that could not be made or written.
    """

    def __init__(self, stream: TextIO, limit: int = MOST_WAITING, gather: float = GATHER) -> None:
        super().__init__()
        self.dropped = 0
        self.errors = 0
        self._stream = stream
        self._limit = limit
        self._gather = gather
        self._waiting: deque[str] = deque()
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="log", daemon=True)
        self._thread.start()

    def write_as(self, form: Form) -> None:
        """Make the lines to come in this form; auto is text on a terminal, else JSON."""
        text = form == "text" or (form == "auto" and self._stream.isatty())
        self.setFormatter(TextLines() if text else JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Make the line and queue it. Never waits, never raises."""
        if len(self._waiting) >= self._limit:
            self.dropped += 1
            return
        try:
            self._waiting.append(self.format(record))
        except Exception:
            self.errors += 1
            return
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Write what waits, if that can be done in a moment, and end the thread."""
        self._ending.set()
        self._wake.set()
        self._thread.join(PATIENCE)
        super().close()

    def _write_on(self) -> None:
        """The thread: waits for lines, lets some more come, writes them."""
        while not self._ending.is_set():
            self._wake.wait()
            self._ending.wait(self._gather)
            self._wake.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not lines:
            return
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except Exception:  # a closed pipe, a full disk: the calls don't care
            self.errors += len(lines)


def start_logging(level: str, form: Form = "auto", stream: TextIO | None = None) -> LineWriter:
    """Send all log lines from ``level`` up to ``stream`` (stderr); auto is text on a terminal, else JSON.

    Replaces what was set up before. ``close()`` of what it returns writes the last
    lines; ``logging`` calls it at the end of the program.
    """
    writer = LineWriter(stream or sys.stderr)
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, LineWriter)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(writer)
    set_logging(level, form)
    return writer


def set_logging(level: str, form: Form) -> None:
    """Change level and form of what was set up, for lines to come."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for each in root.handlers:
        if isinstance(each, LineWriter):
            each.write_as(form)
