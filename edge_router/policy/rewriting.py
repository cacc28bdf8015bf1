"""Finds what a rule reads, checks it, and puts a plain variable in its place.

`queue("Support").expected == 0` becomes `v0 == 0` and a read of the queue, since filling in a variable costs a
tenth of calling a function from CEL. Every variable is padded to the length of what it stands for, so a place in
the rewritten rule is the same place in the rule as written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

import cel

from edge_router.policy.faults import RuleFault, fault_at, unknown
from edge_router.policy.reads import (
    CALL_FIELDS,
    LONGEST_WINDOW,
    QUEUE_FIELDS,
    TEAM_FIELDS,
    TRUNK_FIELDS,
    CallRead,
    HeaderRead,
    PercentRead,
    QueueRead,
    Read,
    SentRead,
    Surroundings,
    TeamRead,
    TrunkRead,
)
from edge_router.policy.tokens import Kind, Token, tokens_of
from edge_router.sip.names import key_of

NOT_BUILT: Final = frozenset({"cloud", "latch", "hours", "listed"})
NOT_BUILT_OF_CALL: Final = frozenset({"service", "visits"})
USAGE: Final = {
    "call": 'call.called or call.header("Name")',
    "queue": 'queue("Name").length',
    "team": 'team("Name").available',
    "trunk": 'trunk("name").up or trunk("name").sent(60)',
    "percent": 'percent(30, "salt")',
}
ROOTS: Final = NOT_BUILT.union(USAGE)
"""The names that a read can begin with."""


@dataclass(frozen=True, slots=True)
class Found:
    """One read of a rule: the variable that stands for it, the read as the rule writes it, and how it is had."""

    variable: str
    text: str
    read: Read


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A rule with variables in place of its reads. `tokens` are its tokens but for reads that are wrong."""

    text: str
    found: tuple[Found, ...]
    tokens: tuple[Token, ...]
    faults: tuple[RuleFault, ...]


def rewrite(text: str, surroundings: Surroundings) -> Rewritten:
    """Rewrite a rule. The faults are those of its reads; the rest of it is not checked here."""
    tokens = tokens_of(text)
    found: dict[str, Found] = {}
    faults: list[RuleFault] = []
    kept: list[Token] = []
    pieces: list[str] = []
    variables = _free_names(tokens)
    at = copied = 0
    while at < len(tokens):
        token = tokens[at]
        if not _starts_read(tokens, at):
            kept.append(token)
            at += 1
            continue
        cursor = _Cursor(tokens, at, len(text), surroundings)
        try:
            read = cursor.read()
        except _Wrong as wrong:
            for what, token in wrong.faults:
                faults.append(fault_at(text, token.start, what, not_built=isinstance(wrong, _NotBuilt)))
        else:
            written = "".join(", " if t.text == "," else t.text for t in tokens[at : cursor.at])
            here = found.get(written) or Found(next(variables), written, read)
            found[written] = here
            end = tokens[cursor.at - 1].end
            pieces += text[copied : token.start], _padded(here.variable, text[token.start : end])
            kept.append(Token(Kind.NAME, here.variable, token.start))
            copied = end
        at = cursor.at
    pieces.append(text[copied:])
    return Rewritten("".join(pieces), tuple(found.values()), tuple(kept), tuple(faults))


def _starts_read(tokens: list[Token], at: int) -> bool:
    """Whether a read starts at this token: a name of ours that isn't a field or method of something."""
    token = tokens[at]
    return token.kind is Kind.NAME and token.text in ROOTS and (at == 0 or tokens[at - 1].text != ".")


def _free_names(tokens: list[Token]) -> Iterator[str]:
    """Names v0, v1, ... but for those that the rule itself uses."""
    taken = {token.text for token in tokens}
    for number in count():
        if f"v{number}" not in taken:
            yield f"v{number}"


def _padded(variable: str, read: str) -> str:
    """The variable, as long as the read that it stands for and with the same line breaks."""
    return variable + "".join("\n" if c == "\n" else " " for c in read[len(variable) :])


class _Wrong(Exception):
    """What is wrong with a read, and at which of its tokens."""

    def __init__(self, *faults: tuple[str, Token]) -> None:
        super().__init__()
        self.faults = faults


class _NotBuilt(_Wrong):
    """A read that is right, but that this version can't do."""


class _Cursor:
    """Reads one read of a rule, token by token. `at` is the index of the next token."""

    def __init__(self, tokens: list[Token], at: int, end: int, surroundings: Surroundings) -> None:
        self.at = at
        self._tokens = tokens
        self._root = tokens[at]
        self._end = Token(Kind.MARK, "", end)
        self._surroundings = surroundings

    def read(self) -> Read:
        """The read. Raises _Wrong if it isn't one."""
        root = self._take(Kind.NAME).text
        if root in NOT_BUILT:
            raise _NotBuilt((f"{root}() is not built yet", self._root))
        read = {"call": self._call, "queue": self._queue, "team": self._team, "trunk": self._trunk}.get(
            root, self._percent
        )()
        if self._next().text == "(":
            raise _Wrong(("this is a value, and takes no ()", self._next()))
        return read

    def _call(self) -> Read:
        """Behind `call`: a field or `header`."""
        field = self._field()
        if field.text in NOT_BUILT_OF_CALL:
            raise _NotBuilt((f"call.{field.text} is not built yet", field))
        if field.text == "header":
            self._mark("(")
            name = self._next()
            key = key_of(self._text())
            if not key:
                raise _Wrong((f"{name.text} can't be the name of a header", name))
            self._mark(")")
            return HeaderRead(key)
        if field.text not in CALL_FIELDS:
            raise _Wrong((unknown("field of call", field.text, {*CALL_FIELDS, "header"}), field))
        return CallRead(field.text)

    def _queue(self) -> Read:
        """Behind `queue`: its name and a field."""
        name, name_token = self._name_argument()
        field = self._field()
        picture = self._surroundings.picture
        wrong = []
        if picture.queue(name) is None and not self._surroundings.open:
            wrong.append((unknown("queue", name, picture.names), name_token))
        if field.text not in QUEUE_FIELDS:
            wrong.append((unknown("field of a queue", field.text, QUEUE_FIELDS), field))
        if wrong:
            raise _Wrong(*wrong)
        return QueueRead(name, field.text, self._surroundings)

    def _team(self) -> Read:
        """Behind `team`: its name and a field."""
        name, name_token = self._name_argument()
        field = self._field()
        picture = self._surroundings.picture
        wrong = []
        if picture.team(name) is None and not self._surroundings.open:
            wrong.append((unknown("team", name, [team.name for team in picture.teams]), name_token))
        if field.text not in TEAM_FIELDS:
            wrong.append((unknown("field of a team", field.text, TEAM_FIELDS), field))
        if wrong:
            raise _Wrong(*wrong)
        return TeamRead(name, field.text, self._surroundings)

    def _trunk(self) -> Read:
        """Behind `trunk`: its name and a field, or `sent`."""
        name, name_token = self._name_argument()
        field = self._field()
        window = self._window() if field.text == "sent" else None
        trunk = self._surroundings.trunks.get(name)
        wrong = []
        if trunk is None:
            wrong.append((unknown("trunk", name, self._surroundings.trunks), name_token))
        if window is None and field.text not in TRUNK_FIELDS:
            wrong.append((unknown("field of a trunk", field.text, {*TRUNK_FIELDS, "sent"}), field))
        if trunk is None or wrong:
            raise _Wrong(*wrong)
        return TrunkRead(trunk, field.text) if window is None else SentRead(trunk, window)

    def _window(self) -> int:
        """Behind `sent`: the seconds to look back."""
        self._mark("(")
        number = self._take(Kind.NUMBER)
        self._mark(")")
        if not number.text.isdecimal() or not 1 <= int(number.text) <= LONGEST_WINDOW:
            raise _Wrong((f"sent() takes whole seconds from 1 to {LONGEST_WINDOW}", number))
        return int(number.text)

    def _percent(self) -> Read:
        """Behind `percent`: the percentage and the salt."""
        self._mark("(")
        number = self._take(Kind.NUMBER)
        self._mark(",")
        salt = self._text()
        self._mark(")")
        try:
            return PercentRead(float(number.text), salt)
        except ValueError as error:
            raise _Wrong(("percent() takes a number from 0 to 100", number)) from error

    def _name_argument(self) -> tuple[str, Token]:
        """A name in quotes and brackets, and its token."""
        self._mark("(")
        token = self._next()
        if token.text == "call":  # what isn't built yet shall be called that, rather than wrong
            self.at += 1
            self._call()
            raise self._malformed(token)
        name = self._text()
        self._mark(")")
        return name, token

    def _field(self) -> Token:
        """A dot and the name of a field."""
        self._mark(".")
        return self._take(Kind.NAME)

    def _text(self) -> str:
        """A text in quotes, as CEL reads it."""
        token = self._take(Kind.TEXT)
        try:
            return str(cel.compile(token.text).execute({}))
        except ValueError as error:
            message = "the quotes are not closed, or what stands in them is no CEL text"
            raise _Wrong((message, token)) from error

    def _mark(self, mark: str) -> None:
        """The mark that must stand here."""
        if self._next().text != mark:
            raise self._malformed(self._next())
        self.at += 1

    def _take(self, kind: Kind) -> Token:
        """The next token, which must be of this kind."""
        token = self._next()
        if token.kind is not kind:
            raise self._malformed(token)
        self.at += 1
        return token

    def _next(self) -> Token:
        """The next token, left where it is."""
        return self._tokens[self.at] if self.at < len(self._tokens) else self._end

    def _malformed(self, token: Token) -> _Wrong:
        """What to say where a read has another shape than it must have."""
        return _Wrong((f"{self._root.text} is written {USAGE[self._root.text]}", token))
