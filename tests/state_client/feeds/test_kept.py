"""The last picture over a restart: a real file, and a contact centre that comes back stale."""

import asyncio
import json
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from state_client import store as store_module
from state_client.centre import ContactCentre
from state_client.feeds.kept import SLICE, Kept
from state_client.picture import Queue
from state_client.store import Store
from tests.http.api import centre, parked


def empty() -> ContactCentre:
    return ContactCentre(time.time() - time.monotonic())


def support(of: ContactCentre) -> Queue:
    queue = of.picture.queue("Support")
    assert queue is not None
    return queue


async def test_the_last_picture_comes_back_stale(tmp_path: Path) -> None:
    before = centre()
    kept = Kept(tmp_path / "state.sqlite", before, {"sub-1": "mark"})
    await kept.start()
    await kept.close()
    after, marks = empty(), dict[str, str]()
    kept = Kept(tmp_path / "state.sqlite", after, marks)
    await kept.start()
    assert (support(after).length, support(after).agents_available, support(after).id) == (1, 1, "q-1")
    assert support(after).source == "stored"
    assert support(after).age_of("length", time.monotonic()) == float("inf")
    assert support(after).age_of("agents_available", time.monotonic()) == float("inf")
    assert marks == {"sub-1": "mark"}
    assert kept.fault == ""
    await kept.close()


async def test_it_is_saved_now_and_then_and_not_only_at_the_end(tmp_path: Path) -> None:
    marks: dict[str, str] = {}
    kept = Kept(tmp_path / "state.sqlite", centre(), marks, every=0.01)
    await kept.start()
    marks["sub-1"] = "mark"
    found: dict[str, str] = {}
    async with asyncio.timeout(10):
        while not found:
            reader = Kept(tmp_path / "state.sqlite", empty(), found)
            await reader.start()
            await reader.close()
            await asyncio.sleep(0.01)
    await kept.close()


async def test_a_broken_file_is_put_aside_and_costs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"this is no database, and longer than a header of one hundred octets" * 10)
    with caplog.at_level(logging.WARNING):
        kept = Kept(path, centre(), {})
        await kept.start()
        await kept.close()
    assert "put aside" in caplog.text
    after = empty()
    kept = Kept(path, after, {})
    await kept.start()
    assert support(after).length == 1
    await kept.close()


async def test_a_file_that_can_not_be_had_is_said_and_costs_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "missing" / "state.sqlite", centre(), {})
    await kept.start()
    assert "the state isn't kept for a restart" in kept.fault
    await kept.close()


async def until_it_is_there(path: Path) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(path.exists):  # noqa: ASYNC110 (nobody tells of it)
            await asyncio.sleep(0.01)


def delete(path: Path) -> None:
    for file in path.parent.iterdir():
        file.unlink()


@pytest.mark.parametrize("at_the_end", [False, True])
async def test_a_file_that_is_deleted_meanwhile_is_written_anew(tmp_path: Path, at_the_end: bool) -> None:
    path = tmp_path / "state.sqlite"
    kept = Kept(path, centre(), {"sub-1": "mark"}, every=60 if at_the_end else 0.01)
    await kept.start()
    if not at_the_end:
        await until_it_is_there(path)
    delete(path)
    if not at_the_end:
        await until_it_is_there(path)
    await kept.close()
    after, marks = empty(), dict[str, str]()
    again = Kept(path, after, marks)
    await again.start()
    assert (support(after).length, marks, kept.fault) == (1, {"sub-1": "mark"}, "")
    await again.close()


async def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state.sqlite", centre(), {})
    await kept.start()
    await kept.close()
    assert os.stat(tmp_path / "state.sqlite").st_mode & 0o077 == 0


class Watched(Kept):
    """Knows how many rows are gathered."""

    gathered = 0

    def _rows(self) -> Iterator[tuple[str, Any]]:
        for row in super()._rows():
            self.gathered += 1
            yield row


async def test_others_get_their_turn_while_rows_are_gathered(tmp_path: Path) -> None:
    full = centre()
    for number in range(10 * SLICE):
        full.apply(parked(f"task {number}"), time.time())
    kept = Watched(tmp_path / "state.sqlite", full, {})
    await kept.start()
    closing = asyncio.create_task(kept.close())
    at_once, seen = 0, 0
    while not closing.done():
        at_once, seen = max(at_once, kept.gathered - seen), kept.gathered
        await asyncio.sleep(0)
    assert seen > 10 * SLICE
    assert at_once <= SLICE


def written(path: Path) -> dict[str, int]:
    """The rows that are there, and in the order of their writing."""
    with sqlite3.connect(path) as file:
        return dict(file.execute("SELECT name, rowid FROM state"))


async def test_only_what_has_changed_is_written(tmp_path: Path) -> None:
    path, of = tmp_path / "state.sqlite", centre()
    kept = Kept(path, of, {})
    await kept.start()
    await kept._save(kept._store)  # type: ignore[arg-type]  # it is there since the start
    before = written(path)
    of.apply(parked("task-2"), time.time())
    of.apply(replace(parked("task-1"), type="task:ended", reason="Customer Left"), time.time())
    await kept.close()
    after = written(path)
    assert set(before) - set(after) == {"task/task-1"}
    assert {name for name, row in after.items() if before.get(name) != row} == {"task/task-2"}


async def test_what_has_gone_meanwhile_does_not_come_back_after_two_restarts(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state.sqlite", centre(), {})
    await kept.start()
    await kept.close()
    again = empty()
    kept = Kept(tmp_path / "state.sqlite", again, {})
    await kept.start()
    assert list(again.tasks) == ["task-1"]
    again.apply(replace(parked("task-1"), type="task:ended", reason="Customer Left"), time.time())
    await kept.close()
    assert not [name for name in written(tmp_path / "state.sqlite") if name.startswith("task/")]


async def test_rows_of_others_in_the_file_stay(tmp_path: Path) -> None:
    place = tmp_path / "state.sqlite"
    store = Store(place)
    store.save({"switches": b"[]", "queue/gone": orjson.dumps(["Gone", "INBOUND", "TELEPHONY", 0, None])})
    store.close()
    kept = Kept(place, empty(), {})
    await kept.start()
    await kept.close()
    store = Store(place)
    found = store.load()
    store.close()
    assert "switches" in found
    assert "queue/gone" not in found


NEVER_SO: list[tuple[str, Any]] = [
    ("task/task-1", {"time": 1e308}),
    ("task/task-1", {"since": -1e308}),
    ("task/task-1", {"parked_at": 1e12}),
    ("task/task-1", {"created": "yesterday"}),
    ("agent/a-1", {"team_time": 1e300}),
    ("agent/a-1", {"channels": [["telephony", "available", 1e308, "", ""]]}),
    ("queue/q-1", ["Support", "INBOUND", "TELEPHONY", 1e308, ["t-1"]]),
    ("pushed/Pushed", {"length": 10**10}),
    ("pushed/Pushed", {"length": -1}),
    ("pushed/Pushed", {"longest_wait": 1e300}),
    ("pushed/Pushed", {"estimated_wait": -2}),
]


@pytest.mark.parametrize(("name", "change"), NEVER_SO)
async def test_what_can_not_have_been_is_not_taken_back(
    name: str, change: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, before = tmp_path / "state.sqlite", centre()
    before.push("Pushed", None, time.time(), length=3)
    kept = Kept(path, before, {"sub-1": "mark"})
    await kept.start()
    await kept.close()
    with sqlite3.connect(path) as file:
        (row,) = file.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        found = orjson.loads(row)
        found = found | change if isinstance(found, dict) else change
        file.execute("UPDATE state SET value = ? WHERE name = ?", (json.dumps(found).encode(), name))
        file.execute("INSERT INTO state VALUES ('switches', '[]')")
    after, marks = empty(), dict[str, str]()
    kept = Kept(path, after, marks)
    await kept.start()
    assert (after.picture.names, after.tasks, after.agents, kept.fault) == ([], {}, {}, "")
    assert "the stored state can't be true and isn't used" in caplog.text
    aside = path.with_name("state.sqlite.broken-1")
    assert str(aside) in caplog.text
    assert aside.stat().st_mode & 0o077 == 0
    assert name in written(aside)
    await kept.close()
    assert set(written(path)) == {"version", "marks", "switches"}
    assert marks == {"sub-1": "mark"}


async def test_a_file_that_is_locked_at_the_start_is_kept_later_and_nobody_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "PATIENCE_AT_OPENING", 0.01)
    path = tmp_path / "state.sqlite"
    kept = Kept(path, centre(), {})
    await kept.start()
    await kept.close()
    locked = sqlite3.connect(path, isolation_level=None)
    locked.execute("PRAGMA locking_mode=EXCLUSIVE")
    locked.execute("BEGIN EXCLUSIVE")
    now = centre()
    now.apply(parked("task-2"), time.time())
    kept = Kept(path, now, {}, every=0.01)
    await kept.start()
    assert "the state isn't kept for a restart" in kept.fault
    assert "locked" in kept.fault
    await asyncio.sleep(0.05)
    locked.execute("COMMIT")
    locked.close()
    async with asyncio.timeout(10):
        while kept.fault or "task/task-2" not in written(path):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert set(now.tasks) == {"task-1", "task-2"}
    await kept.close()


def test_the_start_does_not_wait_for_long() -> None:
    assert store_module.PATIENCE_AT_OPENING < 0.5
