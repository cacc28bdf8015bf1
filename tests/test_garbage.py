import gc
import weakref
from collections.abc import Iterator

import pytest

from edge_router import garbage
from edge_router.garbage import FULL_EVERY, IDLE_AFTER, Garbage


class Node:
    """Something that can be in a cycle."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def tidied() -> list[int]:
    """An entry for each time that the Garbage has tidied up."""
    return []


@pytest.fixture
def collector(tidied: list[int]) -> Iterator[Garbage]:
    """A Garbage that has begun; the test process's own collector goes on afterwards, over what is new."""
    begun = Garbage(lambda: tidied.append(1))
    begun.begin()
    try:
        yield begun
    finally:
        gc.enable()


def cycle() -> weakref.ref[Node]:
    return weakref.ref(Node())


def test_the_automatic_collector_is_off(collector: Garbage) -> None:
    assert not gc.isenabled()


def test_what_a_library_left_behind_is_collected_while_calls_go_on(collector: Garbage) -> None:
    left = cycle()
    collector.turn((1,), litter=1)
    assert left() is None


def test_calls_alone_cost_no_collection(collector: Garbage) -> None:
    left = cycle()
    collector.turn((1,), litter=0)
    assert left() is not None


def test_a_quiet_moment_comes_once_after_traffic(collector: Garbage, tidied: list[int]) -> None:
    for number in (1, 2):
        collector.turn((number,))
        for _ in range(2 * IDLE_AFTER):
            collector.turn((number,))
        assert len(tidied) == number
    assert collector.full == 1  # at the start: a look at all that lives is not for every quiet moment


def test_what_is_tidied_up_is_collected_with_the_rest(collector: Garbage, tidied: list[int]) -> None:
    collections: list[str] = []
    gc.callbacks.append(note := lambda phase, _: collections.append(f"{phase} {len(tidied)}"))
    try:
        for _ in range(IDLE_AFTER + 1):
            collector.turn((1,))
    finally:
        gc.callbacks.remove(note)
    assert collections == ["start 1", "stop 1"]


def test_all_that_lives_is_looked_at_in_a_quiet_moment_but_seldom(collector: Garbage) -> None:
    left = cycle()
    collector.turn((0,))  # puts it out of sight
    for number in range(FULL_EVERY):
        collector.turn((number,))
    assert left() is not None
    for _ in range(IDLE_AFTER + 1):
        collector.turn((FULL_EVERY - 1,))
    assert left() is None
    assert collector.full == 2  # the first at the start


def test_memory_that_grows_without_a_quiet_moment_forces_a_collection(
    collector: Garbage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    left = cycle()
    collector.turn((1,))
    grown = garbage.resident() + garbage.MOST_GROWTH + (1 << 28)
    monkeypatch.setattr(garbage, "resident", lambda: grown)
    collector.turn((2,))
    assert left() is None
    assert collector.forced == 1
    assert "memory has grown" in caplog.text
