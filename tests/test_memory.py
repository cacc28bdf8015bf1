import asyncio
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_router.memory import Memory
from state_client.store import Store

OFF: list[dict[str, object]] = [{"kind": "policy", "name": "night", "state": "off"}]
ON: list[dict[str, object]] = [{"kind": "policy", "name": "night", "state": "on"}]


async def kept(path: Path) -> dict[str, object]:
    memory = Memory(path)
    found = await memory.load()
    await memory.close()
    return found


async def test_what_is_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    memory = Memory(path)
    assert await memory.load() == {}
    memory.keep("switches", OFF)
    memory.keep("latches", {"full": {"on": True, "since": 1.5}})
    await memory.flush()
    # As after a crash: nobody has closed the first.
    assert await kept(path) == {"switches": OFF, "latches": {"full": {"on": True, "since": 1.5}}}
    await memory.close()


async def test_there_is_no_file_until_something_is_to_be_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    memory = Memory(path)
    await memory.load()
    await memory.flush()
    await memory.close()
    assert os.listdir(tmp_path) == []


async def test_others_keep_what_is_theirs_in_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    other = Store(path)
    other.save({"marks": b"{}"})
    memory = Memory(path)
    await memory.load()
    memory.keep("switches", OFF)
    await memory.flush()
    other.save({"marks": b'{"a": "b"}'})
    await memory.close()
    assert other.load() == {"marks": {"a": "b"}, "switches": OFF}
    other.close()


def delete(path: Path, replaced: bool) -> None:
    for file in path.parent.iterdir():
        file.unlink()
    if replaced:
        path.touch()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_deleted_meanwhile_is_written_anew(
    tmp_path: Path, replaced: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.db"
    latches: dict[str, object] = {"full": {"on": True, "since": 1.5}}
    memory = Memory(path, lambda: {"switches": ON, "latches": latches})
    memory.keep("latches", latches)
    memory.keep("switches", ON)
    await memory.flush()
    delete(path, replaced)
    memory.look()
    await memory.flush()
    assert await kept(path) == {"switches": ON, "latches": latches}
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "what is kept for a restart was deleted, and is written anew"
    ]
    path.unlink()
    memory.keep("switches", OFF)
    await memory.flush()
    assert await kept(path) == {"switches": OFF, "latches": latches}
    assert memory.fault == ""
    await memory.close()


async def test_a_file_that_is_deleted_at_the_end_is_written_once_more(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    memory = Memory(path, lambda: {"switches": ON})
    memory.keep("switches", ON)
    await memory.flush()
    path.unlink()
    await memory.close()
    assert await kept(path) == {"switches": ON}


async def test_a_file_that_nobody_has_made_is_not_looked_for(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "state.db", lambda: {"switches": ON})
    memory.look()
    await memory.close()
    assert os.listdir(tmp_path) == []


async def test_of_several_the_last_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    memory = Memory(path)
    for n in range(50):
        memory.keep("latches", {"n": n})
        if n % 7 == 0:
            await asyncio.sleep(0)
    await memory.flush()
    memory.keep("switches", ON)
    memory.keep("switches", OFF)
    await memory.close()
    assert await kept(path) == {"latches": {"n": 49}, "switches": OFF}


@contextmanager
def somebody_else_is_writing(path: Path) -> Iterator[None]:
    """Hold the file: whoever wants to write meanwhile has to wait."""
    Store(path).close()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    yield
    writer.execute("COMMIT")
    writer.close()


async def test_calls_have_their_turn_while_reading_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory(tmp_path / "state.db")
    with somebody_else_is_writing(tmp_path / "state.db"):
        reading = asyncio.create_task(memory.load())
        await asyncio.sleep(0.02)
    assert await reading == {}
    assert (memory.fault, caplog.records) == ("", [])
    await memory.close()


async def test_what_changes_while_writing_waits_is_written_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory(tmp_path / "state.db")
    with somebody_else_is_writing(tmp_path / "state.db"):
        memory.keep("switches", ON)
        await asyncio.sleep(0.02)
        memory.keep("switches", OFF)
    await memory.flush()
    assert (memory.fault, caplog.records) == ("", [])
    assert await kept(tmp_path / "state.db") == {"switches": OFF}
    await memory.close()


async def test_a_value_may_change_once_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    memory = Memory(path)
    values: dict[str, object] = {"n": 1}
    memory.keep("latches", values)
    values["n"] = 2
    await memory.close()
    assert await kept(path) == {"latches": {"n": 1}}


async def test_a_file_that_cannot_be_had_is_a_fault_in_words(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "nowhere" / "state.db"
    memory = Memory(path)
    assert await memory.load() == {}
    assert memory.fault == ""  # there is none yet, and nothing to write
    with caplog.at_level(logging.WARNING):
        memory.keep("switches", OFF)
        await memory.flush()
        memory.keep("latches", {})
        await memory.flush()
    assert memory.fault.startswith("latches and switches aren't kept for a restart: ")
    assert "nowhere/state.db" in memory.fault
    assert len(caplog.records) == 1
    path.parent.mkdir()
    memory.keep("latches", {"full": {}})
    await memory.flush()
    assert memory.fault == ""
    assert await kept(path) == {"switches": OFF, "latches": {"full": {}}}
    await memory.close()


async def test_what_could_not_be_written_is_tried_again_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "state.db"
    memory = Memory(path)
    memory.keep("switches", OFF)
    await memory.flush()
    assert memory.fault
    path.parent.mkdir()
    await memory.close()
    assert await kept(path) == {"switches": OFF}


async def test_what_could_not_be_written_gives_way_to_what_came_after_it(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "state.db"
    memory = Memory(path)
    memory.keep("switches", ON)
    await asyncio.sleep(0)  # it is being written
    memory.keep("switches", OFF)
    await memory.flush()
    path.parent.mkdir()
    await memory.close()
    assert await kept(path) == {"switches": OFF}


async def test_a_directory_in_its_place_is_a_fault_in_words(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    assert await memory.load() == {}
    assert memory.fault
    await memory.close()


async def test_a_way_that_leads_through_a_file_is_a_fault_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    memory = Memory(tmp_path / "file" / "state.db")
    assert await memory.load() == {}
    memory.keep("switches", OFF)
    await memory.close()
    assert memory.fault


async def test_what_is_broken_is_not_there_and_a_warning_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.db"
    store = Store(path)
    store.save({"switches": b"{", "latches": b"{}"})
    store.close()
    with caplog.at_level(logging.WARNING):
        assert await kept(path) == {"latches": {}}
    assert "what was stored as switches can't be read" in caplog.text
    path.write_bytes(b"not a database at all")
    with caplog.at_level(logging.WARNING):
        assert await kept(path) == {}
    assert "put aside as" in caplog.text
