"""Services: what a called number stands for, which policy is its, and where it leads in the cloud and on the premise.

They come from a table in CSV (RFC 4180) with a line of column names first. It must not know what policies, queues and
hours there are: who reads a table hands in how their names are checked.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from edge_router.dialplan.fragment import Item
from edge_router.dialplan.number import normalise
from edge_router.dialplan.pattern import Pattern, PatternError
from edge_router.dialplan.text_lines import MOST_FAULTS, STOPPED, lines_of, unfit
from edge_router.dialplan.trie import PatternTrie

COLUMNS: Final = ("called", "service", "policy", "queue", "cloud_number", "premise_number", "hours")
"""The columns that mean something to the router; `called` is the one that must be there."""
MOST_ROWS: Final = 100_000
"""Rows of one table; blank lines count."""
MOST_COLUMNS: Final = 100

Check = Callable[[str], "str | None"]
"""Says what is wrong with a cell that isn't empty, and what would be right; None if nothing is."""

_NO_CHECKS: Final[Mapping[str, Check]] = MappingProxyType({})
_COLUMN_NAME: Final = re.compile(r"[a-z_][a-z0-9_]*")
_ROUNDED: Final = re.compile(r"\d([.,]\d+)?[Ee]\+\d+")  # what a spreadsheet makes of a long number
_USER: Final = re.compile(r"[A-Za-z0-9_.!~*'()+#-]+")  # what a URI's user part holds as it is, and `#` (RFC 3261 §25.1)
_NUMBERS: Final = frozenset({"cloud_number", "premise_number"})


class ServiceFault(NamedTuple):
    """One thing that is wrong with a table. `column` is a column's name, or "" where the line as a whole is wrong."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        """Write it as `line 7, policy: what is wrong`."""
        return (
            f"line {self.line}, {self.column}: {self.message}" if self.column else f"line {self.line}: {self.message}"
        )


class BadServices(ValueError):
    """What is wrong with a table of services, all of it: `faults` in the order of the file."""

    def __init__(self, faults: Sequence[ServiceFault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults: Final = tuple(faults)


class Service:
    """One row. A cell that is empty, or whose column isn't there, is "".

    `columns` are all cells by their columns' names, those of the user's own too; `line` is where the row stands in
    the file, from 1. `cloud_number` and `premise_number` are without visual separators, here and in `columns`.
    """

    __slots__ = ("cloud_number", "columns", "hours", "line", "name", "pattern", "policy", "premise_number", "queue")

    def __init__(self, pattern: Pattern, columns: Mapping[str, str], line: int) -> None:
        self.pattern: Final = pattern
        self.columns: Final = columns
        self.line: Final = line
        self.name: Final = columns.get("service", "")
        self.policy: Final = columns.get("policy", "")
        self.queue: Final = columns.get("queue", "")
        self.cloud_number: Final = columns.get("cloud_number", "")
        self.premise_number: Final = columns.get("premise_number", "")
        self.hours: Final = columns.get("hours", "")


class ServiceTable:
    """All services by the numbers that are called. It is built once and does not change.

    `columns` are the names of the columns as the file has them, `services` the rows in the file's order.
    """

    __slots__ = ("_trie", "columns", "services")

    def __init__(self, columns: Iterable[str] = (), services: Iterable[Service] = ()) -> None:
        self.columns: Final = tuple(columns)
        self.services: Final = tuple(services)
        self._trie: Final = PatternTrie(
            (service.pattern, (service.pattern.sets, -place)) for place, service in enumerate(self.services)
        )

    def __len__(self) -> int:
        return len(self.services)

    def find(self, called: str) -> Service | None:
        """The service of a called number, which is normalised: the closest match, of equal ones the first in the file.

        How close is what the dial plan calls close: digits that are spelt out, then sets. None if no row matches.
        """
        found = self._trie.match(called)
        if not found:
            return None
        _, (_, place) = found[0] if len(found) == 1 else max(found)
        return self.services[-place]


def read_services(text: str, checks: Mapping[str, Check] = _NO_CHECKS) -> ServiceTable:
    """Read a table: column names first, in any order, then a row a line; blank lines are left out.

    `checks` are by column name; each different cell of the column is handed in once. Raises BadServices.
    """
    if text.count("\n") > MOST_ROWS + 1:
        too_many = f"more than {MOST_ROWS:,} rows; write one pattern for rows that are alike"
        raise BadServices([ServiceFault(MOST_ROWS + 2, "", too_many)])
    lines = lines_of(text)
    number, header = next(lines, (1, ""))
    columns = _header(number, header)
    rows = _Rows(columns, checks)
    for number, line in lines:
        if not rows.take(number, line):
            break
    if rows.faults:
        raise BadServices(rows.faults)
    return ServiceTable(columns, rows.services)


def _header(number: int, line: str) -> tuple[str, ...]:
    """The names of the columns. Raises BadServices."""
    faults: list[ServiceFault] = []
    names = _cells(number, line, faults) or []
    if not line:
        faults.append(ServiceFault(number, "", f"the table is empty; write {','.join(COLUMNS)} first"))
    elif names and "called" not in names:
        such = ",".join(COLUMNS)
        what = f'the first line has no column "called"; write the columns\' names there, separated by commas: {such}'
        faults.append(ServiceFault(number, "", what))
        if ";" in line and "," not in line:
            names = []
    if len(names) > MOST_COLUMNS:
        faults.append(ServiceFault(number, "", f"{len(names)} columns; {MOST_COLUMNS} are allowed"))
    else:
        for place, name in enumerate(names):
            if why := _wrong_name(place, name, names):
                faults.append(ServiceFault(number, name, why))
    if faults:
        raise BadServices(faults)
    return tuple(names)


def _wrong_name(place: int, name: str, names: list[str]) -> str:
    if not name:
        return f"column {place + 1} has no name; give it one, or take it out"
    if names.index(name) < place:
        return f"columns {names.index(name) + 1} and {place + 1} have the same name; give each one of its own"
    if _COLUMN_NAME.fullmatch(name):
        return ""
    nearly = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    such = nearly if _COLUMN_NAME.fullmatch(nearly) else "cost_centre"
    return f'"{name}" can\'t name a column; write lower-case letters, digits and _, such as {such}'


class _Rows:
    """The rows as they are read, and all that is wrong with them."""

    __slots__ = ("_checked", "_checks", "_columns", "_kept", "_lines", "faults", "services")

    def __init__(self, columns: tuple[str, ...], checks: Mapping[str, Check]) -> None:
        self._columns = columns
        self._checks = checks
        self._checked: dict[tuple[str, str], str | None] = {}
        self._kept: dict[str, str] = {}  # a policy's name stands in many rows, and in memory once
        self._lines: dict[tuple[tuple[Item, ...], bool, bool], int] = {}
        self.faults: list[ServiceFault] = []
        self.services: list[Service] = []

    def take(self, number: int, line: str) -> bool:
        """Read one row; False if there is no sense in reading on."""
        if not line.strip(" ,"):  # a spreadsheet's empty row
            return True
        cells = _cells(number, line, self.faults)
        if cells is not None and len(cells) != len(self._columns):
            self.fault(number, "", f"{len(cells)} cells for {len(self._columns)} columns; {_advice(line)}")
        elif cells is not None:
            columns = self.columns_of(number, cells)
            pattern = self.pattern(number, columns["called"])
            if pattern is not None:
                self.services.append(Service(pattern, columns, number))
        if len(self.faults) < MOST_FAULTS:
            return True
        self.fault(number, "", STOPPED)
        return False

    def fault(self, line: int, column: str, message: str) -> None:
        self.faults.append(ServiceFault(line, column, message))

    def columns_of(self, number: int, cells: list[str]) -> dict[str, str]:
        """The cells by their columns' names, each looked at."""
        row: dict[str, str] = {}
        for column, written in zip(self._columns, cells, strict=True):
            cell = written
            if cell and column in _NUMBERS:
                cell = normalise(written)
                if why := _wrong_number(written, cell):
                    self.fault(number, column, why)
            elif cell and column in self._checks and (wrong := self.checked(column, cell)):
                self.fault(number, column, wrong)
            row[column] = self._kept.setdefault(cell, cell)
        return row

    def checked(self, column: str, cell: str) -> str | None:
        key = (column, cell)
        if key not in self._checked:
            self._checked[key] = self._checks[column](cell)
        return self._checked[key]

    def pattern(self, number: int, called: str) -> Pattern | None:
        """What the row's number is, None if that can't be: then there is a fault more."""
        if not called:
            self.fault(number, "called", "is empty; write the number that is called, or a pattern such as +1800555....")
            return None
        if _ROUNDED.fullmatch(called):
            self.fault(number, "called", _rounded(called))
            return None
        try:
            pattern = Pattern.parse(called)
        except PatternError as error:
            self.fault(number, "called", str(error))
            return None
        same = self._lines.setdefault((pattern.items, pattern.to_end, pattern.tail), number)
        if same != number:
            self.fault(number, "called", f'"{called}" stands in line {same} too, and only that row would be found')
            return None
        return pattern


def _cells(number: int, line: str, faults: list[ServiceFault]) -> list[str] | None:
    """The cells of a line without blanks around them, or None and a fault more."""
    why = unfit(line)
    if not why:
        try:
            # A line by itself, so that a quote that isn't closed costs no other row: no cell may hold a line break.
            return [cell.strip() for cell in next(csv.reader((line,), strict=True, skipinitialspace=True))]
        except csv.Error:
            why = (
                'a quote is not closed on its line, or something follows it; a cell with " in it is written "a ""b"" c"'
            )
    faults.append(ServiceFault(number, "", why))
    return None


def _advice(line: str) -> str:
    if ";" in line and "," not in line:
        return "separate them by commas"
    return "put a cell with a comma in it into quotes, and a comma between all cells, empty ones too"


def _wrong_number(written: str, number: str) -> str:
    if _ROUNDED.fullmatch(written):
        return _rounded(written)
    if ";" in written or not _USER.fullmatch(number):
        return f'"{written}" is no number that can be dialled; write digits, or a name without spaces'
    return ""


def _rounded(written: str) -> str:
    return f'"{written}" is a number that a spreadsheet rounded; format the column as text and enter it again'
