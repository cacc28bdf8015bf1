"""The contact centre from outside: what is told goes in, and the picture shows it."""

from math import inf

import pytest

from state_client.agent_table import AgentTable
from state_client.picture import Queue, Team
from state_client.rows import AgentEvent, QueueRow, TaskEvent, TeamRow
from state_client.task_table import FORGET, GRAVES, MARGIN, MAX_TIME, MOST_DOUBTED, TaskTable
from tests.state_client.tidings import agent, centre, line, queue, task, tell

T = 1_750_000_000.0


def test_a_queue_fills_and_empties() -> None:
    cc = centre()
    tell(cc, task("1", "new", T), task("1", "parked", T + 5, "q"), task("2", "parked", T + 8, "q"))
    assert line(cc) == (2, 3, 3)
    cc.tick(T + 15.5)
    assert line(cc) == (2, 10, 18), "10.5 and 7.5 seconds"
    tell(cc, task("1", "connect", T + 20, "q"))
    assert (line(cc), queue(cc).calls) == ((1, 12, 12), 1)
    tell(cc, task("1", "connected", T + 22), task("2", "ended", T + 30, reason="Customer Left"))
    assert (line(cc), queue(cc).calls) == ((0, 0, 0), 1)
    tell(cc, task("1", "ended", T + 90, reason="Agent Left", terminating_party="Agent"))
    assert (queue(cc).calls, cc.tasks) == (0, {})


def test_a_transfer_moves_to_the_other_queue() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"), task("1", "parked", T + 60, "r"))
    cc.tick(T + 70)
    assert (line(cc), line(cc, "Sales")) == ((0, 0, 0), (1, 10, 10))


def test_rona_puts_it_back_where_it_waited() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"), task("1", "connect", T + 10, "q"))
    tell(cc, task("1", "ended", T + 28, reason="RONA Timer Expired", terminating_party="System"))
    cc.tick(T + 30)
    assert line(cc) == (1, 30, 30)


def test_a_late_event_with_the_queue_puts_it_in_place() -> None:
    cc = centre()
    ended = task("1", "ended", T + 9, reason="RONA Timer Expired", terminating_party="System")
    assert tell(cc, ended, task("1", "parked", T, "q")) == ["applied", "late"]
    cc.tick(T + 10)
    assert line(cc) == (1, 10, 10)


@pytest.mark.parametrize("kind", ["ended", "failed", "capture:available"])
def test_what_comes_late_does_not_raise_the_dead_but_news_does(kind: str) -> None:
    cc = centre()
    assert tell(cc, task("1", kind, T + 9), task("1", "parked", T, "q"), task("1", "parked", T + 9, "q")) == [
        "applied",
        "late",
        "late",
    ]
    assert line(cc) == (0, 0, 0)
    assert tell(cc, task("1", "parked", T + 10, "q")) == ["applied"]
    assert line(cc)[0] == 1


def test_the_dead_are_forgotten_in_time() -> None:
    cc = centre()
    tell(cc, task("1", "ended", T))
    cc.tick(T + GRAVES - 1)
    assert cc.table.graves
    cc.tick(T + GRAVES)
    assert not cc.table.graves


def test_what_nothing_is_heard_of_for_days_is_dropped() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q", channel="email"))
    cc.tick(T + FORGET - 61)
    assert len(cc.tasks) == 1
    cc.tick(T + FORGET + 1)
    assert not cc.tasks


@pytest.mark.parametrize(
    "fields", [{"direction": "outbound"}, {"outbound_type": "COURTESY_CALLBACK"}, {"channel": "chat"}]
)
def test_only_inbound_calls_count_in_a_telephone_queue(fields: dict[str, str]) -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q", **fields))
    assert line(cc) == (0, 0, 0)


def test_a_chat_queue_counts_chats() -> None:
    cc = centre(QueueRow("c", "Chat", channel="CHAT"))
    tell(cc, task("1", "parked", T, "c", channel="chat"), task("2", "parked", T, "c"))
    assert line(cc, "Chat")[0] == 1


def test_a_queue_is_shown_as_soon_as_its_name_is_known() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "new"), *(task(id, "parked", T, "new", channel="chat") for id in "23"))
    tell(cc, agent("a", "Available", T, "nt"))
    assert cc.unknown_ids() == ({"new"}, {"nt"})
    assert cc.picture.queue("new") is None
    cc.configure([QueueRow("new", "Novel", channel="CHAT", team_ids=("nt",))], [TeamRow("nt", "Newts")])
    assert cc.unknown_ids() == (set(), set())
    assert (line(cc, "Novel")[0], queue(cc, "new").channel) == (2, "CHAT"), "the chats count, the call doesn't"
    team = cc.picture.team("Newts")
    assert team is not None
    assert team.available == 1


def test_a_queue_that_is_of_another_channel_after_all_counts_its_agents_anew() -> None:
    cc = centre()
    tell(cc, agent("a", "Available", T), agent("b", "Available", T, channel="chat"), agent("b", "Idle", T))
    cc.configure([QueueRow("r", "Sales", channel="CHAT")], [])
    assert (queue(cc, "Sales").agents_available, queue(cc, "Sales").agents_signed_on) == (1, 1)


def test_a_list_that_says_nothing_new_leaves_the_queues_in_their_order() -> None:
    cc = centre()
    cc.configure([QueueRow("q", "Support")], [TeamRow("g", "G")])
    assert cc.picture.names == ["Support", "Sales"]


def test_no_more_is_kept_than_there_may_be() -> None:
    table = TaskTable(0.0, lambda queue: None, most=2)
    words = [table.apply(task(str(n), "parked", T, "q"), T) for n in range(3)]
    assert (words, len(table.tasks)) == (["applied", "applied", "ignored"], 2)
    for n in range(3):
        table.apply(task("0", "ended", T + n, "q"), T)
        table.apply(task(f"x{n}", "ended", T + n, "q"), T)
    assert len(table.graves) == 2
    staff = AgentTable(0.0, lambda queue: None, most=2)
    assert [staff.apply(agent(id, "Idle", T), T) for id in "abca"] == ["applied", "applied", "ignored", "late"]


def test_a_busy_line_holds_no_more_than_who_waits() -> None:
    cc = centre()
    tell(cc, task("first", "parked", T, "q"))
    for n in range(1000):
        tell(cc, task(str(n), "parked", T + n, "q"), task(str(n), "ended", T + n + 0.5))
    assert len(cc.queues["q"]._times) < 100
    cc.tick(T + 1000)
    assert line(cc) == (1, 1000, 1000)


def test_a_queue_gets_another_name() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"))
    cc.configure([QueueRow("q", "Help")], [])
    assert (line(cc, "Help")[0], cc.picture.queue("Support")) == (1, None)
    assert cc.queues["q"].team_ids == ("g", "s"), "a list that leaves out the groups doesn't forget them"


def test_agents_count_once_in_each_queue_of_their_team() -> None:
    cc = centre()
    tell(cc, agent("a", "Available", T), agent("b", "Idle", T), agent("c", "Available", T, "s"))
    assert (queue(cc).agents_available, queue(cc).agents_signed_on) == (2, 3)
    assert (queue(cc, "Sales").agents_available, queue(cc, "Sales").agents_signed_on) == (1, 2)
    tell(cc, agent("a", "Engaged", T + 1), agent("c", "", T + 1, "s", type="logout"))
    assert (queue(cc).agents_available, queue(cc).agents_signed_on) == (0, 2)
    team = cc.picture.team("G")
    assert isinstance(team, Team)
    assert (team.engaged, team.idle, team.signed_on) == (1, 1, 2)


def test_an_agent_moves_to_another_team() -> None:
    cc = centre()
    tell(cc, agent("a", "Available", T), agent("a", "Idle", T - 1, "s"))
    assert queue(cc, "Sales").agents_available == 1, "what is older doesn't move him"
    tell(cc, agent("a", "Available", T + 1, "s"))
    assert (queue(cc).agents_available, queue(cc, "Sales").agents_available) == (1, 0)


def test_distribution_groups_that_change_count_anew() -> None:
    cc = centre()
    tell(cc, agent("a", "Available", T), agent("c", "Idle", T, "s"))
    cc.configure([QueueRow("r", "Sales", team_ids=("s", "s"))], [])
    assert (queue(cc, "Sales").agents_available, queue(cc, "Sales").agents_signed_on) == (0, 1)
    tell(cc, agent("a", "Idle", T + 1), agent("c", "Available", T + 1, "s"))
    assert (queue(cc, "Sales").agents_available, queue(cc, "Sales").agents_signed_on) == (1, 1)


def test_another_channel_of_an_agent_counts_in_queues_of_that_channel() -> None:
    cc = centre(QueueRow("c", "Chat", channel="CHAT", team_ids=("g",)), QueueRow("q", "Support", team_ids=("g",)))
    tell(cc, agent("a", "Available", T, channel="chat", type="channelType_state_change"))
    assert (queue(cc, "Chat").agents_available, queue(cc).agents_signed_on) == (1, 0)


def test_events_renew_the_age_of_their_own_group() -> None:
    cc = centre(offset=1000.0)
    now = T + 30 - 1000
    assert (queue(cc).age(now), queue(cc).of_tasks.source) == (inf, "awaited")
    tell(cc, task("1", "parked", T, "q"))
    assert (queue(cc).age_of("length", now), queue(cc).age_of("agents_available", now)) == (30.0, inf)
    tell(cc, agent("a", "Available", T + 10), delay=5.0)
    assert (queue(cc).age_of("agents_available", now), queue(cc).age(now)) == (20.0, 30.0)
    assert queue(cc).of_agents.source == "event"
    tell(cc, task("1", "parked", T, "q"), delay=20.0)
    assert queue(cc).age_of("length", now) == 30.0, "what is late renews nothing"
    cc.apply(task("1", "connect", T + 99, "q"), T + 30)
    assert queue(cc).age_of("length", now) == 0.0, "the cloud's clock may be ahead"


def test_both_queues_of_a_transfer_are_renewed() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"), task("1", "parked", T + 60, "r"))
    assert queue(cc).age_of("length", T + 61) == queue(cc, "Sales").age_of("length", T + 61) == 1.0


def test_an_estimate_has_its_own_age() -> None:
    cc = centre()
    cc.set_estimate("q", 20.6, T)
    assert (queue(cc).estimated_wait, queue(cc).age_of("estimated_wait", T + 5)) == (21, 5.0)
    cc.set_estimate("q", None, T + 6)
    assert (queue(cc).estimated_wait, queue(cc).age_of("estimated_wait", T + 6)) == (-1, 0.0)


def test_what_is_pushed_holds_for_its_time() -> None:
    cc = centre(offset=1000.0)
    pushed = cc.push("CCX", 30.0, T, length=4)
    assert (pushed.length, pushed.source, pushed.age(T - 1000 + 29)) == (4, "pushed", 29.0)
    assert pushed.age(T - 1000 + 30) == inf
    assert cc.push("CCX", None, T, agents_available=1) is cc.picture.queue("CCX")
    assert pushed.age_of("agents_available", T - 1000 + 500) == 500.0


def desk(state: str, time: float, queue: str = "") -> AgentEvent:
    type = "agent:channel_state_change"
    return AgentEvent("e", type, time, "a", team_id="g", state=state, task_id="1", queue_id=queue)


def test_an_agents_telephone_tells_of_the_call_whose_own_event_is_lost() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"), desk("ringing", T + 5))
    assert (line(cc)[0], queue(cc).calls, queue(cc).age_of("length", T + 6)) == (0, 1, 1.0)
    tell(cc, desk("not-responding", T + 20))
    cc.tick(T + 30)
    assert line(cc) == (1, 30, 30)
    tell(cc, desk("connected", T + 40))
    assert (line(cc)[0], cc.tasks["1"].state) == (0, "connected")


def test_what_an_agent_does_else_tells_nothing_of_a_call() -> None:
    cc = centre()
    tell(cc, task("1", "parked", T, "q"))
    for state in ("wrapup", "consulting", "hold-done", "not-responding", "Engaged"):
        tell(cc, desk(state, T + 5))
    assert line(cc)[0] == 1
    tell(cc, task("1", "connected", T + 10), desk("ringing", T + 20), desk("not-responding", T + 30))
    assert cc.tasks["1"].state == "connected", "another agent is asked for advice"
    tell(cc, desk("ringing", T + 40, "r"), task("1", "parked", T + 60, "q"), desk("connected", T + 50))
    assert line(cc)[0] == 1, "what is older than the call's own event doesn't count"


def test_the_listener_hears_of_each_queue_that_changes() -> None:
    cc = centre()
    heard: list[Queue] = []
    cc.listener = heard.append
    names = []
    for say in (
        lambda: tell(cc, task("1", "parked", T, "q")),
        lambda: tell(cc, task("1", "parked", T, "q")),
        lambda: tell(cc, task("2", "parked", T, "unnamed")),
        lambda: tell(cc, agent("a", "Available", T)),
        lambda: cc.tick(T + 0.5),
        lambda: tell(cc, agent("a", "Available", T)),
        lambda: cc.tick(T + 1.0),
        lambda: cc.set_estimate("r", 9.0, T),
        lambda: cc.push("CCX", 30.0, T, length=4),
        lambda: cc.confirm_tasks({"q": 1}, T + 2, T + 2),
        lambda: cc.compare_tasks([], T + 30, T + 30),
        lambda: cc.configure([QueueRow("q", "Help")], []),
    ):
        heard.clear()
        say()
        names.append({queue.name for queue in heard})
    assert names == [
        {"Support"},
        set(),
        set(),
        {"Support", "Sales"},
        set(),
        set(),
        {"Support"},
        {"Sales"},
        {"CCX"},
        {"Support", "Sales"},
        {"Support", "Sales"},
        {"Help"},
    ]


def test_what_is_no_news_of_anything_is_ignored() -> None:
    cc = centre()
    assert tell(cc, task("1", "task-message:appended", T), task("", "parked", T)) == ["ignored"] * 2
    unknown = [agent("", "Idle", T), agent("a", "dozing", T), agent("a", "Idle", T, type="daydream")]
    assert tell(cc, *unknown) == ["ignored"] * 3
    assert tell(cc, TaskEvent("x", "task:origin-updated", T, "1")) == ["ignored"]
    assert not cc.tasks


def test_where_all_have_waited_too_long_at_once_they_are_doubted_some_at_a_time() -> None:
    """As after a restart: calls must not be held up by it."""
    cc = centre()
    tell(cc, *(task(f"{n}", "parked", T, "q") for n in range(2 * MOST_DOUBTED + 1)))
    late = T + MAX_TIME + MARGIN + 1
    cc.tick(late)
    assert line(cc)[0] == MOST_DOUBTED + 1
    asked = cc.doubted(late)
    assert len(asked) == MOST_DOUBTED
    assert cc.settle_doubt([], late, late) == MOST_DOUBTED
    cc.tick(late)
    assert line(cc)[0] == 0
    assert len(set(cc.doubted(late)) - set(asked)) == MOST_DOUBTED


def test_a_queue_that_is_retired_is_served_by_nobody() -> None:
    cc = centre()
    support = queue(cc)
    tell(cc, agent("a", "available", T))
    assert cc.retire_queue("q") == "Support"
    tell(cc, agent("b", "available", T + 1))
    assert [state.queue.name for state in cc.teams["g"].queues] == ["Sales"]
    assert cc.staff.served == [cc.queues["r"]]
    assert (support.agents_available, queue(cc, "Sales").agents_available) == (1, 2)


def test_a_team_that_is_retired_is_kept_for_as_long_as_anything_needs_it() -> None:
    cc = centre(teams=("g", "s", "t", "u"))
    tell(cc, agent("a", "available", T, "t"))
    assert [cc.retire_team(id) for id in ("g", "t", "u")] == ["G", "T", "U"]
    assert list(cc.teams) == ["g", "s", "t"]
    assert [team.name for team in cc.picture.teams] == ["S"]
