"""Tries a compiled rule on made-up values, so that a rule whose types don't fit is known at load, not at a call.

The CEL library checks types only when a rule runs, and only on the way that it takes. So the values are chosen
around those that the rule itself compares with, and there are enough of them to go most ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from random import Random
from typing import Final

import cel

from edge_router.policy.rewriting import Rewritten
from edge_router.policy.surroundings import Value
from edge_router.policy.tokens import Kind

TRIALS: Final = 200
"""Runs of one rule: every combination of the values where there are no more, else as many by chance."""

WORDS: Final[dict[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a map",
    bytes: "bytes",
}


def try_out(program: cel.Program, rewritten: Rewritten) -> str | None:
    """What is certainly wrong with a rule whose names are all known, or None.

    A rule may well fail on values that are no fault of its writer, as `int("")` does: that is for a call to see.
    """
    for values in _combinations(rewritten):
        try:
            result = program.execute(values)
        except Exception as error:  # the library has no exception of its own
            fault = _certain(error, values)
            if fault is not None:
                return fault
        else:
            if not isinstance(result, bool):
                return f"a rule must be true or false, this one is {WORDS.get(type(result), 'neither')}"
    return None


def _certain(error: Exception, values: dict[str, Value]) -> str | None:
    """What an error says of the rule, rather than of the values that it was tried on; None if nothing."""
    message = str(error)
    if isinstance(error, TypeError):
        operation = message.removeprefix("Unsupported operation: ").partition(".")[0]
        here = f": {operation}" if operation != message.partition(".")[0] else ""
        return f"the types don't fit{here}; CEL mixes no types, convert with int(), double() or string()"
    if message.startswith("Undefined variable or function: "):
        name = message.split("'")[1]
        return f"{name} is given what it can't take, or is used outside the macro that it belongs to"
    tried = [value for value in values.values() if isinstance(value, str) and value]
    if "not a valid regex" in message and not any(value in message for value in tried):
        why = message.splitlines()[-1].removeprefix("error: ").partition(". Check")[0]
        return f"matches() is given what is no regular expression: {why}"
    return None


def _combinations(rewritten: Rewritten) -> Iterator[dict[str, Value]]:
    """Values for all variables of the rule, many times."""
    numbers = [int(token.text) for token in rewritten.tokens if token.text.isdecimal() and len(token.text) < 10]
    texts = [token.text.strip("\"'") for token in rewritten.tokens if token.kind is Kind.TEXT]
    samples: dict[type[Value], Sequence[Value]] = {
        bool: (False, True),
        int: sorted({0, 1, 1000, *(near for n in numbers for near in (n - 1, n, n + 1))}),
        float: sorted({0.5, 1000.5, *(near for n in numbers for near in (n - 0.5, n + 0.5))}),
        str: sorted({"", "1", "+18005550100", *texts}),
    }
    names = [one.variable for one in rewritten.found]
    choices = [samples[one.read.kind] for one in rewritten.found]
    if prod(map(len, choices)) <= TRIALS:
        rows: Iterator[tuple[Value, ...]] = product(*choices)
    else:
        chance = Random(0)  # the same rule is always tried on the same values
        rows = (tuple(map(chance.choice, choices)) for _ in range(TRIALS))
    return (dict(zip(names, row, strict=True)) for row in rows)
