"""The YAML file as plain data that remembers where each key and value stands.

PyYAML's C parser gives events; `_Reader` makes maps, lists and scalars of them. Its own composer is not used:
it recurses in C, so that a file of nothing but `[` ends the process, and its scalars follow YAML 1.1, where `no`
is false, `0123` is 83 and `+18005551234` loses its plus. Here the scalars are those of YAML 1.2's core schema,
without octal, hexadecimal and exponents, and a number has neither a plus nor leading zeros: telephone numbers do.

It must not know what a configuration is: any YAML comes through here, and only `Unreadable` may come out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import yaml

from edge_router.config.faults import Path, Position, quoted

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 40
MAX_VALUES: Final = 2_000_000
"""Values with every alias written out: ten aliases of ten aliases of ten ... shall not fill the memory."""

START: Final = Position(1, 1)

Scalar = str | int | float | bool | None


class Map(dict[str, "Value"]):
    """A map; keys are always text. `key_at` and `value_at` say where each key and its value begin."""

    __slots__ = ("key_at", "size", "value_at")

    def __init__(self) -> None:
        super().__init__()
        self.key_at: dict[str, Position] = {}
        self.value_at: dict[str, Position] = {}
        self.size = 1


class Seq(list["Value"]):
    """A list; `value_at` says where each item begins."""

    __slots__ = ("size", "value_at")

    def __init__(self) -> None:
        super().__init__()
        self.value_at: list[Position] = []
        self.size = 1


Value = Scalar | Map | Seq


class Unreadable(Exception):
    """Not a file that can be read as YAML; `at` is the place that shows it."""

    def __init__(self, at: Position, message: str) -> None:
        super().__init__(message)
        self.at = at
        self.message = message


class Twice(NamedTuple):
    """A key that stands in one map a second time; the first one counts."""

    path: Path
    at: Position
    first: Position


@dataclass(slots=True)
class Document:
    """A file that was read: its data, where that begins, the keys that stand twice and those without a value."""

    root: Value
    at: Position = START
    twice: list[Twice] = field(default_factory=list)
    empty: list[tuple[Path, Position]] = field(default_factory=list)

    def locate(self, path: Path, *, key: bool = False) -> tuple[Path, Position]:
        """Give the path as it stands in the file, and the place of its value there, or with `key` of its key.

        A model may see more than stands there (a list of one where the file has the item itself): such parts
        of the path are left out. A key that is missing is placed at the map that misses it.
        """
        value, at, real = self.root, self.at, list[str | int]()
        for part in path:
            if isinstance(value, Map) and isinstance(part, str):
                if part not in value:
                    return (*real, part), at
                at = value.key_at[part] if key else value.value_at[part]
                value = value[part]
            elif isinstance(value, Seq) and isinstance(part, int) and part < len(value):
                at, value = value.value_at[part], value[part]
            else:
                continue
            real.append(part)
        return tuple(real), at

    def get(self, path: Path) -> Value:
        """Give the value at a path as `locate` gives it; None where nothing stands."""
        value = self.root
        for part in path:
            if isinstance(value, Map) and isinstance(part, str):
                value = value.get(part)
            elif isinstance(value, Seq) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return None
        return value


def read(raw: bytes) -> Document:
    """Read a file's bytes; raises Unreadable."""
    if len(raw) > MAX_BYTES:
        raise Unreadable(Position(1, 1), f"the file has more than {MAX_BYTES} bytes; at most as many are read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = _place(raw[: error.start].decode("utf-8", "replace"))
        raise Unreadable(at, f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8") from None
    if bad := _FORBIDDEN.search(text):
        what = f"character U+{ord(bad[0]):04X} has no place in a configuration"
        raise Unreadable(_place(text[: bad.start()]), f"{what}; take it out")
    try:
        return _Reader(yaml.parse(text, Loader=yaml.CSafeLoader)).document()
    except yaml.MarkedYAMLError as error:
        raise _in_plain_words(error, text) from None


# All but YAML 1.2 §5.1 `c-printable`: the C parser refuses it too, but can't say on which line it stands. And three
# that it takes for line breaks, which neither YAML 1.2 nor editors do.
_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _place(before: str) -> Position:
    lines = before.split("\n")
    return Position(len(lines), len(lines[-1]) + 1)


class _Reader:
    """Makes a document of the parser's events, one after the other."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, Value] = {}
        self._twice: list[Twice] = []
        self._empty: list[tuple[Path, Position]] = []

    def document(self) -> Document:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Document(None)
        event = next(self._events)
        root = self._value(event, ())
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise Unreadable(_at(after), "a second YAML document begins here; one file is one configuration")
        return Document(root, _at(event), self._twice, self._empty)

    def _value(self, event: yaml.Event, path: Path) -> Value:
        if isinstance(event, yaml.ScalarEvent):
            value: Value = _scalar(event)
            if value is None:
                self._empty.append((path, _at(event)))
        elif isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        elif len(path) >= MAX_DEPTH:
            raise Unreadable(_at(event), f"lists and maps are nested more than {MAX_DEPTH} deep")
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._map(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._seq(event, path)
        else:  # pragma: no cover - the parser's grammar knows no other event here
            raise Unreadable(_at(event), "this is not YAML")
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _map(self, start: yaml.MappingStartEvent, path: Path) -> Map:
        _refuse_tag(start)
        found = Map()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, key_at = self._key(event), _at(event)
            event = next(self._events)
            value = self._value(event, (*path, key))
            if key in found:
                self._twice.append(Twice((*path, key), key_at, found.key_at[key]))
                continue
            found[key] = value
            found.key_at[key] = key_at
            found.value_at[key] = _at(event)
            found.size += _size(value, event)
        return found

    def _seq(self, start: yaml.SequenceStartEvent, path: Path) -> Seq:
        _refuse_tag(start)
        found = Seq()
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value = self._value(event, (*path, len(found)))
            found.append(value)
            found.value_at.append(_at(event))
            found.size += _size(value, event)
        return found

    def _key(self, event: yaml.Event) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise Unreadable(_at(event), "a key must be plain text, not a list, a map or an alias")
        if event.value == "<<" and event.implicit[0]:
            raise Unreadable(_at(event), "merge keys (<<) are YAML 1.1 and not read; write the keys out")
        return event.value

    def _alias(self, event: yaml.AliasEvent) -> Value:
        if event.anchor not in self._anchors:
            name = quoted(event.anchor or "")
            raise Unreadable(_at(event), f"no anchor {name} is complete before this alias of it")
        return self._anchors[event.anchor]


def _at(event: yaml.Event) -> Position:
    mark = event.start_mark
    assert mark is not None  # the stubs' doubt: the C parser always gives it
    return Position(mark.line + 1, mark.column + 1)


def _size(value: Value, event: yaml.Event) -> int:
    size = value.size if isinstance(value, (Map, Seq)) else 1
    if size > MAX_VALUES:
        raise Unreadable(_at(event), f"more than {MAX_VALUES} values come of the aliases in here")
    return size


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text = event.value
    if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
        _refuse_tag(event)
    return text if event.tag is not None or not event.implicit[0] else plain(text)


def plain(text: str) -> Scalar:
    """Give what a text without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    # 18 characters: no number here needs more, and long ones take Python the square of their length.
    if len(text) <= 18 and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def _refuse_tag(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
    if event.tag not in (None, "!"):
        raise Unreadable(_at(event), f"tags such as {quoted(event.tag)} are not read; take it out")


def _in_plain_words(error: yaml.MarkedYAMLError, text: str) -> Unreadable:
    # Some are best shown where they began: an open quote takes all that follows it for text.
    began = error.problem in ("found unexpected end of stream", "could not find expected ':'")
    mark = (began and error.context_mark) or error.problem_mark
    at = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    lines = text.split("\n")
    rest = lines[at.line - 1][at.column - 1 :] if at.line <= len(lines) else ""
    problem = error.problem or "malformed"
    if rest.startswith("\t"):
        return Unreadable(at, "a tab; YAML is indented with spaces only")
    if rest.startswith(("@", "`", "%")):
        return Unreadable(at, f"a text can't begin with {rest[0]}; put it in quotes")
    return Unreadable(at, _PLAIN_WORDS.get(problem, f"not YAML: {problem}"))


_INDENTED = "is the line indented like those before it?"
_PLAIN_WORDS: Final = {
    "mapping values are not allowed in this context": (
        "a colon where no key may begin; is the line indented right, or does a text with a colon need quotes?"
    ),
    "block sequence entries are not allowed in this context": (
        "a list item (-) can't begin here; put it on a line of its own"
    ),
    "could not find expected ':'": "this is no `key: value`; is a colon missing?",
    "did not find expected key": f"no key where one must be; {_INDENTED}",
    "did not find expected '-' indicator": f"no list item (-) where one must be; {_INDENTED}",
    "did not find expected ',' or ']'": "the list that [ began isn't closed; is a comma or ] missing?",
    "did not find expected ',' or '}'": "the map that { began isn't closed; is a comma or } missing?",
    "did not find expected node content": "a value is missing here",
    "found unexpected end of stream": "the file ends within quotes; close them",
    "found unknown escape character": "a backslash that begins no escape of YAML; use single quotes or \\\\",
    "did not find expected <document start>": "this belongs to nothing above; is the line indented right?",
}
