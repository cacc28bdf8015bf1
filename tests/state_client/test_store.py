"""What a restart begins with: the store on disk, and the contact centre as plain data."""

import logging
import sqlite3
import threading
from math import inf
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_client.centre import ContactCentre
from state_client.rows import QueueRow
from state_client.store import Store, StoreError
from tests.state_client.lives import calls, lines, staff, task_rows, true_lines, workers
from tests.state_client.tidings import agent, centre, line, queue, row, task, tell

T = 1_750_000_000.0


def octets(**values: Any) -> dict[str, bytes]:
    return {name: orjson.dumps(value) for name, value in values.items()}


class TestStore:
    def test_what_is_saved_is_there_after_a_restart(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        store = Store(path)
        assert store.load() == {}
        store.save(octets(centre={"length": 3}, secrets=["x"]))
        store.save(octets(centre={"length": 4}))
        # As after a crash: nobody has closed the first.
        assert Store(path).load() == {"centre": {"length": 4}, "secrets": ["x"]}
        store.close()

    def test_what_is_gone_is_not_there_after_a_restart(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "state.db")
        store.save(octets(a=1, b=2, c=3))
        store.save(octets(b=4), gone=["a", "never there"])
        assert store.load() == {"b": 4, "c": 3}
        store.close()

    def test_it_is_all_or_nothing(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "state.db")
        store.save(octets(a=1, b=2))
        with pytest.raises(StoreError):
            store.save({"c": b"3", "d": None}, gone=["a"])  # type: ignore[dict-item]  # NULL can't be stored
        assert store.load() == {"a": 1, "b": 2}
        store.close()

    def test_nobody_else_may_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        store = Store(path)
        store.save(octets(a=1))
        assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == dict.fromkeys(
            ("state.db", "state.db-wal", "state.db-shm"), "0o600"
        )
        store.close()
        path.chmod(0o644)
        Store(path).close()
        assert oct(path.stat().st_mode & 0o777) == "0o600"

    def test_it_is_written_ahead(self, tmp_path: Path) -> None:
        Store(tmp_path / "state.db").close()
        with sqlite3.connect(tmp_path / "state.db") as file:
            assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_it_may_be_called_in_any_thread(self, tmp_path: Path) -> None:
        store = Store(tmp_path / "state.db")
        threads = [threading.Thread(target=store.save, args=(octets(**{f"n{n}": n}),)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.load() == {f"n{n}": n for n in range(8)}
        store.close()

    @pytest.mark.parametrize("content", [b"not a database at all", b"SQLite format 3\0" + b"x" * 4096])
    def test_a_broken_file_is_put_aside(self, content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = tmp_path / "state.db"
        path.write_bytes(content)
        (tmp_path / "state.db.broken-1").write_bytes(b"an earlier one")
        (tmp_path / "state.db-wal").write_bytes(b"its log")
        with caplog.at_level(logging.WARNING):
            store = Store(path)
        assert "put aside as" in caplog.text
        store.save(octets(a=1))
        assert store.load() == {"a": 1}
        assert (tmp_path / "state.db.broken-2").read_bytes() == content
        assert (tmp_path / "state.db.broken-1").read_bytes() == b"an earlier one"
        store.close()

    @pytest.mark.parametrize("pragma", ["application_id=7", "user_version=99"])
    def test_somebody_elses_file_and_one_of_another_version_are_put_aside(self, pragma: str, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        Store(path).close()
        file = sqlite3.connect(path)
        file.execute(f"PRAGMA {pragma}")
        file.close()
        store = Store(path)
        assert store.load() == {}
        assert (tmp_path / "state.db.broken-1").exists()
        store.close()

    def test_pages_that_are_broken_are_found_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        store = Store(path)
        store.save(octets(**{f"n{n}": "x" * 1000 for n in range(100)}))
        store.close()
        content = bytearray(path.read_bytes())
        content[8192:12288] = b"\xff" * 4096
        path.write_bytes(content)
        store = Store(path)
        assert store.load() == {}
        assert (tmp_path / "state.db.broken-1").exists()
        store.close()

    def test_a_value_that_cannot_be_read_costs_nothing_else(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "state.db"
        store = Store(path)
        store.save(octets(a=1, b=2, c=3))
        with sqlite3.connect(path) as file:
            file.execute("UPDATE state SET value = '{' WHERE name = 'b'")
        assert store.load() == {"a": 1, "c": 3}
        assert "can't be read" in caplog.text
        store.close()

    def test_where_there_can_be_no_file_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"nowhere/state.db"):
            Store(tmp_path / "nowhere" / "state.db")
        with pytest.raises(StoreError):
            Store(tmp_path)

    def test_what_cannot_be_written_is_an_error_in_words(self, tmp_path: Path) -> None:
        path = tmp_path / "state.db"
        store = Store(path)
        with sqlite3.connect(path) as file:
            file.execute("DROP TABLE state")
        with pytest.raises(StoreError, match=r"state.db: no such table"):
            store.save(octets(a=1))
        assert store.load() == {}
        store.close()


def kept(of: ContactCentre) -> dict[str, Any]:
    return {name: orjson.loads(orjson.dumps(row)) for name, row in of.state_rows()}


def restored(of: ContactCentre, path: Path | None = None) -> ContactCentre:
    data = kept(of)
    if path:
        store = Store(path)
        store.save(octets(**data))
        store.close()
        data = Store(path).load()
    made = ContactCentre()
    assert made.restore(data)
    return made


class TestRestored:
    def test_the_last_picture_is_shown_and_is_stale(self, tmp_path: Path) -> None:
        cc = centre(QueueRow("q", "Support", max_time=300.0, team_ids=("g",)), QueueRow("c", "Chat", channel="CHAT"))
        tell(cc, task("1", "parked", T, "q"), task("2", "connected", T, "q"), agent("a", "available", T))
        cc.push("CCX", 30.0, T, length=4)
        cc.tick(T + 10)
        back = restored(cc, tmp_path / "state.db")
        back.tick(T + 10)
        assert (line(back), queue(back).calls, queue(back).agents_available) == ((1, 10, 10), 1, 1)
        assert (line(back, "CCX")[0], queue(back, "Chat").channel) == (4, "CHAT")
        for name in ("Support", "CCX"):
            shown = queue(back, name)
            assert (shown.source, shown.age(0.0), shown.age_of("length", 0.0)) == ("stored", inf, inf)
        assert queue(back).age_of("agents_available", 0.0) == inf
        team = back.picture.team("G")
        assert team is not None
        assert (team.available, team.age(0.0)) == (1, inf)

    def test_the_seed_corrects_it(self) -> None:
        cc = centre()
        tell(cc, *(task(str(n), "parked", T, "q") for n in range(3)), agent("a", "available", T))
        back = restored(cc)
        assert back.compare_tasks([row("1", "parked", "q", T)], T + 3600, T + 3601) == 2
        assert back.compare_agents([], T + 3600, T + 3601) == 1
        assert (line(back)[0], queue(back).agents_available, queue(back).source) == (1, 0, "reconcile")
        assert queue(back).age(T + 3601) == 1.0

    def test_what_calls_are_called_outside_is_kept_and_older_stores_without_it_are_read(self) -> None:
        cc = centre()
        cc.compare_tasks([row("1", "parked", "q", T, call="ours")], T, T)
        assert restored(cc).tasks["1"].call == "ours"
        older = {name: dict(one) if name == "task/1" else one for name, one in cc.state_rows()}
        del older["task/1"]["call"]
        back = ContactCentre()
        assert back.restore(older)
        assert back.tasks["1"].call == ""

    def test_who_has_gone_is_not_kept(self) -> None:
        cc = centre()
        tell(cc, agent("a", "available", T), agent("a", "", T + 1, type="logout"))
        tell(cc, task("1", "parked", T, "q"), task("1", "ended", T + 1))
        back = restored(cc)
        assert not back.agents
        assert not back.tasks

    def test_static_values_stay_what_they_are(self) -> None:
        cc = centre()
        cc.picture.set("Fixed", T, length=3)
        cc.everything_stale()
        assert queue(cc, "Fixed").age(T) == 0.0

    @given(st.data())
    def test_what_comes_back_is_what_was_there_and_goes_on(self, data: st.DataObject) -> None:
        here, there = data.draw(calls(T)), data.draw(workers(T))
        when = T + data.draw(st.integers(0, 100))
        cc = centre()
        events = sorted((event for life in here + there for event in life.told), key=lambda event: event.time)
        tell(cc, *(event for event in events if event.time <= when))
        back = restored(cc)
        assert (lines(back), staff(back)) == (lines(cc), staff(cc))
        tell(back, *(event for event in events if event.time > when))
        assert lines(back) == true_lines(here, T + 600)
        assert back.compare_tasks(task_rows(here, T + 600), T + 600, T + 600) == 0

    def test_what_ends_while_rows_are_gathered_is_no_harm(self) -> None:
        """They are gathered a few at a time: what came back before the end was there, and what was not yet, isn't."""
        cc = centre()
        tell(cc, *(task(str(n), "parked", T, "q") for n in range(3)), agent("a", "available", T))
        rows, found = cc.state_rows(), {}
        for name, value in rows:
            found[name] = value
            if name == "task/0":
                tell(cc, task("1", "ended", T + 1), task("3", "parked", T + 1, "new queue"))
                tell(cc, agent("a", "", T + 1, type="logout"))
        assert [name for name in found if name[0] in "ta" and "team" not in name] == ["task/0", "task/2"]
        back = ContactCentre()
        assert back.restore(found)
        assert line(back)[0] == 2

    def test_a_task_of_a_queue_without_a_name_comes_back(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T, "unknown"))
        back = restored(cc)
        assert (back.queues["unknown"].length, back.unknown_ids()[0]) == (1, {"unknown"})

    @pytest.mark.parametrize(
        "broken",
        [
            {},
            {"version": 1},
            {"queue/q": None},
            {"queue/q": ["Support"]},
            {"task/1": ["1"]},
            {"task/1": {"state": "asleep"}},
            {"task/1": {"state": "ended"}},
            {"task/1": {"since": "noon"}},
            {"agent/a": {"channels": [["telephony", "asleep", 1.0, "", ""]]}},
            {"agent/a": "a"},
            {"pushed/CCX": {"length": "many"}},
        ],
    )
    def test_data_of_another_form_change_nothing(self, broken: dict[str, Any]) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T, "q"), agent("a", "available", T))
        cc.push("CCX", 30.0, T, length=4)
        data = kept(cc) if broken else {}
        for name, value in broken.items():
            data[name] = data[name] | value if isinstance(value, dict) else value
        back = ContactCentre()
        assert not back.restore(data)
        assert (back.picture.names, back.tasks, back.agents) == ([], {}, {})
