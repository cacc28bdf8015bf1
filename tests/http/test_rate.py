from edge_router.http.rate import Rate


def test_so_many_at_once_and_then_so_often() -> None:
    rate = Rate(10, burst=3)
    assert [rate.wait("a", 100.0) for _ in range(3)] == [0.0] * 3
    assert round(rate.wait("a", 100.0), 3) == 0.1
    assert rate.wait("a", 100.11) == 0.0
    assert rate.wait("a", 100.12) > 0


def test_what_was_refused_does_not_count() -> None:
    rate = Rate(10, burst=1)
    rate.wait("a", 100.0)
    for _ in range(50):
        assert rate.wait("a", 100.05) > 0
    assert rate.wait("a", 100.11) == 0.0


def test_each_asker_has_his_own() -> None:
    rate = Rate(10, burst=1)
    assert [rate.wait(asker, 100.0) > 0 for asker in "aabb"] == [False, True, False, True]


def test_silence_saves_up_no_more_than_a_burst() -> None:
    rate = Rate(10, burst=2)
    rate.wait("a", 100.0)
    assert [rate.wait("a", 900.0) > 0 for _ in range(4)] == [False, False, True, True]


def test_of_too_many_the_longest_silent_is_forgotten() -> None:
    rate = Rate(10, burst=1, most=2)
    for asker in ("a", "b", "c"):
        rate.wait(asker, 100.0)
    assert len(rate) == 2
    assert rate.wait("c", 100.0) > 0
    assert rate.wait("a", 100.0) == 0.0
