"""The quick look at who is parked: what it corrects, what it only asks about, and what it leaves alone."""

from state_client.centre import ContactCentre
from state_client.rows import TaskRow
from tests.state_client.tidings import centre, line, row, task, tell

T = 1_700_000_000.0


def looked(cc: ContactCentre, *rows: TaskRow, at: float) -> int:
    comparison = cc.parked_comparison(at)
    comparison.take(rows, at)
    return comparison.finish(at)


def test_who_is_parked_there_and_not_here_waits() -> None:
    cc = centre()
    tell(cc, task("1", "new", T), task("2", "new", T))
    assert looked(cc, row("1", "parked", "q", T + 2), row("3", "parked", "q", T), at=T + 5) == 2
    assert line(cc) == (2, 5, 8)


def test_who_asked_to_be_called_back_does_not_wait() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"), task("2", "parked", T, "q"))
    rows = (row("1", "parked", "q", T + 20, callback=True), row("2", "parked", "q", T))
    assert looked(cc, *rows, at=T + 30) == 1
    assert line(cc)[0] == 1
    assert cc.doubted(T + 30) == ()


def test_who_waits_here_and_not_there_is_asked_about_and_nobody_else() -> None:
    cc = centre()
    tell(cc, *(task(id, "parked", T, "q") for id in ("gone", "there")), task("talks", "connected", T, "q"))
    tell(cc, task("new", "parked", T + 25, "q"), task("chat", "parked", T, "q", channel="chat"))
    assert looked(cc, row("there", "parked", "q", T), at=T + 30) == 0
    assert line(cc)[0] == 3
    assert cc.doubted(T + 31) == ("gone",)
    assert cc.settle_doubt([row("gone", "connected", "q", T + 5)], T + 31, T + 31) == 1
    assert line(cc)[0] == 2
    assert cc.doubted(T + 60) == ()


def test_a_fresh_event_is_believed_against_it_and_nothing_is_asked() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"), task("1", "connect", T + 50, "q"), task("1", "connected", T + 58, "q"))
    assert looked(cc, row("1", "parked", "q", T), at=T + 60) == 0
    assert line(cc)[0] == 0
    assert cc.doubted(T + 100) == ()
    assert looked(cc, row("1", "parked", "q", T + 62), at=T + 70) == 1
    assert line(cc)[0] == 1


def test_there_is_a_line_while_a_caller_waits_or_is_about_to() -> None:
    cc = centre()
    tell(cc, task("chat", "parked", T, "q", channel="chat"), task("out", "new", T, direction="outbound"))
    tell(cc, task("back", "parked", T, "q", outbound_type="COURTESY_CALLBACK"), task("talks", "connected", T, "q"))
    assert not cc.in_line()
    for later, type in enumerate(("new", "parked", "connect")):
        tell(cc, task("1", type, T + later, "q"))
        assert cc.in_line()
    tell(cc, task("1", "ended", T + 100, "q"))
    assert not cc.in_line()
