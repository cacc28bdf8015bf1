"""GraphQL, as much of it as a search needs: one query with arguments and a selection, read into plain values.

No fragments, no directives, no mutations, and no introspection, which the cloud has switched off too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"""(?P<skip>[\s,]+|\#[^\n]*)|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"""
    r"""|(?P<name>[_A-Za-z][_0-9A-Za-z]*)|(?P<mark>[!$():=@\[\]{}|]|\.\.\.)"""
)
DEEPEST = 20
"""How deep values and selections may be nested."""


class BadQuery(Exception):
    """This is no query that can be answered; its text says why."""


@dataclass(slots=True)
class Field:
    """A field that is asked for, with its arguments and what is asked of it."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    fields: list[Field] = field(default_factory=list)


@dataclass(slots=True)
class Query:
    """A query with all its variables put in."""

    name: str
    fields: list[Field]


def read_query(text: str, variables: Mapping[str, Any]) -> Query:
    """The query in that text; raises BadQuery."""
    return _Reader(text, variables).query()


class _Reader:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._variables = variables
        self._declared: set[str] | None = None
        self._tokens: list[tuple[str, str]] = []
        self._place = 0
        position = 0
        while position < len(text):
            found = TOKEN.match(text, position)
            if found is None:
                raise BadQuery(f"Invalid Syntax : unexpected '{text[position]}' at {position}")
            position = found.end()
            if found.lastgroup != "skip":
                self._tokens.append((found.lastgroup or "", found.group()))
        self._tokens.append(("end", "the end"))

    def query(self) -> Query:
        name = ""
        if self._next_is("query"):
            self._take()
            if self._tokens[self._place][0] == "name":
                name = self._take()
            if self._next_is("("):
                self._declare()
        fields = self._selection(0)
        if self._tokens[self._place][0] != "end":
            raise BadQuery(f"Invalid Syntax : unexpected '{self._take()}' behind the query")
        return Query(name, fields)

    def _declare(self) -> None:
        """``($from: Long!, $ids: [String!])``: a variable that must be there has to be."""
        self._declared = set()
        self._expect("(")
        while not self._next_is(")"):
            self._expect("$")
            name = self._name()
            self._expect(":")
            if self._type() and self._variables.get(name) is None:
                raise BadQuery(f"Variable '{name}' has an invalid value: it must not be null")
            self._declared.add(name)
        self._take()

    def _type(self) -> bool:
        """A type; gives whether it must not be null."""
        if self._next_is("["):
            self._take()
            self._type()
            self._expect("]")
        else:
            self._name()
        if self._next_is("!"):
            self._take()
            return True
        return False

    def _selection(self, depth: int) -> list[Field]:
        self._expect("{")
        if depth > DEEPEST:
            raise BadQuery("the query is nested too deep")
        fields = []
        while not self._next_is("}"):
            asked = Field(self._name())
            if self._next_is("("):
                asked.arguments = self._pairs("(", ")", depth)
            if self._next_is("{"):
                asked.fields = self._selection(depth + 1)
            fields.append(asked)
        self._take()
        if not fields:
            raise BadQuery("Invalid Syntax : a selection must not be empty")
        return fields

    def _pairs(self, begin: str, end: str, depth: int) -> dict[str, Any]:
        self._expect(begin)
        pairs = {}
        while not self._next_is(end):
            name = self._name()
            self._expect(":")
            pairs[name] = self._value(depth + 1)
        self._take()
        return pairs

    def _value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise BadQuery("the query is nested too deep")
        kind, text = self._tokens[self._place]
        if text == "{":
            return self._pairs("{", "}", depth)
        self._take()
        if text == "[":
            values = []
            while not self._next_is("]"):
                values.append(self._value(depth + 1))
            self._take()
            return values
        if text == "$":
            return self._variable(self._name())
        match kind:
            case "text" | "number":
                return json.loads(text)
            case "name":
                return {"true": True, "false": False, "null": None}.get(text, text)
        raise BadQuery(f"Invalid Syntax : unexpected '{text}' where a value should be")

    def _variable(self, name: str) -> Any:
        if self._declared is None or name not in self._declared:
            raise BadQuery(f"Undefined variable '{name}'")
        return self._variables.get(name)

    def _next_is(self, mark: str) -> bool:
        return self._tokens[self._place][1] == mark

    def _take(self) -> str:
        kind, text = self._tokens[self._place]
        if kind == "end":
            raise BadQuery("Invalid Syntax : the query ends too early")
        self._place += 1
        return text

    def _name(self) -> str:
        if self._tokens[self._place][0] != "name":
            raise BadQuery(f"Invalid Syntax : unexpected '{self._tokens[self._place][1]}' where a name should be")
        return self._take()

    def _expect(self, mark: str) -> None:
        if (got := self._take()) != mark:
            raise BadQuery(f"Invalid Syntax : unexpected '{got}' where '{mark}' should be")
