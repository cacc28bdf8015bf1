"""Lines from a terminal, a pipe or a file, read while an event loop goes on."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edge_router.pasted_lines import LONGEST, PastedLines


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    try:
        yield reading, writing
    finally:
        os.close(reading)
        with suppress(OSError):  # some tests close it themselves
            os.close(writing)


async def every(lines: PastedLines) -> list[str]:
    found = []
    while True:
        try:
            found.append(await lines.next())
        except EOFError:
            return found


async def test_lines_come_one_by_one_the_last_without_an_end() -> None:
    with pipe() as (reading, writing):
        os.write(writing, b" one \r\n\ntwo\nthr")
        lines = PastedLines(reading)
        assert [await lines.next() for _ in range(3)] == ["one", "", "two"]
        last = asyncio.create_task(lines.next())
        os.write(writing, b"ee")
        os.close(writing)
        assert await last == "three"
        assert await every(lines) == []


async def test_who_does_not_wait_any_more_takes_nothing() -> None:
    with pipe() as (reading, writing):
        waiting = asyncio.create_task(PastedLines(reading).next())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        os.write(writing, b"for the next\n")
        assert await PastedLines(reading).next() == "for the next"


async def test_a_terminal() -> None:
    keyboard, terminal = os.openpty()
    try:
        os.write(keyboard, b"code-1\n")
        assert await PastedLines(terminal).next() == "code-1"
    finally:
        os.close(keyboard)
        os.close(terminal)


async def test_a_plain_file_and_nothing_at_all(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"one\n\xff\n")
    with path.open("rb") as file:
        assert await every(PastedLines(file.fileno())) == ["one", "\ufffd"]
    nothing = os.open(os.devnull, os.O_RDONLY)
    assert await every(PastedLines(nothing)) == []
    os.close(nothing)


async def test_a_descriptor_that_is_closed() -> None:
    with pipe() as (_, writing):
        os.close(writing)
        assert await every(PastedLines(writing)) == []


async def test_what_has_no_end_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"x" * (LONGEST + 1))
    with path.open("rb") as file:
        assert await every(PastedLines(file.fileno())) == []
