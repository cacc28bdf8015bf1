"""The tables and lists that a configuration names, read: with all that is wrong in them, by file and line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final, TypeVar

from edge_router.config.document import Map
from edge_router.config.faults import Kind, Path, nothing_called, quoted
from edge_router.config.finding import Finding
from edge_router.config.values import Names
from edge_router.dialplan.number_list import BadNumbers, NumberList, read_numbers
from edge_router.dialplan.services import BadServices, Check, ServiceTable, read_services
from state_client.regular_file import read_regular
from state_client.webex.secret import Secret

MOST_OCTETS: Final = 32 * 1024 * 1024
"""Octets of one file."""
MOST_TOLD: Final = 20
"""Faults of one file that are told."""

T = TypeVar("T")


class _Whatever:
    """Stands in for the names in a file that can't be read, so that nobody is told of its consequences, too."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


UNKNOWN: Final[Collection[str]] = _Whatever()


@dataclass(slots=True)
class Tables:
    """What the files hold. ``services`` is None where there is no table, or it can't be used.

    ``columns`` are those that rules and templates may name: None without a table, anything for one that can't be used.
    ``passwords`` are those of trunks, by their names.
    """

    services: ServiceTable | None = None
    columns: Collection[str] | None = None
    lists: dict[str, NumberList] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    passwords: dict[str, Secret] = field(default_factory=dict)


def read_tables(services: Map | None, lists: Mapping[str, object], names: Names, checked: bool, file: str) -> Tables:
    """Read the files that stand in these sections of the configuration in ``file``.

    Names in the table of services are looked up in ``names``; ``checked`` says whether all queues are known by it.
    """
    tables = Tables()
    where: Path = ("services", "file")
    if services is not None:
        tables.columns = UNKNOWN
        name = services.get("file")
        if isinstance(name, str):
            text = _text(file, name, where, tables.findings)
            if text is not None:
                tables.services = _services(text, name, names, checked, tables.findings)
            if tables.services is not None:
                tables.columns = tables.services.columns
    for list_name, entry in lists.items():
        tables.lists[list_name] = NumberList()
        where = ("number_lists", list_name, "file")
        name = entry.get("file") if isinstance(entry, Map) else None
        if isinstance(name, str) and (text := _text(file, name, where, tables.findings)) is not None:
            tables.lists[list_name] = _numbers(text, name, where, tables.findings)
    return tables


def _text(file: str, name: str, where: Path, findings: list[Finding]) -> str | None:
    """What stands in a file beside the configuration, or None and a finding more."""
    try:
        octets = read_regular(FilePath(file).parent / name, MOST_OCTETS + 1)
        if len(octets) > MOST_OCTETS:
            findings.append(Finding(where, f"{quoted(name)} is larger than {MOST_OCTETS // 2**20} MB; split it"))
            return None
        return octets.decode()
    except OSError as error:
        findings.append(Finding(where, f"{quoted(name)} can't be read: {error.strerror}"))
    except ValueError as error:  # a name with a NUL in it, or octets that are no UTF-8
        why = "is no UTF-8 text; save it as that" if isinstance(error, UnicodeError) else "can't name a file"
        findings.append(Finding(where, f"{quoted(name)} {why}"))
    return None


def _services(text: str, name: str, names: Names, checked: bool, findings: list[Finding]) -> ServiceTable | None:
    checks: dict[str, Check] = {
        "policy": _known("policy", names.policies),
        "hours": _known("hours", names.hours),
    }
    if checked:
        checks["queue"] = _known("queue", names.queues)
    try:
        return read_services(text, checks)
    except BadServices as bad:
        findings += _told(("services", "file"), name, [(fault.line, str(fault)) for fault in bad.faults])
        return None


def _known(noun: str, known: Iterable[str]) -> Callable[[str], str | None]:
    names = frozenset(known)
    return lambda cell: None if cell in names else nothing_called(noun, cell, names)


def _numbers(text: str, name: str, where: Path, findings: list[Finding]) -> NumberList:
    try:
        return read_numbers(text)
    except BadNumbers as bad:
        findings += _told(where, name, [(line, f"line {line}: {why}") for line, why in bad.faults])
        return NumberList()


def _told(where: Path, name: str, faults: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    """The first faults of one file, by line, and how many more there are."""
    for _, fault in faults[:MOST_TOLD]:
        yield Finding(where, f"{quoted(name)} {fault}", Kind.VALUE)
    more = len(faults) - MOST_TOLD
    if more > 0:
        message = f"{quoted(name)} line {faults[-1][0]}: and {more} more up to here; put these right first"
        yield Finding(where, message, Kind.VALUE)
