from edge_router.admission.placed import PlacedCalls
from edge_router.admission.share import Share


def place(placed: PlacedCalls, call_id: str, now: float, dial_peer: str = "to-cloud") -> None:
    placed.placed(
        call_id, "door", "cloud", dial_peer, ("Support",), "redirect", f"+1212{call_id:0>7}", ("+18005550111",), now
    )


def test_no_limit_by_default() -> None:
    placed = PlacedCalls()
    for number in range(1000):
        place(placed, str(number), 0.0)
    assert Share("door", "cloud").full(placed, 0.0) == ""


def test_so_many_at_a_time_whether_the_cloud_shows_them_or_not() -> None:
    placed = PlacedCalls()
    share = Share("door", "cloud", max_concurrent=2)
    place(placed, "1", 0.0)
    assert share.full(placed, 0.0) == ""
    place(placed, "2", 0.0, "other-peer")
    assert share.full(placed, 0.0) == "max_concurrent 2"
    assert Share("door", "to-cloud", max_concurrent=2).full(placed, 0.0) == ""
    placed.seen("task", "+12120000001", "+18005550111", 0.5, 1.0, queued=True)
    assert share.full(placed, 200.0) == "max_concurrent 2"
    placed.task_over("task", 1.0)
    assert share.full(placed, 1.0) == ""


def test_what_other_policies_have_there_takes_nothing_of_it() -> None:
    placed = PlacedCalls()
    for number, policy in enumerate(("night", None, "night")):
        placed.placed(str(number), policy, "cloud", "to-cloud", (), "redirect", "+12120000001", ("+18005550111",), 0.0)
    assert Share("door", "cloud", max_concurrent=1, per_minute=1).full(placed, 0.0) == ""
    place(placed, "9", 0.0)
    assert Share("door", "cloud", per_minute=1).full(placed, 0.0) == "per_minute 1"
    assert Share("night", "to-cloud", max_concurrent=2).full(placed, 0.0) == "max_concurrent 2"


def test_so_many_a_minute_whatever_became_of_them() -> None:
    placed = PlacedCalls()
    share = Share("door", "to-cloud", per_minute=2)
    place(placed, "1", 0.0)
    placed.failed("1", 0.0)
    assert share.full(placed, 5.0) == ""
    place(placed, "2", 5.0)
    assert share.full(placed, 60.0) == "per_minute 2"
    assert share.full(placed, 60.25) == ""


def test_a_burst_takes_no_more_than_its_share() -> None:
    placed = PlacedCalls()
    share = Share("door", "cloud", max_concurrent=50, per_minute=20)
    let_through: list[float] = []
    for tick in range(4 * 600):
        now = tick / 4
        if share.full(placed, now) == "":
            place(placed, str(tick), now)
            let_through.append(now)
        assert placed.concurrent(("door", "cloud")) <= 50
        assert sum(1 for at in let_through if at > now - 60) <= 20
    assert len(let_through) > 20 * 9


def test_nobody_at_all() -> None:
    placed = PlacedCalls()
    assert Share("door", "cloud", max_concurrent=0).full(placed, 0.0) == "max_concurrent 0"
    assert Share("door", "cloud", per_minute=0).full(placed, 0.0) == "per_minute 0"
