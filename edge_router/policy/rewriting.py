"""Finds what a rule reads, checks it, and puts a plain variable in its place.

`queue("Support").expected == 0` becomes `v0 == 0` and a read of the queue, since filling in a variable costs a
tenth of calling a function from CEL. Every variable is padded to the length of what it stands for, so a place in
the rewritten rule is the same place in the rule as written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

import cel

from edge_router.policy.faults import RuleFault, fault_at, unknown
from edge_router.policy.reads import (
    CallRead,
    CloudRead,
    HeaderRead,
    HoursRead,
    LatchRead,
    ListedRead,
    Name,
    PercentRead,
    QueueRead,
    Read,
    SentRead,
    ServiceRead,
    TeamRead,
    TrunkRead,
    VisitsRead,
)
from edge_router.policy.surroundings import (
    CALL_FIELDS,
    CLOUD_FIELDS,
    LONGEST_WINDOW,
    QUEUE_FIELDS,
    TEAM_FIELDS,
    TRUNK_FIELDS,
    Surroundings,
)
from edge_router.policy.tokens import Kind, Token, tokens_of
from edge_router.sip.names import key_of

USAGE: Final = {
    "call": 'call.called or call.header("Name")',
    "queue": 'queue("Name").length',
    "team": 'team("Name").available',
    "trunk": 'trunk("name").up or trunk("name").sent(60)',
    "percent": 'percent(30, "salt")',
    "cloud": "cloud().calls",
    "hours": 'hours("name")',
    "latch": 'latch("name")',
    "listed": 'listed("list", call.calling)',
}
ROOTS: Final = frozenset(USAGE)
"""The names that a read can begin with."""
_MORE_OF_CALL: Final = ("header", "service", "visits")
"""What a call has besides its fields."""


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
                faults.append(fault_at(text, token.start, what))
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
        ways: dict[str, Callable[[], Read]] = {
            "call": self._call,
            "queue": self._queue,
            "team": self._team,
            "trunk": self._trunk,
            "percent": self._percent,
            "cloud": self._cloud,
            "hours": self._hours,
            "latch": self._latch,
            "listed": self._listed,
        }
        read = ways[self._take(Kind.NAME).text]()
        if self._next().text == "(":
            raise _Wrong(("this is a value, and takes no ()", self._next()))
        return read

    def _call(self) -> Read:
        """Behind `call`: a field, `service` and a column, `header` or `visits`."""
        field = self._field()
        if field.text == "service":
            return self._service(field)
        if field.text == "visits":
            self._mark("(")
            token = self._next()
            peer = self._text()
            self._mark(")")
            if peer not in self._surroundings.peers:
                raise _Wrong((unknown("dial-peer", peer, self._surroundings.peers), token))
            return VisitsRead(peer)
        if field.text == "header":
            self._mark("(")
            name = self._next()
            key = key_of(self._text())
            if not key:
                raise _Wrong((f"{name.text} can't be the name of a header", name))
            self._mark(")")
            return HeaderRead(key)
        if field.text not in CALL_FIELDS:
            raise _Wrong((unknown("field of call", field.text, {*CALL_FIELDS, *_MORE_OF_CALL}), field))
        return CallRead(field.text)

    def _service(self, service: Token) -> Read:
        """Behind `call.service`: a column."""
        column = self._field()
        columns = self._surroundings.columns
        if columns is None:
            raise _Wrong(("there is no table of services; add services: {file: services.csv}", service))
        if column.text not in columns:
            raise _Wrong((unknown("column in the table of services", column.text, columns), column))
        return ServiceRead(column.text)

    def _queue(self) -> Read:
        """Behind `queue`: its name and a field."""
        picture = self._surroundings.picture
        name, field = self._of_state("queue", QUEUE_FIELDS, picture.queue, lambda: picture.names)
        return QueueRead(name, field, self._surroundings)

    def _team(self) -> Read:
        """Behind `team`: its name and a field."""
        picture = self._surroundings.picture
        name, field = self._of_state("team", TEAM_FIELDS, picture.team, lambda: [team.name for team in picture.teams])
        return TeamRead(name, field, self._surroundings)

    def _of_state(
        self, noun: str, fields: Collection[str], find: Callable[[str], object], names: Callable[[], Iterable[str]]
    ) -> tuple[Name, str]:
        """Behind `queue` or `team`: the name of one, and a field."""
        name, token = self._bracketed_name()
        field = self._field()
        wrong = []
        if name.literal is not None and find(name.literal) is None and not self._surroundings.open:
            wrong.append((unknown(noun, name.literal, names()), token))
        if field.text not in fields:
            wrong.append((unknown(f"field of a {noun}", field.text, fields), field))
        if wrong:
            raise _Wrong(*wrong)
        return name, field.text

    def _cloud(self) -> Read:
        """Behind `cloud`: nothing in brackets, and a field."""
        self._mark("(")
        self._mark(")")
        field = self._field()
        if field.text not in CLOUD_FIELDS:
            raise _Wrong((unknown("field of the cloud", field.text, CLOUD_FIELDS), field))
        if self._surroundings.cloud is None:
            raise _Wrong(("no trunk leads to the contact centre; name those that do in state.trunks", self._root))
        return CloudRead(self._surroundings.cloud, field.text)

    def _hours(self) -> Read:
        """Behind `hours`: a name."""
        return HoursRead(self._known_name("hours", self._surroundings.hours), self._surroundings)

    def _latch(self) -> Read:
        """Behind `latch`: a name."""
        return LatchRead(self._known_name("latch", self._surroundings.latches), self._surroundings)

    def _known_name(self, noun: str, known: Collection[str]) -> Name:
        """A name in brackets, of something that the configuration has."""
        name, token = self._bracketed_name()
        if name.literal is not None and name.literal not in known:
            raise _Wrong((unknown(noun, name.literal, known), token))
        return name

    def _listed(self) -> Read:
        """Behind `listed`: the list and the number."""
        self._mark("(")
        token = self._next()
        name = self._text()
        self._mark(",")
        number = self._name()
        self._mark(")")
        numbers = self._surroundings.lists.get(name)
        if numbers is None:
            raise _Wrong((unknown("number list", name, self._surroundings.lists), token))
        return ListedRead(numbers, number)

    def _trunk(self) -> Read:
        """Behind `trunk`: its name and a field, or `sent`."""
        self._mark("(")
        name_token = self._next()
        name = self._text()
        self._mark(")")
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

    def _bracketed_name(self) -> tuple[Name, Token]:
        """A name in brackets, and its token."""
        self._mark("(")
        token = self._next()
        name = self._name()
        self._mark(")")
        return name, token

    def _name(self) -> Name:
        """A text in quotes, or one of the call's."""
        token = self._next()
        if token.text != "call":
            return Name(self._text())
        self.at += 1
        read = self._call()
        if read.kind is not str:
            raise _Wrong(("this is no text of the call, as call.called and call.service.queue are", token))
        return Name(None, read)

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
