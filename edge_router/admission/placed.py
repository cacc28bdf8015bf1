"""The calls that this router has placed at the contact centre, until the centre is done with them.

A redirected call is out of our hands, and an event of the contact centre that shows it may come seconds later. Until
then it counts here, afterwards there, and never twice: a burst must not go to a queue that only seems to be empty. Time
is given as an argument, in seconds on any clock that does not go back; the times of tasks are in the same clock. It
must not know who tells it, nor what is decided on it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

from edge_router.admission.lines import Lines
from edge_router.admission.number_form import form_of
from edge_router.admission.placed_call import PlacedCall, Way
from edge_router.admission.tally import Tally

MOST: Final = 100_000
"""Calls that are remembered; beyond, the oldest is forgotten."""
BRIDGE: Final = "bridge"
"""The one method by which a call stays with us, so that we hear of its end."""


class PlacedCalls:
    """All calls that were placed.

    ``expect_for`` is how many seconds a call counts without being seen; it may be changed at any time. Whoever has no
    ``now`` to give is told how things stood when something was last told, or at the last ``tidy``. ``linked`` is called
    with a call's id and its task's when they are found to belong together, and with "" for a task that was a mistake.
    """

    __slots__ = (
        "_calls",
        "_ended",
        "_ends",
        "_fresh",
        "_lines",
        "_most",
        "_queues",
        "_tallies",
        "_tasks",
        "_unseen",
        "expect_for",
        "linked",
    )

    def __init__(self, expect_for: float = 120.0, most: int = MOST) -> None:
        self.expect_for = expect_for
        self.linked: Callable[[str, str], None] | None = None
        self._most: Final = most
        self._calls: OrderedDict[str, PlacedCall] = OrderedDict()  # a dict would be slow to give its oldest
        self._tasks: dict[str, PlacedCall] = {}
        self._fresh: deque[PlacedCall] = deque()
        self._lines: Final = Lines()
        self._queues: dict[str, int] = {}
        self._tallies: dict[Way, Tally] = {}
        self._unseen = 0
        self._ended: dict[str, str] = {}
        """Tasks that ended lately, and the call of each, "" where none is known."""
        self._ends: deque[tuple[float, str]] = deque()

    # -------------------------------------------------------------------------------------- what is told of calls

    def placed(
        self,
        call_id: str,
        policy: str | None,
        trunk: str,
        dial_peer: str,
        queues: tuple[str, ...],
        method: str,
        origin: str,
        destinations: tuple[str, ...],
        now: float,
    ) -> None:
        """A call is sent to the contact centre; what was placed before under its id is gone.

        ``policy`` has sent it there: it counts in that one's share and no other's, and where None has, in none.
        ``origin`` is the calling number as it is sent, ``destinations`` the called ones that may be seen there (as
        sent, as received). ``queues`` are where it is expected, by the names that `unseen` is asked by. ``method`` is
        bridge, redirect or refer.
        """
        self.tidy(now)
        before = self._calls.get(call_id)
        if before is not None:
            self._forget(before, now)
        if len(self._fresh) >= self._most:
            self._expire(self._fresh.popleft())
        if len(self._calls) >= self._most:
            self._forget(next(iter(self._calls.values())), now)
        ways: tuple[Way, ...] = ()
        if policy is not None:
            ways = ((policy, trunk),) if trunk == dial_peer else ((policy, trunk), (policy, dial_peer))
        for way in ways:
            self._sent(way, now)
        forms = tuple([form_of(each) for each in destinations])
        call = PlacedCall(call_id, ways, queues, method == BRIDGE, form_of(origin), forms, now)
        self._calls[call_id] = call
        self._fresh.append(call)
        self._lines.join(call)
        self._settle(call)

    def over(self, call_id: str, now: float) -> None:
        """A leg of ours has ended. Says nothing of a redirected or REFERred call: that one goes on elsewhere."""
        self.tidy(now)
        call = self._calls.get(call_id)
        if call is not None and call.bridged and not call.over:
            call.over = True
            call.ended = now
            self._settle(call)

    def failed(self, call_id: str, now: float) -> None:
        """A call, by whatever method, never got there: it was refused, or its REFER came to nothing."""
        self.tidy(now)
        call = self._calls.get(call_id)
        if call is not None:
            self._forget(call, now)

    # -------------------------------------------------------------------------------------- what is told of tasks

    def seen(
        self,
        task_id: str,
        origin: str,
        destination: str,
        time: float,
        now: float,
        queued: bool,
        correlation: str = "",
    ) -> str | None:
        """The contact centre shows a task that began at ``time``. Gives the id of its call, None if it isn't ours.

        To be told of each inbound task when it appears, and again when it is ``queued`` (parked in a queue, or with
        an agent): in between, in the IVR, no queue's length has it in it, and it goes on being expected.
        ``correlation`` is the call id that the centre was given with the call, if the task has it: then numbers don't
        matter, and what was guessed by them before is corrected.
        """
        self.tidy(now)
        known = self._ended.get(task_id)
        if known:
            return known
        call = self._tasks.get(task_id)
        if correlation:
            call = self._correlate(task_id, correlation) or call
            if call is None:  # a call of another router, or of long ago
                return None
        elif call is None:
            call = self._lines.find(form_of(origin), form_of(destination), time, self.expect_for)
            if call is None:
                return None
            self._give(call, task_id, False, False)
        call.queued = call.queued or queued
        if known is not None:
            self._ended[task_id] = call.call_id
            call.task_over = True
        self._settle(call)
        return call.call_id

    def task_over(self, task_id: str, now: float) -> None:
        """A task has ended, or isn't known to the contact centre any more."""
        self.tidy(now)
        if task_id in self._ended:
            return
        call = self._tasks.get(task_id)
        if call is not None and call.task_over:
            return  # told again, long after
        self._note_end(task_id, "" if call is None else call.call_id, now)
        if call is not None:
            call.task_over = True
            self._settle(call)

    def tidy(self, now: float) -> None:
        """Let go of what is expected no longer. To be called once a second or so, where nothing else is told."""
        since = now - self.expect_for
        fresh = self._fresh
        while fresh and fresh[0].at <= since:
            self._expire(fresh.popleft())
        ends = self._ends
        while ends and ends[0][0] <= since:
            self._forget_end()

    # -------------------------------------------------------------------------------------- what is asked

    def unseen(self, queue: str) -> int:
        """How many calls that were placed for a queue the contact centre doesn't show in any queue yet."""
        return self._queues.get(queue, 0)

    @property
    def unseen_total(self) -> int:
        """How many calls the contact centre doesn't show at all yet."""
        return self._unseen

    def concurrent(self, way: Way) -> int:
        """How many calls that a policy has sent by way of a trunk or dial-peer are there: unseen, or seen and going on.

        A bridged one is there as long as its leg is, whether it was seen or not, unless its task has ended.
        """
        tally = self._tallies.get(way)
        return 0 if tally is None else tally.calls

    def in_last_minute(self, way: Way, now: float) -> int:
        """How many calls a policy has sent by way of a trunk or dial-peer in the last 60 s, whatever became of them."""
        tally = self._tallies.get(way)
        return 0 if tally is None else tally.in_last_minute(now)

    def __contains__(self, call_id: object) -> bool:
        """Whether this is a call that was placed, and of which something may still be told."""
        return call_id in self._calls

    def call_of(self, task_id: str) -> str | None:
        """The call of a task, up to ``expect_for`` after the task's end."""
        call = self._tasks.get(task_id)
        return call.call_id if call is not None else self._ended.get(task_id) or None

    @property
    def tasks(self) -> list[str]:
        """Tasks of our calls of which no end was told: to be compared with those that the contact centre has."""
        return [task_id for task_id, call in self._tasks.items() if not call.task_over]

    # -------------------------------------------------------------------------------------- how it is done

    def _correlate(self, task_id: str, correlation: str) -> PlacedCall | None:
        """Link a task to the call that it names. None if that one isn't here, or what is linked already is sure."""
        call = self._calls.get(correlation)
        guess = self._tasks.get(task_id)
        if call is None or call.sure or (guess is not None and guess.sure):
            return None
        if call is guess:
            call.sure = True
            return call
        other, other_queued, other_over = call.task, call.queued, call.task_over
        self._give(call, task_id, guess is not None and guess.queued, False)
        call.sure = True
        if guess is not None:  # each may have had the other's, as when somebody calls twice
            self._give(guess, other, other_queued, other_over)
            self._settle(guess)
        elif other:
            del self._tasks[other]
        if other in self._ended:
            self._ended[other] = "" if guess is None else guess.call_id
        return call

    def _give(self, call: PlacedCall, task_id: str, queued: bool, task_over: bool) -> None:
        """Link a call to a task instead of the one that it has, or to none ("")."""
        call.task, call.queued, call.task_over = task_id, queued, task_over
        if task_id:
            self._tasks[task_id] = call
            self._lines.leave(call)
        elif call.fresh:
            self._lines.join(call)
        if self.linked is not None:
            self.linked(call.call_id, task_id)

    def _expire(self, call: PlacedCall) -> None:
        call.fresh = False
        self._lines.leave(call)
        self._settle(call)

    def _forget(self, call: PlacedCall, now: float) -> None:
        """Let go of a call, whatever may still be told of it; its task is no other call's."""
        if call.task and not call.task_over:
            self._note_end(call.task, call.call_id, now)
        call.over = call.bridged = True
        call.fresh = False
        call.task_over = True
        self._lines.leave(call)
        self._settle(call)

    def _note_end(self, task_id: str, call_id: str, now: float) -> None:
        if len(self._ends) >= self._most:
            self._forget_end()
        self._ends.append((now, task_id))
        self._ended[task_id] = call_id

    def _forget_end(self) -> None:
        del self._ended[self._ends.popleft()[1]]

    def _settle(self, call: PlacedCall) -> None:
        """Count a call where it belongs as it is now, and nowhere else; forget it if nothing more can come."""
        there = not call.over and not call.task_over
        unseen = there and call.fresh and not call.task
        if unseen != call.in_unseen:
            call.in_unseen = unseen
            self._unseen += 1 if unseen else -1
        expected = there and call.fresh and not call.queued
        if expected != call.in_queues:
            call.in_queues = expected
            self._count_in_queues(call.queues, 1 if expected else -1)
        present = there and (call.fresh or call.bridged or bool(call.task))
        if present != call.in_tallies:
            call.in_tallies = present
            for way in call.ways:
                self._tally(way).calls += 1 if present else -1
        if not call.needed and self._calls.get(call.call_id) is call:
            del self._calls[call.call_id]
            if call.task:
                del self._tasks[call.task]

    def _count_in_queues(self, queues: tuple[str, ...], by: int) -> None:
        counts = self._queues
        for queue in queues:
            count = counts.get(queue, 0) + by
            if count:
                counts[queue] = count
            else:
                del counts[queue]

    def _sent(self, way: Way, now: float) -> None:
        if way not in self._tallies:
            # Names come and go with the configuration only, so this is where those that went are let go of.
            self._tallies = {
                name: tally for name, tally in self._tallies.items() if tally.calls or tally.in_last_minute(now)
            }
        self._tally(way).sent(now)

    def _tally(self, way: Way) -> Tally:
        tally = self._tallies.get(way)
        if tally is None:
            tally = self._tallies[way] = Tally()
        return tally
