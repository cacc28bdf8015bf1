from math import inf

import pytest

from state_client.picture import AGENT_STATES, GROUP_OF, GROUPS, Picture, Queue, Stamp, Team


def test_a_queue_is_found_by_name_and_by_id() -> None:
    picture = Picture()
    picture.set("Support", 0.0, id="11-22", length=3)
    picture.set("Sales", 0.0)
    assert picture.queue("Support") is picture.queue("11-22")
    assert picture.queue("Nobody") is None
    assert picture.names == ["Support", "Sales"]
    assert [queue.id for queue in picture] == ["11-22", "Sales"]


def test_a_name_wins_over_an_id() -> None:
    picture = Picture()
    picture.set("B", 0.0)
    picture.set("A", 0.0, id="B")
    assert [queue.name for key in ("A", "B") if (queue := picture.queue(key))] == ["A", "B"]


def test_the_old_id_of_a_queue_is_forgotten() -> None:
    picture = Picture()
    picture.set("Support", 0.0, id="old")
    picture.set("Support", 0.0, id="new")
    assert picture.queue("old") is None
    assert picture.queue("new") is picture.queue("Support")


def test_an_id_that_went_to_another_queue_stays_there() -> None:
    picture = Picture()
    picture.set("One", 0.0, id="11")
    picture.set("Two", 0.0, id="11")
    picture.set("One", 0.0, id="12")
    assert picture.queue("11") is picture.queue("Two")


def test_what_is_not_set_stays_as_it_was() -> None:
    picture = Picture()
    queue = picture.set("Support", 0.0, length=3, agents_available=2)
    assert picture.set("Support", 5.0, length=4) is queue
    assert (queue.length, queue.agents_available) == (4, 2)


def test_what_its_owner_leaves_out_is_0_and_an_estimate_unknown() -> None:
    queue = Queue("Support")
    assert (queue.length, queue.longest_wait, queue.total_wait, queue.agents_available) == (0, 0, 0, 0)
    assert (queue.agents_signed_on, queue.estimated_wait, queue.id) == (0, -1, "Support")


def test_static_values_say_their_age_and_never_grow_old() -> None:
    picture = Picture()
    assert picture.set("a", 0.0, length=1).age(1e9) == 0.0
    aged = picture.set("b", 0.0, static_age=75.0)
    assert [aged.age_of(value, 1e9) for value in ("length", "agents_available", "estimated_wait", "age")] == [75.0] * 4
    assert (aged.source, aged.of_estimate.source) == ("static", "static")


def test_values_that_somebody_says_grow_old_from_when_he_said_them() -> None:
    queue = Picture().set("a", 90.0, "pushed", length=1)
    assert (queue.age(100.0), queue.age(80.0)) == (10.0, 0.0)


def test_each_value_has_the_age_of_its_own_group() -> None:
    picture = Picture()
    picture.set("a", 10.0, "pushed", length=1)
    picture.set("a", 20.0, "event", agents_available=2)
    queue = picture.set("a", 5.0, "reconcile", estimated_wait=60)
    ages = {value: queue.age_of(value, 30.0) for value in GROUP_OF}
    assert ages == {
        "length": 20.0,
        "expected": 20.0,
        "longest_wait": 20.0,
        "total_wait": 20.0,
        "calls": 20.0,
        "agents_available": 10.0,
        "agents_signed_on": 10.0,
        "estimated_wait": 25.0,
    }
    assert queue.age(30.0) == queue.age_of("age", 30.0) == 20.0, "the older of contacts and agents"
    assert [queue.stamp(group).source for group in GROUPS] == ["pushed", "event", "reconcile"]


def test_what_nobody_says_is_of_no_age_and_leaves_the_queues_age_alone() -> None:
    queue = Picture().set("a", 10.0, "pushed", agents_available=1)
    assert queue.age(15.0) == 5.0
    assert queue.age_of("length", 15.0) == inf
    assert Queue("b").age(0.0) == inf


def test_what_is_awaited_makes_the_queue_old() -> None:
    queue = Picture().set("a", 10.0, "event", length=1)
    queue.of_agents.doubt("awaited")
    assert (queue.age(15.0), queue.age_of("length", 15.0)) == (inf, 5.0)


def test_values_hold_no_longer_than_they_are_said_to() -> None:
    queue = Picture().set("a", 10.0, "pushed", 40.0, length=1)
    assert (queue.age(39.0), queue.age(40.0)) == (29.0, inf)


def test_older_tidings_do_not_make_it_older() -> None:
    stamp = Stamp()
    stamp.renew(20.0, "event")
    stamp.renew(15.0, "confirm", 16.0)
    assert (stamp.time, stamp.source, stamp.age(30.0)) == (20.0, "event", 10.0)
    stamp.doubt("stored")
    assert stamp.age(30.0) == inf
    stamp.renew(15.0, "confirm")
    assert (stamp.source, stamp.age(30.0)) == ("confirm", 15.0)


def test_a_queue_that_another_keeps_is_found_and_can_get_another_name() -> None:
    picture = Picture()
    queue = Queue("Suport", "11")
    picture.add(queue)
    picture.rename(queue, "Support", "12")
    assert picture.queue("Support") is picture.queue("12") is queue
    assert (picture.queue("Suport"), picture.queue("11"), picture.names) == (None, None, ["Support"])


def test_of_two_queues_of_one_name_the_first_keeps_it() -> None:
    picture = Picture()
    one, two = Queue("Support", "1"), Queue("Support", "2")
    picture.add(one)
    picture.add(two)
    assert (picture.queue("Support"), picture.queue("2")) == (one, two)
    picture.rename(two, "Other", "2")
    assert (picture.queue("Support"), picture.queue("Other")) == (one, two)


def test_a_team_is_found_by_name_and_by_id_and_counts_its_agents() -> None:
    picture = Picture()
    team = Team("t-1")
    picture.add_team(team, "Gold")
    picture.add_team(team, "Golden")
    assert picture.team("Golden") is picture.team("t-1") is team
    assert (picture.team("Gold"), picture.teams) == (None, [team])
    for number, state in enumerate(AGENT_STATES):
        team.counts["telephony"][state] = number + 1
    shown = (team.available, team.idle, team.reserved, team.engaged, team.wrapup, team.not_responding, team.signed_on)
    assert shown == (1, 2, 3, 4, 5, 6, 21)
    assert (team.count("available", "chat"), team.count_signed_on("chat")) == (0, 0)
    with pytest.raises(KeyError):
        team.count("asleep")
    team.of_agents.renew(10.0, "event")
    assert team.age(12.0) == 2.0
