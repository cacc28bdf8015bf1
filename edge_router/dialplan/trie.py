"""Many number patterns at once: which of them match a number, in time that hardly grows with how many there are.

A trie over the items of patterns, not over digits: patterns that begin alike share nodes, whatever the items are. A
digit, a dot or a set is an edge to the next node; a piece with a quantifier is its little automaton between two nodes
(fragment.py). Where only one pattern is left its rest is compared as it stands, so long tails cost no nodes. It must
not know what a pattern leads to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from edge_router.dialplan.fragment import MAX_DIGITS, Fragment, Item, Step
from edge_router.dialplan.pattern import Pattern

T = TypeVar("T")


class _Goal(Generic[T]):
    """A pattern that matches if the number goes on as `rest` says from where the goal stands.

    `rest` is None where a quantifier is still to come or was passed; then the pattern itself is asked.
    """

    __slots__ = ("pattern", "rest", "value")

    def __init__(self, pattern: Pattern, value: T, passed: int) -> None:
        self.pattern = pattern
        self.value = value
        self.rest = None if pattern.steps is None else pattern.steps[passed:]

    def length(self, number: str, at: int) -> int | None:
        """The match's length, or None. `at` digits have been matched on the way here."""
        if self.rest is None:
            return self.pattern.matches(number)
        if len(number) < at + len(self.rest):
            return None
        for step in self.rest:
            if number[at] not in step:
                return None
            at += 1
        return self.pattern.digits if self.pattern.may_end(number, at) else None


class _Node(Generic[T]):
    """Where the patterns that share their beginning stand after it.

    `edges` lists for each digit all nodes that it leads to, those included that are reached from there without any
    further digit.
    """

    __slots__ = ("edges", "goals")

    def __init__(self) -> None:
        self.edges: dict[str, list[_Node[T]]] = {}
        self.goals: list[_Goal[T]] = []

    def link(self, step: Step, nodes: list[_Node[T]]) -> None:
        for digit in step:
            self.edges.setdefault(digit, []).extend(nodes)


class PatternTrie(Generic[T]):
    """Patterns and what each of them leads to. It is built once and does not change."""

    __slots__ = ("_looped", "_start")

    def __init__(self, entries: Iterable[tuple[Pattern, T]]) -> None:
        self._looped = False
        self._start: list[_Node[T]] = self._grow(list(entries), 0)

    def match(self, number: str) -> list[tuple[int, T]]:
        """Every pattern that matches, in no order: the length as `Pattern.matches` gives it, and the value."""
        found: list[tuple[int, T]] = []
        asked: set[_Goal[T]] = set()
        nodes = self._start
        for at in range(min(len(number), MAX_DIGITS) + 1):
            digit = number[at : at + 1]
            following: list[_Node[T]] = []
            for node in nodes:
                if node.goals:
                    for goal in node.goals:
                        if goal.rest is None:  # more than one way may lead there
                            if goal in asked:
                                continue
                            asked.add(goal)
                        length = goal.length(number, at)
                        if length is not None:
                            found.append((length, goal.value))
                if digit in node.edges:
                    following += node.edges[digit]
            if not following:
                break
            # Ways that have met go on as one, or a pattern such as (1?)(1?)(1?) would double them at each digit.
            nodes = list(dict.fromkeys(following)) if self._looped else following
        return found

    def _grow(self, entries: list[tuple[Pattern, T]], passed: int) -> list[_Node[T]]:
        """Makes the node where these patterns stand after `passed` items, and what lies behind it.

        Gives that node and those that are reached from it without a digit.
        """
        node: _Node[T] = _Node()
        nodes = [node]
        if len(entries) == 1:
            node.goals.append(_Goal(*entries[0], passed))
            return nodes
        alike: dict[Item, list[tuple[Pattern, T]]] = {}
        for pattern, value in entries:
            if passed == len(pattern.items):
                node.goals.append(_Goal(pattern, value, passed))
            else:
                alike.setdefault(pattern.items[passed], []).append((pattern, value))
        for item, group in alike.items():
            beyond = self._grow(group, passed + 1)
            if isinstance(item, Fragment):
                self._looped = True
                _thread(node, item, beyond)
                nodes += beyond if item.empty else []
            else:
                node.link(item, beyond)
        return nodes


def _thread(node: _Node[T], piece: Fragment, beyond: list[_Node[T]]) -> None:
    """Lays the automaton of a piece between a node and those beyond it."""
    inner: dict[int, _Node[T]] = {state: _Node() for state, after in enumerate(piece.after) if after}
    reached = [
        ([inner[state]] if state in inner else []) + (beyond if state in piece.last else [])
        for state in range(len(piece.steps))
    ]
    for state in piece.first:
        node.link(piece.steps[state], reached[state])
    for state, begun in inner.items():
        for successor in piece.after[state]:
            begun.link(piece.steps[successor], reached[successor])
