"""A recording never takes more than its room, and what disk and queue have no room for is counted."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from edge_router.recording.files import PARTS, SMALLEST, Files, parts_of
from edge_router.recording.writer import Writer

ROOM = PARTS * SMALLEST

Write = Callable[..., Writer]


@pytest.fixture
def writing() -> Iterator[Write]:
    """Writers whose files are closed in the end."""
    with ExitStack() as stack:

        def make(files: Files, **settings: Any) -> Writer:
            stack.callback(files.close)
            return Writer(files, **settings)

        yield make


def taken(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


def test_the_room_is_kept_and_the_newest_is_there(tmp_path: Path) -> None:
    files = Files(tmp_path, ROOM)
    for number in range(2_000):
        for kind in ("calls", "state"):
            files.write(kind, f"{number:063d}\n".encode())
            assert taken(tmp_path) <= ROOM
    files.close()
    for kind in ("calls", "state"):
        parts = parts_of(tmp_path / f"{kind}.jsonl")
        numbers = [int(line) for part in parts for line in part.read_text().splitlines()]
        assert len(parts) > 3
        assert numbers == list(range(numbers[0], 2_000))


def test_a_recording_goes_on_where_it_was_and_a_torn_line_is_ended(tmp_path: Path) -> None:
    files = Files(tmp_path, ROOM)
    files.write("calls", b"1\n2")
    files.close()
    files = Files(tmp_path, ROOM)
    assert not files.write("calls", b"3\n")
    files.close()
    assert (tmp_path / "calls.jsonl").read_bytes() == b"1\n2\n3\n"


def test_numbers_of_parts_go_on_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        files = Files(tmp_path, ROOM)
        for _ in range(3):
            files.write("calls", b"x" * (SMALLEST - 1) + b"\n")
        files.close()
    assert [path.name for path in parts_of(tmp_path / "calls.jsonl")] == [
        *(f"calls.jsonl.{number:06d}" for number in range(1, 6)),
        "calls.jsonl",
    ]


def test_a_file_that_is_begun_is_said_so(tmp_path: Path, writing: Write) -> None:
    writer = writing(Files(tmp_path, ROOM))
    writer.put("state", {"t": 1})
    writer.write_waiting()
    assert writer.lost_track
    writer.lost_track = False
    writer.put("state", {"t": 2})
    writer.write_waiting()
    assert not writer.lost_track


def test_a_queue_that_is_full_drops_and_counts(tmp_path: Path, writing: Write) -> None:
    writer = writing(Files(tmp_path, ROOM), most_waiting=2)
    for number in range(5):
        writer.put("calls", {"t": number})
    writer.write_waiting()
    assert (writer.written, writer.dropped) == (2, 3)


class FullDisk(Files):
    """A disk that takes nothing while it is full."""

    full = True

    def write(self, kind: str, lines: bytes) -> bool:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(kind, lines)


def test_a_full_disk_is_said_once_and_recording_goes_on_afterwards(
    tmp_path: Path, writing: Write, caplog: pytest.LogCaptureFixture
) -> None:
    files = FullDisk(tmp_path, ROOM)
    writer = writing(files)
    for _ in range(3):
        writer.put("calls", {"t": 1})
        writer.write_waiting()
    assert writer.fault == "calls aren't recorded: No space left on device"
    assert [line.getMessage() for line in caplog.records] == [writer.fault]
    assert writer.dropped == 3
    files.full = False
    writer.put("calls", {"t": 2})
    writer.write_waiting()
    assert (writer.fault, (tmp_path / "calls.jsonl").read_bytes()) == ("", b'{"t":2}\n')


class NearlyFullDisk(FullDisk):
    """It takes a short line of state now and then."""

    def write(self, kind: str, lines: bytes) -> bool:
        self.full = kind == "calls"
        return super().write(kind, lines)


def test_state_that_still_fits_does_not_hide_that_calls_are_not_recorded(
    tmp_path: Path, writing: Write, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    writer = writing(NearlyFullDisk(tmp_path, ROOM), clock=lambda: now[0])
    for _ in range(3):
        for kind in ("calls", "state"):
            writer.put(kind, {"t": 1})
            writer.write_waiting()
            assert writer.fault == "calls aren't recorded: No space left on device"
    assert len(caplog.records) == 1
    now[0] = 60.0
    writer.put("calls", {"t": 1})
    writer.write_waiting()
    assert [line.getMessage() for line in caplog.records] == [writer.fault] * 2


def test_of_both_kinds_it_is_said(tmp_path: Path, writing: Write) -> None:
    writer = writing(FullDisk(tmp_path, ROOM))
    for kind in ("calls", "state"):
        writer.put(kind, {"t": 1})
    writer.write_waiting()
    why = "No space left on device"
    assert writer.fault == f"calls aren't recorded: {why}; state isn't recorded: {why}"


def test_a_directory_that_is_deleted_meanwhile_is_made_anew(tmp_path: Path, writing: Write) -> None:
    directory = tmp_path / "recording"
    writer = writing(Files(directory, ROOM))
    for kind in ("calls", "state"):
        writer.put(kind, {"t": 1})
    writer.write_waiting()
    writer.lost_track = False
    shutil.rmtree(directory)
    for kind in ("calls", "state"):
        writer.put(kind, {"t": 2})
    writer.write_waiting()
    written = [(directory / f"{kind}.jsonl").read_bytes() for kind in ("calls", "state")]
    assert (written, writer.fault) == ([b'{"t":2}\n'] * 2, "")
    assert writer.lost_track  # the next line of state says everything


def test_a_file_that_is_moved_away_meanwhile_is_begun_anew(tmp_path: Path, writing: Write) -> None:
    writer = writing(Files(tmp_path, ROOM))
    writer.put("calls", {"t": 1})
    writer.write_waiting()
    (tmp_path / "calls.jsonl").rename(tmp_path / "mine")
    writer.put("calls", {"t": 2})
    writer.write_waiting()
    assert ((tmp_path / "mine").read_bytes(), (tmp_path / "calls.jsonl").read_bytes()) == (b'{"t":1}\n', b'{"t":2}\n')


def test_a_disk_that_is_really_full_leaves_no_half_line(tmp_path: Path, writing: Write) -> None:
    """/dev/full takes nothing, as a full disk does."""
    (tmp_path / "calls.jsonl").symlink_to("/dev/full")
    writer = writing(Files(tmp_path, ROOM))
    writer.put("calls", {"t": 1})
    writer.write_waiting()
    assert (writer.written, writer.dropped) == (0, 1)
    assert "No space left" in writer.fault


def test_what_waits_is_written_at_the_end(tmp_path: Path, writing: Write) -> None:
    writer = writing(Files(tmp_path, ROOM))
    writer.start()
    writer.put("calls", {"t": 1})
    writer.close()
    assert (tmp_path / "calls.jsonl").read_bytes() == b'{"t":1}\n'
