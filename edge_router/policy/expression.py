"""One rule's condition: CEL text, compiled and tried at load, asked at every call.

Here lives what CEL knows and how its library is spoken to. What a rule can read is `reads.py`'s, how it is written
`rewriting.py`'s. Source: CEL language definition; the functions are those of the library's core.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import cel

from edge_router.policy.facts import CallFacts
from edge_router.policy.faults import RuleError, RuleFault, fault_at, unknown
from edge_router.policy.reads import Ageless, CloudRead, HeaderRead, LatchRead, Name, QueueRead, TeamRead
from edge_router.policy.rewriting import ROOTS, USAGE, Found, Rewritten, rewrite
from edge_router.policy.surroundings import Surroundings
from edge_router.policy.tokens import Kind, Token, tokens_of
from edge_router.policy.trial import WORDS, try_out

LONGEST: Final = 4000
"""Characters of a rule: the CEL library recurses over it, and a much longer one ends the process."""

MACROS: Final = frozenset({"all", "exists", "exists_one", "filter", "map"})
METHODS: Final = MACROS | {
    *("contains", "endsWith", "matches", "size", "startsWith"),
    *("getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours"),
    *("getMilliseconds", "getMinutes", "getMonth", "getSeconds"),
}
FUNCTIONS: Final = frozenset(
    {"bytes", "double", "duration", "dyn", "has", "int", "size", "string", "timestamp", "type", "uint"}
)
NAMES: Final = frozenset(
    {"true", "false", "null", "in", "bool", "bytes", "double", "int", "list", "map", "string", "type", "uint"}
)
HABITS: Final = {"and": "&&", "or": "||", "not": "!", "True": "true", "False": "false", "None": "null"} | {
    "=": "==",
    "&": "&&",
    "|": "||",
}
"""What people write who think in another language, and what CEL writes."""

_CLASS: Final = re.compile(r"(?<!\\)(?:\\\\)*(\\[dDsSwW])")
"""A character class of a regular expression whose backslash is not itself escaped."""

_TIGHTER: Final = frozenset({".", "[", "(", "+", "-", "*", "/", "%", "!"})
"""Beside an operand of `==`, these make it a part of something larger."""


class Expression:
    """A condition that is ready to be asked."""

    __slots__ = ("_aged", "_found", "_program", "text")

    def __init__(self, text: str, found: tuple[Found, ...], program: cel.Program) -> None:
        self.text = text
        self._found = tuple((one.variable, one.text, one.read) for one in found)
        self._aged = tuple(one.read for one in found if not isinstance(one.read, Ageless))
        self._program = program

    def holds(self, call: CallFacts, now: float, values: dict[str, object]) -> bool:
        """Whether the condition is true of the call. What is read goes into `values`, as the rule writes it.

        Every read is made before CEL runs, so a read that can't be had raises Undecided whatever `||` would have
        made of it. Raises what the library raises where the rule fails, and TypeError if it is not true or false.
        """
        variables: dict[str, object] = {}
        for variable, text, read in self._found:
            variables[variable] = values[text] = read.value(call, now)
        result = self._program.execute(variables)
        if result is True or result is False:
            return result
        raise TypeError(f"the result is {type(result).__name__}, not true or false")

    @property
    def queues(self) -> frozenset[str]:
        """The queues that the condition reads, and those that the latches do which it reads, as they call them."""
        own = _literal(read.name for _, _, read in self._found if isinstance(read, QueueRead))
        return own.union(*(read.queues for _, _, read in self._found if isinstance(read, LatchRead)))

    @property
    def teams(self) -> frozenset[str]:
        """The teams that the condition reads, by the name or id that it calls them."""
        return _literal(read.name for _, _, read in self._found if isinstance(read, TeamRead))

    @property
    def headers(self) -> frozenset[str]:
        """The headers of the INVITE that the condition reads, as their names are compared."""
        return frozenset(read.name for _, _, read in self._found if isinstance(read, HeaderRead))

    @property
    def counts_calls(self) -> bool:
        """Whether the condition asks how many calls the contact centre has."""
        return any(isinstance(read, CloudRead) for _, _, read in self._found)

    @property
    def changes_with_calls(self) -> bool:
        """Whether the condition reads what a call changes at once that is sent to the contact centre, or leaves it."""
        return any(
            isinstance(read, CloudRead) or (isinstance(read, QueueRead) and read.field == "expected")
            for _, _, read in self._found
        )

    def age(self, call: CallFacts, now: float) -> float | None:
        """The age of the oldest state that the condition reads, in seconds; None if it reads none."""
        oldest: float | None = None
        for read in self._aged:
            age = read.age(call, now)
            if age is not None and (oldest is None or age > oldest):
                oldest = age
        return oldest


def _literal(names: Iterable[Name]) -> frozenset[str]:
    """The names that stand in the condition itself; the others are the call's."""
    return frozenset(name.literal for name in names if name.literal is not None)


def compile_expression(text: str, surroundings: Surroundings) -> Expression:
    """Compile a rule and check all that it names. Raises RuleError with every fault that can be told."""
    if len(text) > LONGEST:
        raise RuleError([RuleFault(f"a rule has at most {LONGEST} characters, this one has {len(text)}")])
    rewritten = rewrite(text, surroundings)
    faults = [*rewritten.faults, *_unknown_names(text, rewritten), *_never_equal(text, rewritten)]
    try:
        program = cel.compile(rewritten.text)
    except ValueError as error:
        syntax = _syntax_fault(text, rewritten, str(error))
        known = any(fault.at == syntax.at for fault in faults)
        raise RuleError(faults if known else [*faults, syntax]) from None
    fault = None if faults else try_out(program, rewritten)
    if fault is not None:
        faults.append(RuleFault(fault))
    if faults:
        raise RuleError(faults)
    return Expression(text, rewritten.found, program)


def costly_classes(text: str) -> list[str]:
    r"""The character classes such as `\d` in the patterns that a rule gives to matches(), each once.

    They mean the characters of every script, and the library pays for that anew at each call.
    """
    tokens = tokens_of(text)
    found: dict[str, None] = {}
    for name, bracket, pattern in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if (name.text, bracket.text, pattern.kind) == ("matches", "(", Kind.TEXT):
            raw = pattern.text[0] in "rR"
            found |= dict.fromkeys(_CLASS.findall(pattern.text if raw else pattern.text.replace(r"\\", "\\")))
    return list(found)


def _unknown_names(text: str, rewritten: Rewritten) -> list[RuleFault]:
    """A fault for each name that is neither CEL's, nor ours, nor a macro's variable."""
    tokens = (*rewritten.tokens, Token(Kind.MARK, "", len(text)))
    marks = [token.text for token in tokens]
    own = {marks[i + 2] for i, mark in enumerate(marks[:-3]) if mark in MACROS and marks[i + 3] == ","}
    known = NAMES | own | {one.variable for one in rewritten.found}
    faults = []
    for i, token in enumerate(tokens):
        if token.kind is not Kind.NAME:
            continue
        called = marks[i + 1] == "("
        if i and marks[i - 1] == ".":
            wrong = called and token.text not in METHODS and unknown("method", token.text, METHODS)
        elif called:
            wrong = token.text not in FUNCTIONS and _unknown_function(token.text)
        else:
            wrong = token.text not in known and _unknown_name(token.text, own)
        if wrong:
            faults.append(fault_at(text, token.start, wrong))
    return faults


def _never_equal(text: str, rewritten: Rewritten) -> Iterator[RuleFault]:
    """A fault for each `==` and `!=` of a read and a literal of another kind, which CEL takes for always unequal.

    `call.called == 18005550100` would otherwise just never be true.
    """
    kinds = {one.variable: WORDS[one.read.kind] for one in rewritten.found}
    edge = Token(Kind.MARK, "", len(text))
    tokens = (edge, *rewritten.tokens, edge)
    for before, left, first, second, right, after in zip(*(tokens[i:] for i in range(6)), strict=False):
        if first.text not in ("=", "!") or second.text != "=" or before.text in _TIGHTER or after.text in _TIGHTER:
            continue
        pair = [kinds.get(token.text) or _literal_kind(token) for token in (left, right)]
        numbers = all(kind and "number" in kind for kind in pair)
        if None not in pair and pair[0] != pair[1] and not numbers:
            yield fault_at(text, left.start, f"{pair[0]} never equals {pair[1]}")


def _literal_kind(token: Token) -> str | None:
    """What a literal is, in words; None for what is none."""
    if token.text in ("true", "false"):
        return WORDS[bool]
    return {Kind.NUMBER: WORDS[float], Kind.TEXT: WORDS[str]}.get(token.kind)


def _unknown_function(name: str) -> str:
    """What to say of a function that there isn't."""
    if name in METHODS:
        return f'{name}() stands behind what it is asked of, as in call.called.{name}("...")'
    return _unknown_name(name, set()) if name in HABITS else unknown("function", name, FUNCTIONS | ROOTS, USAGE)


def _unknown_name(name: str, own: set[str]) -> str:
    """What to say of a name that there isn't."""
    if name in HABITS:
        return f'CEL writes {HABITS[name]} for "{name}"'
    return unknown("name", name, NAMES | ROOTS | own, USAGE)


def _syntax_fault(text: str, rewritten: Rewritten, error: str) -> RuleFault:
    """Put the library's words about a rule that doesn't parse, `ERROR: <input>:1:5: ...`, plainly."""
    reports = [report.partition("\n")[0] for report in error.split("ERROR: <input>:")[1:]]
    report = next((one for one in reports if "Syntax error" in one), reports[0] if reports else "")
    line, column, what = (*report.split(":", 2), "", "")[:3]
    if not (line.isdigit() and column.isdigit()):
        return RuleFault("the CEL library can't read this rule")
    starts = [0, *(i + 1 for i, c in enumerate(text) if c == "\n")]
    offset = starts[int(line) - 1] + int(column) - 1
    token = next((t for t in rewritten.tokens if t.end > offset), None)
    written = {one.variable: one.text for one in rewritten.found}
    return fault_at(text, offset, _plain(what, token, written))


def _plain(what: str, token: Token | None, written: dict[str, str]) -> str:
    """What is wrong at this token; None is the end of the rule. `written` has the reads behind the variables."""
    if "has() macro" in what:
        return 'has() asks for a field of a map; a header that is not there reads as "": call.header("X") != ""'
    if "literal" in what or "reserved" in what:
        return what.strip()
    if token is None:
        return "the rule ends too early: a value or a closing bracket is missing"
    if token.text in HABITS:
        return f'CEL writes {HABITS[token.text]} for "{token.text}"'
    if token.kind in (Kind.TEXT, Kind.BYTES) and "token recognition" in what:
        return "the quotes are not closed, or what stands in them is no CEL text"
    return f"{written.get(token.text, token.text)} is not expected here"
