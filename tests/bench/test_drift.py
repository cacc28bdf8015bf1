"""An hour in which events are lost, doubled and disordered: the state stays right, within a margin."""

from bench.drift import DAYS, WAYS, Drift, measure
from bench.drift_page import PAGE, read, rows

HOUR = 3600
EVENTS, CONFIRM, LOOKS, RECONCILE = WAYS


def test_asked_for_as_a_router_does_it_is_right_nearly_all_the_time() -> None:
    found = measure(RECONCILE, DAYS["rush"], HOUR)
    assert found.events > 5000
    assert found.lost > 200
    assert found.waiting > 0.3 * found.looks
    assert found.share > 0.98
    assert found.longest < 40
    assert found.reconciliations >= 10
    assert found.settled_wrong == 0
    assert found.most_in_a_minute < 120


def test_each_thing_that_is_asked_makes_it_righter() -> None:
    events, confirm, looks = (measure(way, DAYS["rush"], HOUR).share for way in (EVENTS, CONFIRM, LOOKS))
    assert events < 0.9
    assert events + 0.05 < confirm
    assert confirm + 0.01 < looks


def test_events_alone_ask_nothing() -> None:
    assert measure(EVENTS, DAYS["rush"], 60).requests == {}


def test_the_table_has_a_cell_for_each_way() -> None:
    found = Drift("a", seconds=60, looks=300, right=297, right_by_hour=[0.99], right_by_queue={"q": 0.97})
    table = {what: cells for what, *cells in rows([found, found])}
    assert table["**length right**, of all time and queues"] == ["**99.00%**"] * 2
    assert table["of the worst queue"] == ["97.00%"] * 2
    assert table["all lengths right at once after one"] == ["-"] * 2


def test_the_page_has_what_was_kept() -> None:
    page = PAGE.read_text().splitlines()
    for drifts in read().values():
        for cells in rows(drifts):
            assert f"| {' | '.join(cells)} |" in page
