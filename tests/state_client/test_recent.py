"""What counts were a moment ago."""

from state_client.recent import KEEP, MOST, Recent


def test_a_count_was_anything_between_what_it_was_then_and_is_now() -> None:
    recent = Recent()
    for now, name, by in [(1.0, "a", 1), (2.0, "b", 1), (3.0, "a", 1), (4.0, "a", -1), (5.0, "b", -1)]:
        recent.note(now, name, by)
    counts = {"a": 1, "b": 0}
    assert recent.bounds(counts, 6.0) == {"a": (1, 1), "b": (0, 0)}
    assert recent.bounds(counts, 4.0) == {"a": (1, 2), "b": (0, 1)}
    assert recent.bounds(counts, 3.0) == {"a": (1, 2), "b": (0, 1)}
    assert recent.bounds(counts, 0.0) == {"a": (0, 2), "b": (0, 1)}


def test_it_forgets() -> None:
    recent = Recent()
    recent.note(0.0, "a", 1)
    recent.note(KEEP + 1, "a", 1)
    assert recent.bounds({"a": 2}, -1.0) == {"a": (1, 2)}
    for _ in range(2 * MOST):
        recent.note(KEEP + 2, "a", 1)
    assert recent.bounds({"a": 2 * MOST + 2}, -1.0) == {"a": (MOST + 2, 2 * MOST + 2)}


def test_the_first_change_after_a_pause_does_not_wait_until_all_others_are_forgotten() -> None:
    recent = Recent()
    for _ in range(10):
        recent.note(0.0, "a", 1)
    recent.note(KEEP + 1, "a", 1)
    assert recent.bounds({"a": 11}, -1.0) == {"a": (2, 11)}
    recent.note(KEEP + 1, "a", 1)
    assert recent.bounds({"a": 12}, -1.0) == {"a": (4, 12)}
