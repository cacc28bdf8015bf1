"""Comparing with searches: what was lost is put right, and nothing newer is undone."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_client.order import SETTLE
from state_client.rows import AgentEvent, AgentRow, QueueRow, TaskEvent
from state_client.task import OFFERED, PARKED
from tests.state_client.lives import (
    Life,
    agent_counts,
    agent_rows,
    calls,
    lines,
    parked_counts,
    staff,
    task_rows,
    true_lines,
    true_staff,
    workers,
)
from tests.state_client.tidings import agent, centre, line, queue, row, task, tell

T = 1_750_000_000.0
END = T + 600

Arrival = tuple[float, TaskEvent | AgentEvent]


def arrivals(data: st.DataObject, lives: list[Life], *, lost: bool) -> list[Arrival]:
    """Events as they come in: late, in any order, some twice, some never."""
    coming: list[Arrival] = []
    for event in (event for life in lives for event in life.told):
        copies = data.draw(st.sampled_from([0, 1, 1, 1, 2] if lost else [1, 1, 2]))
        coming += [(event.time + data.draw(st.integers(0, 60_000)) / 1000, event) for _ in range(copies)]
    return sorted(coming, key=lambda one: one[0])


@given(st.data())
def test_without_a_loss_any_order_comes_to_the_truth(data: st.DataObject) -> None:
    here, there = data.draw(calls(T)), data.draw(workers(T))
    cc = centre()
    for now, event in arrivals(data, here + there, lost=False):
        cc.apply(event, now)
    assert (lines(cc), staff(cc)) == (true_lines(here, END), true_staff(there, END))


@given(st.data())
def test_whatever_was_lost_a_full_comparison_comes_to_the_truth(data: st.DataObject) -> None:
    here, there = data.draw(calls(T)), data.draw(workers(T))
    cc = centre()
    for now, event in arrivals(data, here + there, lost=True):
        cc.apply(event, now)
    tasks, agents = task_rows(here, END), agent_rows(there, END)
    cc.compare_tasks(tasks, END, END + 1)
    cc.compare_agents(agents, END, END + 1)
    assert lines(cc) == true_lines(here, END)
    assert set(cc.tasks) == {each.id for each in tasks}
    # Who doesn't respond is called idle by some of the cloud's lists: that is no difference.
    assert coarse(staff(cc)) == coarse(true_staff(there, END))
    assert (cc.compare_tasks(tasks, END + 9, END + 9), cc.compare_agents(agents, END + 9, END + 9)) == (0, 0)
    assert (cc.confirm_tasks(parked_counts(here, END), END + 9, END + 9)) == ()
    assert (cc.confirm_agents(agent_counts(there, END), END + 9, END + 9)) == ()
    shown = {each.id for each in tasks} | {each.agent_id for each in agents}
    late = [
        event for life in here + there if life.id in shown for event in life.told if event.time < life.moments[-1][0]
    ]
    assert {cc.apply(event, END + 20) for event in late} <= {"late"}
    assert lines(cc) == true_lines(here, END)


@given(st.data())
def test_a_lagging_search_undoes_nothing_that_events_have_told(data: st.DataObject) -> None:
    here, there = data.draw(calls(T)), data.draw(workers(T))
    cc = centre()
    events = sorted((event for life in here + there for event in life.told), key=lambda event: event.time)
    for event, following in pairwise([*events, None]):
        assert event is not None
        cc.apply(event, event.time)
        now = event.time
        if following is not None and following.time == now:
            continue
        if data.draw(st.booleans()):
            lag = data.draw(st.integers(0, int(SETTLE) - 1))
            assert cc.confirm_tasks(parked_counts(here, now - lag), now, now) == ()
            assert cc.confirm_agents(agent_counts(there, now - lag), now, now) == ()
            cc.compare_tasks(task_rows(here, now - lag), now, now)
            cc.compare_agents(agent_rows(there, now - lag), now, now)
        assert (lines(cc), staff(cc)) == (true_lines(here, now), true_staff(there, now))


@given(st.data(), st.integers(0, int(SETTLE) - 1))
def test_a_seed_among_events_comes_to_the_truth(data: st.DataObject, lag: int) -> None:
    """The router starts in the middle of the day: it hears what happens from then on, and gets a search that lags."""
    here, there = data.draw(calls(T)), data.draw(workers(T))
    start = T + data.draw(st.integers(0, 100))
    cc = centre()
    seed = start + SETTLE
    events = [event for life in here + there for event in life.told if event.time > start]
    for event in sorted(events, key=lambda event: event.time):
        if seed and event.time > seed:
            cc.compare_tasks(task_rows(here, seed - lag), seed, seed)
            cc.compare_agents(agent_rows(there, seed - lag), seed, seed)
            seed = 0.0
        cc.apply(event, event.time)
    if seed:
        cc.compare_tasks(task_rows(here, seed - lag), seed, seed)
        cc.compare_agents(agent_rows(there, seed - lag), seed, seed)
    assert lines(cc) == true_lines(here, END)
    assert staff(cc) == true_staff(there, END)


def coarse(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    merged = {}
    for team, states in counts.items():
        of_team = dict(states)
        idle = of_team.pop("idle", 0) + of_team.pop("not_responding", 0)
        merged[team] = of_team | ({"idle": idle} if idle else {})
    return merged


class TestTasks:
    def test_a_seed_fills_the_picture(self) -> None:
        cc = centre(offset=1000.0)
        rows = [row("1", "parked", "q", T - 20, T - 30), row("2", "connected", "q", T - 5), row("3", "new", "", T - 5)]
        assert cc.compare_tasks(rows, T, T + 2) == 3
        cc.tick(T)
        assert (line(cc), queue(cc).calls) == ((1, 30, 30), 1)
        assert (queue(cc).of_tasks.source, queue(cc).age_of("length", T - 1000 + 7)) == ("reconcile", 7.0)
        assert queue(cc, "Sales").age_of("length", T - 1000 + 7) == 7.0, "an empty queue is known to be empty"

    def test_it_comes_page_by_page(self) -> None:
        cc = centre()
        tell(cc, task("9", "parked", T - 60, "q"))
        comparison = cc.task_comparison(T, "reconcile")
        comparison.take([row("1", "parked", "q", T - 20)], T + 1)
        comparison.take([row("2", "parked", "q", T - 20)], T + 2)
        assert line(cc)[0] == 3
        comparison.check(comparison.kept(), T + 3)
        assert comparison.finish(T + 3) == 3
        assert sorted(cc.tasks) == ["1", "2"]

    def test_what_happens_between_two_slices_of_a_check_is_no_harm(self) -> None:
        cc = centre()
        tell(cc, *(task(str(n), "parked", T - 60, "q") for n in range(3)))
        comparison = cc.task_comparison(T, "reconcile")
        comparison.take([row("2", "parked", "q", T - 60)], T + 1)
        kept = comparison.kept()
        comparison.check(kept[:1], T + 1)
        tell(cc, task("1", "ended", T - 59), task("4", "parked", T + 1, "q"))
        comparison.check(kept[1:], T + 1)
        assert comparison.finish(T + 1) == 1
        assert sorted(cc.tasks) == ["2", "4"]
        assert line(cc)[0] == 2

    def test_who_has_been_with_an_agent_waits_since_he_was_last_touched(self) -> None:
        cc = centre()
        cc.compare_tasks([row("1", "parked", "q", T - 20, T - 900, agent="a")], T, T)
        cc.tick(T)
        assert line(cc) == (1, 20, 20)

    def test_the_event_that_comes_late_says_it_better(self) -> None:
        cc = centre()
        cc.compare_tasks([row("1", "parked", "q", T - 20, T - 30)], T, T)
        assert tell(cc, task("1", "parked", T - 21, "q"), delay=22.0) == ["late"]
        cc.tick(T)
        assert line(cc) == (1, 21, 21)

    def test_an_end_just_heard_of_is_not_undone_but_a_life_that_goes_on_is_seen(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T - 60, "q"), task("1", "ended", T - 9, "q"))
        assert cc.compare_tasks([row("1", "parked", "q", T - 60)], T, T + 1) == 0
        assert line(cc)[0] == 0
        assert cc.compare_tasks([row("1", "parked", "q", T - 60)], T + 2, T + 3) == 1
        assert line(cc)[0] == 1

    def test_what_ended_is_not_raised_for_its_paperwork(self) -> None:
        cc = centre()
        tell(cc, task("1", "connected", T - 90, "q"), task("1", "ended", T - 60, "q"))
        assert cc.compare_tasks([row("1", "wrapup", "q", T - 60)], T, T) == 0

    def test_a_search_that_shows_an_end_ends_it(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T - 60, "q"), task("2", "parked", T - 60, "q"))
        rows = [row("1", "ended", "q", T - 20), row("2", "parked", "q", T - 20, active=False)]
        assert cc.compare_tasks(rows, T, T) == 2
        assert not cc.tasks

    def test_other_channels_and_calls_out_are_not_the_searchs_business(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T - 60, "q", channel="chat"), task("2", "connect", T - 60, direction="outbound"))
        assert cc.compare_tasks([], T, T) == 0
        assert len(cc.tasks) == 2

    def test_a_telephone_that_rings_is_parked_to_some_searches(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T - 60, "q"), task("1", "connect", T - 15, "q"))
        assert cc.compare_tasks([row("1", "parked", "q", T - 60)], T, T) == 0
        assert cc.tasks["1"].state == OFFERED
        assert cc.compare_tasks([row("1", "parked", "q", T - 60, T - 300)], T + 20, T + 20) == 1
        cc.tick(T + 20)
        assert (cc.tasks["1"].state, line(cc)) == (PARKED, (1, 80, 80))

    def test_a_callback_that_no_event_told_stops_counting(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T - 60, "q"))
        assert cc.compare_tasks([row("1", "parked", "q", T - 20, callback=True)], T, T) == 1
        assert line(cc) == (0, 0, 0)
        assert cc.compare_tasks([row("1", "parked", "q", T - 20)], T + 20, T + 20) == 0, "it stays one"
        assert cc.confirm_tasks({"q": 1}, T + 20, T + 20) == (), "and a count of parked contacts may count it"
        assert cc.confirm_tasks({"q": 0}, T + 20, T + 20) == ()
        assert cc.confirm_tasks({"q": 2}, T + 20, T + 20) == ("q",)

    def test_what_a_call_is_called_outside_is_learnt_and_told_though_nothing_else_differs(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T - 1, "q"))
        heard: list[str] = []
        cc.table.listener = lambda one: heard.append(one.call)
        assert cc.compare_tasks([row("1", "parked", "q", T - 1, call="ours")], T, T) == 0
        cc.compare_tasks([row("1", "parked", "q", T - 1, call="ours"), row("2", "parked", "q", T - 1)], T, T)
        cc.compare_tasks([row("1", "parked", "q", T - 1), row("2", "parked", "q", T - 1)], T, T)
        assert (heard, cc.tasks["1"].call) == (["ours", ""], "ours")

    def test_what_it_shows_as_it_was_makes_older_events_late(self) -> None:
        cc = centre()
        tell(cc, task("1", "connected", T - 90, "q"))
        assert cc.compare_tasks([row("1", "connected", "q", T - 20)], T, T) == 0
        assert tell(cc, task("1", "on-hold", T - 40), delay=41.0) == ["late"]

    def test_what_it_shows_no_more_has_ended_and_older_events_are_late(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T - 90, "q"))
        assert cc.compare_tasks([], T, T) == 1
        assert tell(cc, task("1", "connect", T - 20, "q"), delay=21.0) == ["late"]

    def test_an_event_that_a_lagging_search_may_not_have_seen_goes_on_from_there(self) -> None:
        cc = centre()
        cc.compare_tasks([row("1", "parked", "q", T - 1)], T, T)
        cc.compare_tasks([row("2", "connected", "q", T - 1), row("1", "parked", "q", T - 1)], T, T)
        assert tell(cc, task("1", "connect", T - 2, "q"), delay=3.0) == ["applied"]
        assert tell(cc, task("2", "parked", T - 2, "q"), delay=3.0) == ["late"]
        cc.compare_tasks([row("3", "parked", "q", T - 60)], T, T)
        assert tell(cc, task("3", "connect", T - 61, "q"), delay=62.0) == ["late"]

    @pytest.mark.parametrize("status", ["on-hold", "consulting", "conferencing", "connected"])
    def test_in_a_call_is_in_a_call(self, status: str) -> None:
        cc = centre()
        tell(cc, task("1", "connected", T - 60, "q"))
        assert cc.compare_tasks([row("1", status, "q", T - 20)], T, T) == 0
        assert cc.compare_tasks([row("2", status, "q", T - 20), row("1", "no idea")], T, T) == 1
        assert queue(cc).calls == 2


class TestConfirm:
    def test_who_agrees_gets_younger_who_does_not_grows_old(self) -> None:
        cc = centre()
        cc.compare_tasks([], T, T)
        tell(cc, task("1", "parked", T + 1, "q"))
        assert cc.confirm_tasks({"q": 1, "r": 1}, T + 30, T + 31) == ("r",)
        assert (queue(cc).of_tasks.source, queue(cc).age_of("length", T + 32)) == ("confirm", 2.0)
        assert (queue(cc, "Sales").of_tasks.source, queue(cc, "Sales").age_of("length", T + 32)) == ("reconcile", 32.0)
        assert cc.confirm_tasks({}, T + 60, T + 61) == ("q",)

    def test_a_count_may_lag_by_what_has_just_happened(self) -> None:
        cc = centre()
        tell(cc, *(task(str(n), "parked", T + n, "q") for n in range(4)))
        assert [cc.confirm_tasks({"q": n}, T + SETTLE + 1.5, T + 12) for n in range(6)] == [
            *([("q",)] * 2),
            *([()] * 3),
            ("q",),
        ]

    def test_a_queue_never_heard_of_disagrees_and_is_asked_for(self) -> None:
        cc = centre()
        assert cc.confirm_tasks({"x": 1}, T, T) == ("x",)
        assert cc.unknown_ids()[0] == {"x"}

    def test_other_channels_are_not_counted(self) -> None:
        cc = centre(QueueRow("c", "Chat", channel="CHAT", team_ids=("g",)))
        tell(cc, task("1", "parked", T, "c", channel="chat"))
        assert cc.confirm_tasks({}, T + 60, T + 60) == ()
        assert cc.confirm_agents({}, T + 60, T + 60) == ()
        assert queue(cc, "Chat").age_of("length", T + 60) == 60.0
        assert queue(cc, "Chat").age_of("agents_available", T + 60) == inf

    def test_nothing_but_events_renews_who_waits_for_a_chat(self) -> None:
        cc = centre(QueueRow("c", "Chat", channel="CHAT", team_ids=("g",)))
        tell(cc, task("1", "parked", T, "c", channel="chat"))
        assert cc.compare_tasks([], T + 60, T + 60) == 0
        assert line(cc, "Chat")[0] == 1
        assert queue(cc, "Chat").age_of("length", T + 60) == 60.0

    def test_a_queue_is_as_young_as_all_its_teams(self) -> None:
        cc = centre()
        tell(cc, agent("a", "available", T), agent("b", "idle", T, "s"))
        counts = {("g", "available"): 1, ("s", "available"): 1}
        assert cc.confirm_agents(counts, T + 30, T + 31) == ("s",)
        assert queue(cc, "Sales").age_of("agents_available", T + 32) == 2.0
        assert queue(cc).age_of("agents_available", T + 32) == 32.0
        team = cc.picture.team("G")
        assert team is not None
        assert (team.of_agents.source, team.age(T + 32)) == ("confirm", 2.0)

    def test_a_count_in_fewer_words_than_ours(self) -> None:
        cc = centre()
        for id, word in {"a": "not-responding", "b": "wrapup", "c": "ringing", "d": "connected"}.items():
            tell(cc, agent(id, word, T))
        assert cc.confirm_agents({("g", "idle"): 1, ("g", "connected"): 3}, T + 30, T + 30) == ()

    def test_agents_who_have_just_changed_may_be_counted_either_way(self) -> None:
        cc = centre()
        tell(cc, agent("a", "available", T), agent("a", "idle", T + 30))
        assert cc.confirm_agents({("g", "available"): 1}, T + 35, T + 35) == ()
        assert cc.confirm_agents({("g", "idle"): 1}, T + 35, T + 35) == ()
        assert cc.confirm_agents({("g", "available"): 1}, T + 41, T + 41) == ("g",)


class TestDoubt:
    def test_who_waits_longer_than_the_queue_allows_is_doubted_and_does_not_count(self) -> None:
        cc = centre(QueueRow("q", "Support", max_time=300.0), QueueRow("r", "Sales"))
        tell(cc, task("1", "parked", T, "q"), task("2", "parked", T + 1, "q"), task("3", "parked", T, "r"))
        cc.tick(T + 360)
        assert (line(cc)[0], cc.doubted(T + 360)) == (2, ())
        cc.tick(T + 360.5)
        assert (line(cc), cc.doubted(T + 360.6)) == ((1, 359, 359), ("1",))
        assert cc.doubted(T + 362) == ("1", "2")
        assert cc.doubted(T + 3661) == ("1", "2", "3"), "an hour, where the queue doesn't say"

    def test_a_check_settles_it(self) -> None:
        cc = centre(QueueRow("q", "Support", max_time=300.0))
        tell(cc, *(task(str(n), "parked", T, "q") for n in range(5)))
        now = T + 400
        assert len(cc.doubted(now)) == 5
        rows = [
            row("0", "parked", "q", T),
            row("1", "parked", "q", T, callback=True),
            row("2", "connected", "q", T + 10),
            row("3", "parked", "q", T, active=False),
        ]
        assert cc.settle_doubt(rows, now, now) == 4
        assert (line(cc)[0], queue(cc).calls, sorted(cc.tasks)) == (1, 1, ["0", "1", "2"])
        assert cc.doubted(now + 300) == ()
        assert cc.doubted(now + 361) == ("0",), "and is asked again when as much time has passed"

    def test_what_has_just_been_heard_of_it_counts_more(self) -> None:
        cc = centre(QueueRow("q", "Support", max_time=300.0))
        tell(cc, task("1", "parked", T, "q"), task("1", "parked", T + 365, "q"))
        assert cc.doubted(T + 366) == ("1",)
        assert cc.settle_doubt([], T + 370, T + 370) == 0
        assert cc.doubted(T + 376) == ("1",)
        assert cc.settle_doubt([], T + 376, T + 376) == 1

    def test_what_was_not_asked_for_is_not_settled(self) -> None:
        cc = centre(QueueRow("q", "Support", max_time=300.0))
        tell(cc, task("1", "parked", T, "q"), task("2", "parked", T + 10, "q"))
        assert cc.doubted(T + 365) == ("1",)
        assert cc.settle_doubt([], T + 365, T + 372) == 1
        assert sorted(cc.tasks) == ["2"]
        assert cc.doubted(T + 372) == ("2",)

    def test_what_a_search_shows_otherwise_too_soon_is_asked_for_later(self) -> None:
        cc = centre()
        tell(cc, *(task(str(n), "parked", T, "q") for n in range(3)))
        # Two have ended and one is connected, and no event has said so.
        assert cc.compare_tasks([row("2", "connected", "q", T + 2)], T + 5, T + 5) == 0
        assert (line(cc)[0], cc.doubted(T + 9.9)) == (3, ())
        assert cc.doubted(T + 10) == ("0", "1", "2")
        rows = [row("0", "ended", active=False), row("2", "connected", "q", T + 2)]
        assert cc.settle_doubt(rows, T + 10, T + 11) == 3
        assert (line(cc)[0], queue(cc).calls, sorted(cc.tasks)) == (0, 1, ["2"])
        assert cc.doubted(T + 30) == ()

    def test_what_is_asked_for_and_is_as_it_was_is_not_asked_again(self) -> None:
        cc = centre()
        tell(cc, task("1", "parked", T, "q"), task("2", "parked", T, "q"))
        cc.compare_tasks([], T + 5, T + 5)
        assert cc.doubted(T + 10) == ("1", "2")
        assert cc.settle_doubt([row("1", "parked", "q", T), row("2", "no idea")], T + 10, T + 10) == 0
        assert (line(cc)[0], cc.doubted(T + 30)) == (2, ())

    def test_of_what_is_new_a_search_is_believed_at_once(self) -> None:
        cc = centre()
        tell(cc, task("1", "new", T))
        assert cc.compare_tasks([row("1", "parked", "q", T + 2)], T + 5, T + 5) == 1
        assert line(cc)[0] == 1

    def test_a_full_comparison_does_not_settle_it(self) -> None:
        cc = centre(QueueRow("q", "Support", max_time=300.0))
        tell(cc, task("1", "parked", T, "q"))
        cc.doubted(T + 400)
        assert cc.compare_tasks([row("1", "parked", "q", T)], T + 400, T + 400) == 0
        assert (line(cc)[0], cc.doubted(T + 400)) == (0, ("1",))


class TestAgents:
    def test_a_seed(self) -> None:
        cc = centre()
        rows = [
            AgentRow("a", "available", name="Ann", team_id="g", since=T - 5),
            AgentRow("a", "Idle", "chat", team_id="g", since=T - 5, idle_code="Lunch"),
            AgentRow("b", "connected", team_id="s", since=T - 5),
            AgentRow("c", "idle", team_id="s", active=False),
            AgentRow("d", "dozing", team_id="s"),
        ]
        assert cc.compare_agents(rows, T, T + 1) == 3
        assert (queue(cc).agents_available, queue(cc).agents_signed_on) == (1, 2)
        assert (cc.agents["a"].name, cc.agents["a"].channels["chat"].idle_code) == ("Ann", "Lunch")
        assert cc.agents["a"].channels["telephony"].since == T - 5
        assert queue(cc).of_agents.source == "reconcile"

    def test_it_comes_page_by_page(self) -> None:
        cc = centre()
        tell(cc, agent("z", "available", T - 60))
        comparison = cc.agent_comparison(T, "reconcile")
        comparison.take([AgentRow("a", "available", team_id="g", since=T - 5)], T)
        comparison.take([AgentRow("b", "available", team_id="g", since=T - 5)], T)
        comparison.check(comparison.kept(), T + 1)
        assert comparison.finish() == 3
        assert queue(cc).agents_available == 2

    def test_he_is_moved_to_the_team_that_the_search_shows(self) -> None:
        cc = centre()
        tell(cc, agent("a", "available", T - 60))
        assert cc.compare_agents([AgentRow("a", "available", team_id="s", since=T - 20)], T, T) == 0
        assert (queue(cc, "Sales").agents_available, queue(cc).agents_available) == (0, 1)

    def test_a_team_that_an_event_has_just_told_stays(self) -> None:
        cc = centre()
        tell(cc, agent("a", "available", T - 5, "s"))
        cc.compare_agents([AgentRow("a", "available", team_id="g", since=T - 4)], T, T)
        assert (queue(cc, "Sales").agents_available, queue(cc).agents_available) == (0, 1)

    def test_a_channel_that_the_search_does_not_cover_is_left_alone(self) -> None:
        cc = centre()
        tell(cc, agent("a", "available", T - 60), agent("a", "available", T - 60, channel="chat"))
        assert cc.compare_agents([AgentRow("a", "available", team_id="g")], T, T) == 0
        assert cc.agents["a"].state("chat") == "available"
        rows = [AgentRow("a", "available", team_id="g"), AgentRow("b", "idle", "chat", team_id="g")]
        assert cc.compare_agents(rows, T, T) == 2
        assert cc.agents["a"].state("chat") == "signed_off"

    def test_who_signed_off_just_now_stays_off_on_every_channel(self) -> None:
        cc = centre()
        tell(cc, agent("a", "available", T - 60), agent("a", "", T - 5, type="logout"))
        rows = [AgentRow("a", "available", name, team_id="g", since=T - 60) for name in ("telephony", "chat")]
        assert cc.compare_agents(rows, T, T) == 0
        assert not cc.agents["a"].signed_on
