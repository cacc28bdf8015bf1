"""PlacedCalls beside a model that keeps every call for ever and counts by looking at all of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_router.admission.placed import PlacedCalls

EXPECT_FOR = 20.0
EARLY = 5.0
QUEUES = ("Support", "Sales")
POLICIES = ("door", "night", None)
PEERS = ("cloud", "to-cloud", "to-cloud-2")
WAYS = tuple((policy, peer) for policy in ("door", "night") for peer in PEERS)

# Whoever is in one row is one; "" stands for nobody.
ORIGINS = (
    ("+12125550100", "12125550100", "2125550100"),
    ("+13105550100", "3105550100"),
    ("+4989123456", "0049 89 123456", "089123456"),
    ("", "anonymous"),
)
DESTINATIONS = (("+18005550111", "8005550111"), ("+18885550111", "sip:18885550111@cloud"), ("2001",))
NOBODY = 3

people = st.tuples(st.integers(0, len(ORIGINS) - 1), st.integers(0, 5))
places = st.tuples(st.integers(0, len(DESTINATIONS) - 1), st.integers(0, 5))
call_ids = st.sampled_from([f"call-{number}" for number in range(6)])
task_ids = st.sampled_from([f"task-{number}" for number in range(6)])


def written(rows: tuple[tuple[str, ...], ...], which: tuple[int, int]) -> str:
    forms = rows[which[0]]
    return forms[which[1] % len(forms)]


@dataclass
class Call:
    call_id: str
    ways: frozenset[tuple[str, str]]
    queues: frozenset[str]
    bridged: bool
    person: int
    dialled: frozenset[int]
    at: float
    waits_since: int
    ended: float | None = None
    gone: bool = False
    task: str = ""
    sure: bool = False


@dataclass
class Task:
    """What was told of a task; ``over_at`` is when its end was."""

    queued: bool = False
    over_at: float | None = None
    call: Call | None = None


@dataclass
class Model:
    now: float = 100.0
    calls: list[Call] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    turns: int = 0

    def turn(self) -> int:
        self.turns += 1
        return self.turns

    def fresh(self, call: Call) -> bool:
        return self.now - call.at < EXPECT_FOR

    def task_over(self, call: Call) -> bool:
        return bool(call.task) and self.tasks[call.task].over_at is not None

    def there(self, call: Call) -> bool:
        return not call.gone and call.ended is None and not self.task_over(call)

    def known(self, call: Call) -> bool:
        """Whether anything can still be told of it."""
        if call.gone:
            return False
        leg = call.bridged and call.ended is None
        return leg or (not self.task_over(call) if call.task else self.fresh(call))

    def by_id(self, call_id: str) -> Call | None:
        found = [call for call in self.calls if call.call_id == call_id and self.known(call)]
        assert len(found) < 2
        return found[0] if found else None

    def tidy(self) -> None:
        for call in self.calls:  # who is not known any more never is again
            call.gone = call.gone or not self.known(call)
        for task_id, task in list(self.tasks.items()):
            held = task.call is not None and not task.call.gone
            if task.over_at is not None and self.now - task.over_at >= EXPECT_FOR and not held:
                del self.tasks[task_id]

    def end_task(self, task_id: str) -> None:
        task = self.tasks.setdefault(task_id, Task())
        if task.over_at is None:
            task.over_at = self.now

    def forget(self, call: Call) -> None:
        if call.task:
            self.end_task(call.task)
        call.gone = True

    def by_numbers(self, person: int, dialled: int, time: float) -> Call | None:
        found = [
            call
            for call in self.calls
            if self.known(call) and self.fresh(call) and not call.task
            if call.person == person and dialled in call.dialled
            if call.at - EARLY <= time <= call.at + EXPECT_FOR
            if call.ended is None or time <= call.ended + EARLY
        ]
        if person == NOBODY and len(found) > 1:
            return None
        return min(found, key=lambda call: (abs(time - call.at), call.waits_since), default=None)

    def link(self, call: Call | None, task_id: str) -> None:
        self.tasks[task_id].call = call
        if call is not None:
            call.task = task_id

    def correlate(self, task_id: str, correlation: str) -> Call | None:
        call = self.by_id(correlation)
        guess = self.tasks[task_id].call
        if call is None or call.sure or (guess is not None and guess.sure):
            return guess
        call.sure = True
        if call is guess:
            return call
        other = call.task
        self.link(call, task_id)
        if guess is not None:
            guess.task = ""
            if not other:
                guess.waits_since = self.turn()
        if other:
            self.link(guess, other)
        return call


class PlacedBesideModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.placed = PlacedCalls(EXPECT_FOR)
        self.told: dict[str, str] = {}
        self.placed.linked = self.told.__setitem__

    @rule(quarters=st.sampled_from([1, 4, 12, 30, 79, 80, 300]))
    def time_passes(self, quarters: int) -> None:
        self.model.now += quarters / 4
        self.model.tidy()
        self.placed.tidy(self.model.now)

    @rule(
        call_id=call_ids,
        policy=st.sampled_from(POLICIES),
        peer=st.sampled_from(PEERS),
        queues=st.sets(st.sampled_from(QUEUES)),
        method=st.sampled_from(["bridge", "redirect", "refer"]),
        origin=people,
        destinations=st.lists(places, min_size=1, max_size=3),
    )
    def a_call_is_placed(
        self,
        call_id: str,
        policy: str | None,
        peer: str,
        queues: set[str],
        method: str,
        origin: tuple[int, int],
        destinations: list[tuple[int, int]],
    ) -> None:
        model = self.model
        before = model.by_id(call_id)
        if before is not None:
            model.forget(before)
        dialled = frozenset(row for row, _ in destinations)
        ways = frozenset(() if policy is None else ((policy, "cloud"), (policy, peer)))
        bridged = method == "bridge"
        model.calls.append(Call(call_id, ways, frozenset(queues), bridged, origin[0], dialled, model.now, model.turn()))
        numbers = tuple(written(DESTINATIONS, each) for each in destinations)
        who = written(ORIGINS, origin)
        self.placed.placed(call_id, policy, "cloud", peer, tuple(queues), method, who, numbers, model.now)

    @rule(call_id=call_ids)
    def a_call_is_over(self, call_id: str) -> None:
        call = self.model.by_id(call_id)
        if call is not None and call.bridged and call.ended is None:
            call.ended = self.model.now
        self.placed.over(call_id, self.model.now)

    @rule(call_id=call_ids)
    def a_call_failed(self, call_id: str) -> None:
        call = self.model.by_id(call_id)
        if call is not None:
            self.model.forget(call)
        self.placed.failed(call_id, self.model.now)

    @rule(
        task_id=task_ids,
        origin=people,
        destination=places,
        ago=st.sampled_from([-20, 0, 1, 8, 40, 80]),
        queued=st.booleans(),
        correlation=st.none() | st.none() | call_ids | st.just("of another router"),
    )
    def a_task_is_seen(
        self,
        task_id: str,
        origin: tuple[int, int],
        destination: tuple[int, int],
        ago: int,
        queued: bool,
        correlation: str | None,
    ) -> None:
        model, time = self.model, self.model.now - ago / 4
        told = self.placed.seen(
            task_id,
            written(ORIGINS, origin),
            written(DESTINATIONS, destination),
            time,
            model.now,
            queued,
            correlation or "",
        )
        assert told == self.expected_of_seen(task_id, origin[0], destination[0], time, queued, correlation)

    def expected_of_seen(
        self, task_id: str, person: int, dialled: int, time: float, queued: bool, correlation: str | None
    ) -> str | None:
        model = self.model
        new = task_id not in model.tasks
        task = model.tasks.setdefault(task_id, Task())
        call = task.call
        if call is None or task.over_at is None:
            if correlation:
                call = model.correlate(task_id, correlation)
            elif call is None:
                call = model.by_numbers(person, dialled, time)
            if call is not None:
                model.link(call, task_id)
                task.queued = task.queued or queued
            elif new:
                del model.tasks[task_id]
        return call.call_id if call is not None else None

    @rule(task_id=task_ids)
    def a_task_is_over(self, task_id: str) -> None:
        self.model.end_task(task_id)
        self.placed.task_over(task_id, self.model.now)

    @invariant()
    def everything_is_counted_where_it_belongs(self) -> None:
        model, placed = self.model, self.placed
        model.tidy()
        there = [call for call in model.calls if model.there(call)]
        assert placed.unseen_total == sum(model.fresh(call) and not call.task for call in there)
        for queue in QUEUES:
            assert placed.unseen(queue) == sum(
                model.fresh(call) and queue in call.queues and not (call.task and model.tasks[call.task].queued)
                for call in there
            )
        for way in WAYS:
            assert placed.concurrent(way) == sum(
                way in call.ways and (model.fresh(call) or call.bridged or bool(call.task)) for call in there
            )
            sent = [call.at for call in model.calls if way in call.ways]
            counted = placed.in_last_minute(way, model.now)
            assert sum(model.now - at < 60 for at in sent) <= counted <= sum(model.now - at < 60.25 for at in sent)

    @invariant()
    def calls_and_tasks_know_each_other(self) -> None:
        model, placed = self.model, self.placed
        model.tidy()
        for number in range(6):
            call = model.by_id(f"call-{number}")
            if call is not None and call.task:
                assert self.told[f"call-{number}"] == call.task
            task = model.tasks.get(f"task-{number}")
            its = task.call if task is not None else None
            assert placed.call_of(f"task-{number}") == (its.call_id if its is not None else None)
        assert sorted(placed.tasks) == sorted(
            call.task for call in model.calls if call.task and not call.gone and not model.task_over(call)
        )

    def teardown(self) -> None:
        self.placed.tidy(self.model.now + EXPECT_FOR)
        left = (self.placed._lines, self.placed._fresh, self.placed._ended, self.placed._queues)
        assert [len(each) for each in left] == [0] * len(left)
        assert self.placed.unseen_total == 0


PlacedBesideModel.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
TestPlacedBesideModel = PlacedBesideModel.TestCase
