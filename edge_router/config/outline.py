"""What a file defines, as far as it can be told: names and maps, also where other things are wrong with them.

Checks between entries look at this and not at the models, which exist only once nothing at all is wrong: so that
every fault is named at once.
"""

from collections.abc import Iterator
from dataclasses import replace

from edge_router.config.document import Document, Map, Seq, Value
from edge_router.config.faults import Path
from edge_router.config.tables import read_tables
from edge_router.config.values import Names


class Outline:
    """A document's sections as maps, and the tables that it names; what is no map where one should be is left out."""

    def __init__(self, document: Document, file: str) -> None:
        self.listeners = list(_maps(document.get(("listen",)), ("listen",)))
        self.trunks = list(_maps(document.get(("trunks",)), ("trunks",)))
        self.dial_peers = list(_maps(document.get(("dial_peers",)), ("dial_peers",)))
        self.policies = list(_maps(document.get(("policies",)), ("policies",)))
        self.emergency = _map(document.get(("emergency",)))
        self.http = _map(document.get(("http",)))
        self.state = _map(document.get(("state",)))
        self.source = self.state.get("source") or "static"
        self.queues = list(_maps(document.get(("state", "queues")), ("state", "queues")))
        self.hours = list(_maps(document.get(("hours",)), ("hours",)))
        self.latches = list(_maps(document.get(("latches",)), ("latches",)))
        self.names = self._names(document)
        services = document.get(("services",))
        self.tables = read_tables(
            _map(services) if services is not None else None,
            _map(document.get(("number_lists",))),
            self.names,
            self.source == "static",
            file,
        )
        self.names = replace(self.names, columns=self.tables.columns)

    def _names(self, document: Document) -> Names:
        trunks, queues = _keys(document.get(("trunks",))), document.get(("state", "queues"))
        # A trunk that is no map has that fault; that it has no targets would be one too many.
        without_targets = {str(path[-1]) for path, trunk in self.trunks if not trunk.get("targets")}
        return Names(
            listeners=_named(self.listeners),
            trunks=trunks,
            callable_trunks=trunks - without_targets,
            peers=_named(self.dial_peers),
            callable_peers=_named([(path, peer) for path, peer in self.dial_peers if "outgoing" in peer]),
            policies=_keys(document.get(("policies",))),
            hours=_keys(document.get(("hours",))),
            translations=_keys(document.get(("translation_rules",))),
            queues=_keys(queues) | {name for _, queue in _maps(queues, ()) if isinstance(name := queue.get("id"), str)},
        )


def _map(value: Value) -> Map:
    return value if isinstance(value, Map) else Map()


def items(value: Value, path: Path) -> Iterator[tuple[Path, Value]]:
    """Give the items of a list, or the value itself where it stands alone, each with its path."""
    if isinstance(value, Seq):
        for index, item in enumerate(value):
            yield (*path, index), item
    elif value is not None:
        yield path, value


def maps(value: Value, path: Path) -> Iterator[tuple[Path, Map]]:
    """Give the maps in a list, or the map itself where it stands alone, each with its path."""
    return ((at, item) for at, item in items(value, path) if isinstance(item, Map))


def _maps(value: Value, path: Path) -> Iterator[tuple[Path, Map]]:
    if isinstance(value, Map):
        yield from (((*path, name), entry) for name, entry in value.items() if isinstance(entry, Map))
    elif isinstance(value, Seq):
        yield from maps(value, path)


def _named(entries: list[tuple[Path, Map]]) -> frozenset[str]:
    return frozenset(name for _, entry in entries if isinstance(name := entry.get("name"), str))


def _keys(value: Value) -> frozenset[str]:
    return frozenset(value) if isinstance(value, Map) else frozenset()
