import json
import logging
from math import inf

import pytest

from edge_router.policy.faults import Missing, RuleError, RuleFault, Undecided
from edge_router.policy.latch import (
    LONGEST,
    MOST_WORDS,
    SHORTEST,
    Latch,
    LatchBoard,
    LatchChange,
    LatchDoubt,
    LatchSpec,
    compile_latch,
)
from edge_router.policy.surroundings import Surroundings
from state_client.picture import Picture
from tests.policy.world import NOW, Trunk, surroundings

SET, CLEAR = 'queue("Support").length > 5', 'queue("Support").length < 3'
EPOCH = 1_750_000_000.0


class World:
    """One queue whose length is set, and a latch that reads it."""

    def __init__(self, set_: str = SET, clear: str = CLEAR, hold: float = 0.0) -> None:
        self.picture = Picture()
        self.trunk = Trunk()
        self.surroundings = Surroundings(self.picture, {"cloud": self.trunk})
        self.length(0)
        self.latch = self.latch_of(set_, clear, hold)

    def length(self, length: int, now: float = NOW) -> None:
        self.picture.set("Support", now, length=length, static_age=0.0)

    def stale(self) -> None:
        self.picture.set("Support", NOW, length=4, static_age=61.0)

    def latch_of(self, set_: str = SET, clear: str = CLEAR, hold: float = 0.0, name: str = "full") -> Latch:
        return compile_latch(LatchSpec(name, set_, clear, hold), self.surroundings)


class TestLatch:
    def test_it_is_set_and_cleared_by_different_lengths(self) -> None:
        world = World()
        seen = []
        for length in (0, 5, 6, 5, 4, 3, 2, 3, 5, 6):
            world.length(length)
            world.latch.look(NOW)
            seen.append((length, world.latch.on))
        assert seen == [
            *((0, False), (5, False), (6, True), (5, True), (4, True), (3, True)),
            *((2, False), (3, False), (5, False), (6, True)),
        ]

    def test_a_change_says_why(self) -> None:
        world = World(clear='queue("Support").length < 3 && trunk("cloud").up')
        assert world.latch.look(NOW) is None
        world.length(6)
        change = world.latch.look(NOW)
        assert change == LatchChange("full", True, {'queue("Support").length': 6, 'trunk("cloud").up': True})
        assert str(change) == 'latch "full" is on: queue("Support").length is 6, trunk("cloud").up is true'
        assert world.latch.look(NOW) is None
        world.length(1)
        assert str(world.latch.look(NOW)).startswith('latch "full" is off: ')

    def test_it_stays_where_both_are_true(self) -> None:
        world = World('queue("Support").length > 2', 'queue("Support").length < 5')
        world.length(3)
        assert world.latch.look(NOW) is None
        world.length(5)
        assert world.latch.look(NOW) is not None
        world.length(4)
        assert world.latch.look(NOW) is None
        assert world.latch.on

    @pytest.mark.parametrize("on", [False, True])
    def test_undecided_it_stays_and_says_why(self, on: bool) -> None:
        world = World('queue("Support").length >= 0', "true")
        world.latch.on = on
        world.stale()
        assert world.latch.look(NOW) is None
        assert world.latch.on is on
        assert (world.latch.undecided, world.latch.failed) == ('queue("Support") is 61.0 s old, more than 60 s', False)

    def test_known_again_it_no_longer_says_so(self) -> None:
        world = World()
        world.stale()
        world.latch.look(NOW)
        world.length(4)
        world.latch.look(NOW)
        assert world.latch.undecided == ""

    def test_it_is_held(self) -> None:
        world = World(hold=30.0)
        world.length(6)
        assert world.latch.look(NOW) is not None
        world.length(0)
        assert world.latch.look(NOW + 29.9) is None
        assert world.latch.on
        assert world.latch.look(NOW + 30.0) is not None
        world.length(6)
        assert world.latch.look(NOW + 59.9) is None
        assert world.latch.look(NOW + 60.0) is not None

    def test_it_can_be_told_while_it_is_held(self) -> None:
        world = World(hold=300.0)
        world.length(6)
        world.latch.look(NOW)
        world.latch.look(NOW + 60.0)
        world.stale()
        world.latch.look(NOW + 61.0)
        assert not world.latch.lost
        world.latch.look(NOW + 121.0)
        assert world.latch.lost

    def test_it_names_the_queues_that_it_reads(self) -> None:
        latch = compile_latch(LatchSpec("a", SET, 'queue("Old").length == 0'), surroundings())
        assert latch.queues == {"Support", "Old"}


class TestLost:
    """What becomes of a latch whose conditions can't be told, on a clock of the test's."""

    def test_it_keeps_its_value_for_stale_after_and_not_longer(self) -> None:
        world = World()
        world.length(6)
        world.latch.look(NOW)
        world.picture.set("Support", NOW, static_age=70.0)
        world.latch.look(NOW + 60.0)
        assert world.latch.value() is True
        world.latch.look(NOW + 60.1)
        with pytest.raises(Undecided, match=r"^latch\(\"full\"\) can't be told: queue\(\"Support\"\) is 70.0 s old"):
            world.latch.value()

    def test_told_again_it_has_its_value_again(self) -> None:
        world = World()
        world.latch.look(NOW)
        world.stale()
        world.latch.look(NOW + 61.0)
        world.length(4)
        world.latch.look(NOW + 62.0)
        assert world.latch.value() is False

    def test_one_that_could_never_be_told_has_no_value_to_keep(self) -> None:
        world = World()
        world.stale()
        world.latch.look(NOW)
        assert world.latch.lost

    def test_what_was_kept_over_a_restart_is_good_for_as_long(self) -> None:
        world = World()
        world.stale()
        board = LatchBoard([world.latch])
        board.restore({"full": {"on": True, "since": 1.0}}, NOW)
        board.look(NOW + 60.0)
        assert world.latch.value() is True
        board.look(NOW + 61.0)
        assert world.latch.lost

    def test_a_reload_gives_it_no_more_time(self) -> None:
        world = World()
        world.length(6)
        old = LatchBoard([world.latch])
        old.look(NOW)
        world.picture.set("Support", NOW, static_age=70.0)
        old.look(NOW + 40.0)
        new = LatchBoard([world.latch_of()])
        new.take_over(old)
        new.look(NOW + 60.0)
        assert new.latches["full"].value() is True
        new.look(NOW + 60.1)
        newest = LatchBoard([world.latch_of()])
        newest.take_over(new)
        assert newest.latches["full"].lost
        assert newest.degraded == new.degraded != ""

    def test_a_condition_that_fails_is_no_stale_state(self) -> None:
        latch = World().latch_of('int(["a", "1"][queue("Support").length]) > 0', "false")
        latch.look(NOW)
        with pytest.raises(Missing):
            latch.value()

    def test_it_is_as_old_as_the_state_that_it_goes_by(self) -> None:
        world = World('queue("Support").length > 5 && !trunk("cloud").up')
        assert world.latch.age(NOW) is None
        world.picture.set("Support", NOW, length=4, static_age=8.0)
        world.latch.look(NOW)
        assert world.latch.age(NOW + 0.5) == 8.5
        world.stale()
        world.latch.look(NOW + 62.0)
        assert world.latch.age(NOW + 70.0) == 78.0

    def test_what_reads_no_state_has_no_age(self) -> None:
        latch = World('trunk("cloud").calls > 7', "false").latch
        latch.look(NOW)
        assert latch.age(NOW) is None

    def test_the_board_tells_it_once_and_when_it_is_over(self) -> None:
        world = World()
        world.length(6)
        board = LatchBoard([world.latch])
        board.look(NOW)
        world.stale()
        news = [board.look(NOW + seconds) for seconds in (1.0, 60.0, 61.0, 62.0)]
        why = 'queue("Support") is 61.0 s old, more than 60 s'
        assert news == [[], [], [LatchDoubt("full", True, why)], []]
        assert str(news[2][0]) == f'latch "full" can\'t be told (it was on): {why}'
        assert (board.degraded, board.lost) == (f"latch full can't be told: {why}", [world.latch])
        world.length(2)
        assert [str(one) for one in board.look(NOW + 63.0)] == [
            'latch "full" can be told again',
            'latch "full" is off: queue("Support").length is 2',
        ]
        assert (board.degraded, board.lost) == ("", [])

    def test_of_many_a_few_are_named(self) -> None:
        world = World()
        world.stale()
        board = LatchBoard([world.latch_of(name=f"full-{number}") for number in range(MOST_WORDS + 3)])
        board.look(NOW)
        *named, rest = board.degraded.split("; ")
        assert (len(named), rest) == (MOST_WORDS, "3 more latches can't be told")


def faults_of(set_: str, clear: str = "true") -> list[RuleFault]:
    with pytest.raises(RuleError) as raised:
        compile_latch(LatchSpec("full", set_, clear), surroundings())
    return list(raised.value.faults)


class TestFaults:
    @pytest.mark.parametrize(
        ("text", "read", "at"),
        [
            ('call.called == "1"', "call", 0),
            ('true || call.header("X") == "1"', "call", 8),
            ('percent(30, "salt")', "percent", 0),
            ('queue("Support").length > 5 && call.anonymous', "call", 31),
        ],
    )
    def test_there_is_no_call_to_ask_about(self, text: str, read: str, at: int) -> None:
        (fault,) = faults_of(text)
        assert fault.message.startswith(f"a latch asks about no call, so it can't read {read} (at character {at + 1})")
        assert (fault.key, fault.at) == ("set", at)

    @pytest.mark.parametrize("name", ["full", "empty"])
    def test_it_reads_no_other_latch_nor_itself(self, name: str) -> None:
        (fault,) = faults_of("true", f'queue("Support").length == 0 && !latch("{name}")')
        assert fault.message == (
            "a latch can't read another latch; write the conditions of that one here (at character 34)"
        )
        assert (fault.key, fault.at) == ("clear", 33)

    def test_a_text_may_hold_the_word(self) -> None:
        latch = compile_latch(LatchSpec("full", '"call" == "call"', '"percent(1)" == "call.called"'), surroundings())
        assert latch.look(NOW) is not None

    def test_all_at_once_and_where_they_are(self) -> None:
        faults = faults_of('queue("Suport").length > call.called', "1 + 1")
        assert [(fault.key, fault.at) for fault in faults] == [("set", 25), ("set", 6), ("clear", None)]
        assert 'did you mean "Support"?' in faults[1].message

    def test_what_is_no_rule_is_no_condition(self) -> None:
        (fault,) = faults_of("true", 'queue("Support").length <')
        assert (fault.key, fault.message) == (
            "clear",
            "the rule ends too early: a value or a closing bracket is missing (at character 26)",
        )


class TestBoard:
    def test_it_looks_when_state_has_changed_but_not_all_the_time(self) -> None:
        world = World()
        board = LatchBoard([world.latch])
        assert board.due == -inf
        board.look_if_due(NOW)
        assert board.due == NOW + LONGEST
        world.length(6)
        board.touch()
        assert board.due == NOW + SHORTEST
        assert board.look_if_due(NOW + SHORTEST - 0.001) == []
        assert [change.name for change in board.look_if_due(NOW + SHORTEST)] == ["full"]
        assert board.due == NOW + SHORTEST + LONGEST

    def test_it_looks_once_a_second_where_nobody_says_that_something_changed(self) -> None:
        world = World('trunk("cloud").calls > 7', 'trunk("cloud").calls < 7')
        board = LatchBoard([world.latch])
        board.look_if_due(NOW)
        world.trunk.calls = 8
        assert board.look_if_due(NOW + LONGEST - 0.001) == []
        assert board.look_if_due(NOW + LONGEST) == [LatchChange("full", True, {'trunk("cloud").calls': 8})]

    def test_one_that_counts_our_calls_is_looked_at_with_each_of_them_and_its_change_is_told_soon(self) -> None:
        world = World('queue("Support").expected > 5', 'queue("Support").expected < 3')
        other = world.latch_of(name="by length")
        board = LatchBoard([world.latch, other])
        board.look_if_due(NOW)
        world.length(6)
        board.recount(NOW + 0.001)
        assert (world.latch.on, other.on) == (True, False)
        assert board.due == NOW + SHORTEST
        changes = board.look_if_due(NOW + SHORTEST)
        assert [(type(change), change.name) for change in changes] == [
            (LatchChange, "full"),
            (LatchChange, "by length"),
        ]
        assert board.look_if_due(NOW + 2 * SHORTEST + LONGEST) == []

    def test_a_change_that_nobody_was_told_of_is_told_after_a_reload(self) -> None:
        world = World('queue("Support").expected > 5', 'queue("Support").expected < 3')
        board, after = LatchBoard([world.latch]), LatchBoard([world.latch_of()])
        world.length(6)
        board.recount(NOW)
        after.take_over(board)
        assert [change.name for change in after.look(NOW)] == ["full"]

    def test_one_that_turns_with_each_call_is_told_of_once_a_look(self) -> None:
        world = World('queue("Support").expected > 5', 'queue("Support").expected <= 5')
        board = LatchBoard([world.latch])
        for number in range(100):
            world.length(6 if number % 2 else 5)
            board.recount(NOW)
        assert [(change.name, change.on) for change in board.look(NOW)] == [("full", True)]

    def test_without_latches_it_is_never_time(self) -> None:
        board = LatchBoard()
        board.touch()
        assert board.due == inf
        assert board.look_if_due(NOW) == []

    def test_one_that_fails_stays_and_is_told_of_once_a_minute_and_the_others_are_looked_at(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        world = World()
        failing = world.latch_of('int(["a", "1"][queue("Support").length]) > 0', "false", name="failing")
        board = LatchBoard([failing, world.latch])
        world.length(6)
        with caplog.at_level(logging.WARNING):
            assert [change.name for change in board.look(NOW)] == ["failing", "full"]
            board.look(NOW + 59.9)
            board.look(NOW + 60.0)
        assert not failing.on
        assert failing.failed
        assert [record.message.partition(" failed: ")[0] for record in caplog.records] == [
            'latch "failing" stays off: it'
        ] * 2

    def test_a_reload_goes_on_with_what_it_was(self) -> None:
        world = World(hold=30.0)
        world.length(6)
        old = LatchBoard([world.latch, world.latch_of("true", "false", name="gone")])
        old.look(NOW)
        new = LatchBoard([world.latch_of(hold=10.0), world.latch_of(name="fresh")])
        new.take_over(old)
        assert [latch.on for latch in new.latches.values()] == [True, False]
        world.length(0)
        assert new.look(NOW + 9.9) == []
        assert [change.name for change in new.look(NOW + 10.0)] == ["full"]

    def test_a_restart_goes_on_with_what_it_was(self) -> None:
        world = World(hold=30.0)
        world.length(6)
        # Before and after a restart, clocks begin anew; the time of day is the same.
        before = LatchBoard([world.latch, world.latch_of("false", "false", name="never")], epoch=EPOCH)
        before.look(NOW)
        kept = json.loads(json.dumps(before.snapshot()))
        assert kept == {"full": {"on": True, "since": EPOCH + NOW}}
        after = LatchBoard([world.latch_of(hold=30.0)], epoch=EPOCH + NOW)
        after.restore(kept, 5.0)
        world.length(0)
        assert after.latches["full"].on
        assert after.look(29.9) == []
        assert [str(news).partition(":")[0] for news in after.look(30.0)] == ['latch "full" is off']

    def test_a_clock_that_was_set_back_holds_nothing_for_ever(self) -> None:
        world = World(hold=30.0)
        board = LatchBoard([world.latch], epoch=EPOCH)
        board.restore({"full": {"on": True, "since": EPOCH + 86400.0}}, 5.0)
        assert board.latches["full"].since == 5.0

    @pytest.mark.parametrize(
        "broken",
        [None, [], "on", {"full": "on"}, {"full": {"on": 1, "since": 1.0}}, {"full": {"on": True, "since": "noon"}}],
    )
    def test_what_cannot_be_read_is_left_out(self, broken: object, caplog: pytest.LogCaptureFixture) -> None:
        world = World()
        board = LatchBoard([world.latch, world.latch_of(name="other")])
        data = broken | {"other": {"on": True, "since": 1.0}} if isinstance(broken, dict) else broken
        with caplog.at_level(logging.WARNING):
            board.restore(data, NOW)
        assert [latch.on for latch in board.latches.values()] == [False, isinstance(broken, dict)]
        assert "can't be read" in caplog.text
