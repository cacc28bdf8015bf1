"""All interactions, and the queues that they stand in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from state_client.order import APPLIED, IGNORED, LATE, SETTLE
from state_client.picture import AWAITED, TELEPHONY, Queue
from state_client.queue_state import ASIDE, CALL, NOWHERE, WAITING, QueueState
from state_client.rows import TaskEvent
from state_client.task import ENDED, EVENTS, NEW, OFFERED, PARKED, TALKING, TELL, Task

MAX_TIME: Final = 3600.0
"""Seconds that a contact may wait in a queue that doesn't say how long."""
MARGIN: Final = 60.0
"""Seconds beyond that, until it is doubted."""
GRAVES: Final = 600.0
"""Seconds that an end is remembered, so that what comes late doesn't raise the dead."""
FORGET: Final = 172800.0
"""Seconds without any tidings until an interaction that no search covers is dropped (a mail may stay for days)."""
MOST_DOUBTED: Final = 500
"""Interactions that are doubted, or asked for, at a time; the others are a moment later, so that calls aren't held up
where all of them wait too long at once, as after a restart."""
MOST: Final = 100_000
"""Interactions kept at most: many times what an organisation may have at once."""

EVENT: Final = "event"


class Grave:
    """An interaction that ended: when that happened, and when we heard of it."""

    __slots__ = ("heard", "time")

    def __init__(self, time: float, heard: float) -> None:
        self.time = time
        self.heard = heard


class TaskTable:
    """All interactions and queues by id. ``offset`` takes an epoch time to the picture's clock: it is taken off.

    ``most`` is how many interactions are kept, and how many ends.
    """

    def __init__(self, offset: float, changed: Callable[[Queue], None], most: int = MOST) -> None:
        self.tasks: dict[str, Task] = {}
        self.queues: dict[str, QueueState] = {}
        self.graves: dict[str, Grave] = {}
        self.offset = offset
        self._most = most
        self._changed = changed
        self._asked: tuple[str, ...] = ()
        self._seats: dict[str, tuple[QueueState, str, float]] = {}
        self.listener: Callable[[Task], None] | None = None
        """Called with an interaction when it has begun, changed or ended."""

    def queue(self, queue_id: str) -> QueueState:
        """The queue of that id, which is made where it isn't known."""
        found = self.queues.get(queue_id)
        if found is None:
            queue = Queue("", queue_id)
            queue.of_tasks.doubt(AWAITED)
            queue.of_agents.doubt(AWAITED)
            found = self.queues[queue_id] = QueueState(queue)
        return found

    def apply(self, event: TaskEvent, now: float) -> str:
        """Apply an event. Gives APPLIED, LATE or IGNORED."""
        told = EVENTS.get(event.type)
        if told is None or not event.task_id:
            return IGNORED
        task = self.tasks.get(event.task_id)
        if task is None:
            grave = self.graves.get(event.task_id)
            if grave is not None and event.time <= grave.time:
                return LATE
            if told[0] == TELL or len(self.tasks) >= self._most:
                return IGNORED
            task = self.tasks[event.task_id] = Task(event.task_id)
        result = task.take(event, now)
        self.seat(task, now, min(event.time, now) if result == APPLIED else None)
        return result

    def seat(self, task: Task, now: float, known: float | None = None, source: str = EVENT) -> None:
        """Give an interaction the place in its queue that is now its own, and publish that.

        ``known`` is the time as of which this is so, None where it renews nothing.
        """
        if task.state == ENDED:
            self._bury(task, now)
        queue = self.queue(task.queue_id) if task.queue_id else None
        place = NOWHERE if queue is None else _place(task, queue)
        seat = self._seats.get(task.id)
        left = None
        if seat is not None and (seat[0] is not queue or seat[1] != place or seat[2] != task.parked_at):
            left, was, _ = self._seats.pop(task.id)
            left.leave(was, task.id, now)
            seat = None
        if queue is not None:
            if seat is None and place != NOWHERE:
                queue.join(place, task.id, task.parked_at, now)
                self._seats[task.id] = (queue, place, task.parked_at)
            self.publish(queue, now, known, source)
        if left is not None and left is not queue:
            self.publish(left, now, known, source)
        if self.listener is not None:
            self.listener(task)

    def publish(self, queue: QueueState, now: float, known: float | None, source: str) -> None:
        """Show a queue's line as it is now, known to be so as of ``known``."""
        changed = queue.publish(now)
        if known is not None:
            queue.queue.of_tasks.renew(known - self.offset, source)
        if queue.configured and (changed or known is not None):
            self._changed(queue.queue)

    def reseat(self, queue_id: str, now: float) -> None:
        """Place everybody in a queue anew, since what it is has become known."""
        for task in self.tasks.values():
            if task.queue_id == queue_id:
                self.seat(task, now)

    def end(self, task: Task, time: float, now: float) -> None:
        """End an interaction that is no more at that time, though no event has said so."""
        task.enter(ENDED, time)
        task.order.time = max(task.order.time, time)
        self.seat(task, now)

    def tick(self, now: float) -> None:
        """Let waits grow, doubt who waits too long, and forget what is long past."""
        room = MOST_DOUBTED
        for queue in self.queues.values():
            if queue.length:
                room -= self._doubt(queue, now, room)
                self.publish(queue, now, None, EVENT)
        while self.graves:
            oldest = next(iter(self.graves))
            if self.graves[oldest].heard > now - GRAVES:
                break
            del self.graves[oldest]

    def forget(self, now: float) -> None:
        """Drop what nothing has been heard of for days: no search covers other channels and calls that go out."""
        for task in [one for one in self.tasks.values() if max(one.order.time, one.heard) < now - FORGET]:
            self.end(task, now, now)

    def in_line(self) -> bool:
        """Whether a caller waits, or is about to, or was just offered to an agent."""
        return any(
            task.state in (NEW, PARKED, OFFERED) and task.inbound and (task.channel or TELEPHONY) == TELEPHONY
            for task in self.tasks.values()
        )

    def doubted(self, now: float) -> tuple[str, ...]:
        """Interactions to be searched for by id: those that are parked for longer than their queue allows.

        And those that a search has shown otherwise when an event had just come: now it can be believed.
        """
        room = MOST_DOUBTED
        for queue in self.queues.values():
            if queue.length:
                room -= self._doubt(queue, now, room)
        settled = now - SETTLE
        asked = (
            task.id
            for task in self.tasks.values()
            if (task.doubted and task.state == PARKED) or (task.questioned and task.heard <= settled)
        )
        self._asked = tuple(islice(asked, MOST_DOUBTED))
        return self._asked

    def take_asked(self) -> tuple[str, ...]:
        """What `doubted` gave last, once."""
        asked, self._asked = self._asked, ()
        return asked

    def _doubt(self, queue: QueueState, now: float, most: int) -> int:
        """Doubt who has waited in a queue for too long, so many at most. Gives how many."""
        limit = now - (queue.max_time or MAX_TIME) - MARGIN
        oldest = queue.oldest()
        if oldest is None or oldest >= limit:
            return 0
        waiting = (self.tasks[id] for id in queue.waiting_ids())
        late = [task for task in waiting if max(task.parked_at, task.vouched) < limit][:most]
        for task in late:
            task.doubted = True
            self.seat(task, now)
        return len(late)

    def _bury(self, task: Task, now: float) -> None:
        self.tasks.pop(task.id, None)
        self.graves.pop(task.id, None)  # so that the graves stand in the order of their time
        self.graves[task.id] = Grave(task.order.time, now)
        if len(self.graves) > self._most:
            del self.graves[next(iter(self.graves))]


def _place(task: Task, queue: QueueState) -> str:
    """Where an interaction stands in its queue."""
    if (task.channel or TELEPHONY) != queue.queue.channel.lower():
        return NOWHERE
    if task.state == PARKED:
        return WAITING if task.inbound and not task.doubted else ASIDE
    return CALL if task.state == OFFERED or task.state in TALKING else NOWHERE
