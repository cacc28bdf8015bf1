"""The values of a configuration: how each is written, and what it is once read.

Each is a pydantic type that takes what the YAML reader gives and raises ValueError in words for the person who
edits the file. A name that must exist elsewhere in the file is a type of its own, checked against `Names`.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from edge_router.config.faults import Kind, nothing_called, quoted
from edge_router.dialplan.failures import FailureSet
from edge_router.dialplan.pass_headers import PassHeaders
from edge_router.dialplan.pattern import Pattern
from edge_router.sip.uri import BadUri, SipUri, parse_uri

T = TypeVar("T")


class Section(BaseModel):
    """A map of the configuration: never changed once read, and without keys that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Names:
    """What the file defines, so that a name can be checked where it stands; the `context` of the validation."""

    listeners: frozenset[str]
    trunks: frozenset[str]
    callable_trunks: frozenset[str]
    peers: frozenset[str]
    callable_peers: frozenset[str]
    policies: frozenset[str]
    queues: frozenset[str]
    hours: frozenset[str]
    translations: frozenset[str]
    columns: Collection[str] | None = None
    """Those of the table of services, None where there is no table."""


def fault(kind: Kind, message: str) -> PydanticCustomError:
    """Make an error of a kind of our own for pydantic to collect."""
    return PydanticCustomError(kind.name, "{message}", {"message": message})


def not_built(what: str) -> PydanticCustomError:
    """Say that a value is right, but that this version can't do it."""
    return fault(Kind.NOT_BUILT, f"not built yet: {what}")


# ------------------------------------------------------------------------------------------------ text and numbers


def one_line(text: str) -> str:
    """Refuse what could end a header and begin another one."""
    for character in text:
        if not character.isprintable():
            raise ValueError(f"holds the invisible character U+{ord(character):04X}; take it out")
    return text


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; give it a name")
    return one_line(text)


def _node(text: str) -> str:
    if not text or not all(c.isascii() and (c.isalnum() or c in "-._") for c in text):
        raise ValueError(f"{quoted(text)} can't name a node; use letters, digits and - . _")
    return text


Bool = StrictBool
Int = StrictInt
Count = Annotated[int, Field(strict=True, ge=0)]
Number = Annotated[float, Field(strict=True, ge=0)]
Rate = Annotated[float, Field(strict=True, gt=0)]
OneLine = Annotated[str, AfterValidator(one_line)]
Name = Annotated[str, AfterValidator(_name)]
Node = Annotated[str, StringConstraints(max_length=64), AfterValidator(_node)]
Code = Annotated[int, Field(strict=True, ge=400, le=699)]

# ------------------------------------------------------------------------------------------------ durations

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION: Final = r"^([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)$"


def seconds(value: object) -> float:
    """Read `500ms`, `2s`, `5m`, `4h` or a plain number of seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value < 0:
            raise ValueError(f"a duration can't be negative, as {value} is")
        return float(value)
    text = text_of(value, "a duration such as 500ms, 2s, 5m or 4h")
    found = re.fullmatch(_DURATION, text)
    if found is None:
        raise ValueError(f"{quoted(text)} is no duration; write 500ms, 2s, 5m, 4h or a number of seconds")
    return float(found[1]) * _UNITS[found[2]]


def _not_zero(amount: float) -> float:
    if amount == 0:
        raise ValueError("is 0; a duration here must be longer than that")
    return amount


def _interval(amount: float) -> float:
    if not 1 <= amount <= 86_400:
        raise ValueError(f"is {amount:g} s; write a second or more, and a day at the most")
    return amount


Age = Annotated[
    float,
    PlainValidator(seconds, json_schema_input_type=Annotated[str, StringConstraints(pattern=_DURATION)] | Number),
]
"""Seconds, 0 or more."""
Duration = Annotated[Age, AfterValidator(_not_zero)]
"""Seconds, more than 0."""
Interval = Annotated[Age, AfterValidator(_interval)]
"""Seconds from one time to the next, a second or more."""

# ------------------------------------------------------------------------------------------------ the dial plan's


def _pattern(value: object) -> Pattern:
    if isinstance(value, Mapping):
        raise not_built("{class: name}; write the patterns here")
    # A number without quotes keeps all its digits: the reader takes one with leading zeros or a plus for text.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return Pattern.parse(text_of(value, 'a number pattern in quotes, such as "+1800555...."'))


def _failure(value: object) -> str | int:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"expected a code, a class such as 5xx, a range or timeout, got {described(value)}")
    FailureSet.parse([str(value).removeprefix("!")])
    return value


def _failures(entries: tuple[str | int, ...]) -> tuple[str | int, ...]:
    FailureSet.parse(entries)  # what only the whole list shows
    return entries


def _header(value: object) -> str:
    text = text_of(value, "a header's name, such as X-Customer-*")
    PassHeaders.parse([text])
    return text


def _final_503(value: object) -> int | Literal["pass"]:
    if value == "pass":
        return "pass"
    if isinstance(value, bool) or not isinstance(value, int) or not 400 <= value <= 699:
        raise ValueError(f"expected a code from 400 to 699, or pass, got {described(value)}")
    return value


def _tls_name(value: object) -> str:
    text = text_of(value, "a name such as sbc.example.com or *.example.com")
    try:
        uri = parse_uri(f"sip:{text.removeprefix('*.')}")
    except BadUri:
        uri = None
    if not isinstance(uri, SipUri) or uri.host_port != text.removeprefix("*.").lower() or uri.port is not None:
        raise ValueError(f"{quoted(text)} is no name that a certificate can be for")
    return text.lower()


TlsName = Annotated[str, PlainValidator(_tls_name, json_schema_input_type=str)]
Final503 = Annotated[int | Literal["pass"], PlainValidator(_final_503, json_schema_input_type=Code | Literal["pass"])]
NumberPattern = Annotated[Pattern, PlainValidator(_pattern, json_schema_input_type=str | Int)]
Failures = Annotated[
    tuple[Annotated[str | int, PlainValidator(_failure, json_schema_input_type=str | Int)], ...],
    AfterValidator(_failures),
]
HeaderName = Annotated[str, PlainValidator(_header, json_schema_input_type=str)]

# ------------------------------------------------------------------------------------------------ references


def _reference(noun: str, known: Callable[[Names], Iterable[str]]) -> AfterValidator:
    def check(name: str, info: ValidationInfo) -> str:
        names = info.context
        if isinstance(names, Names) and name not in (existing := known(names)):
            raise fault(Kind.REFERENCE, nothing_called(noun, name, existing))
        return name

    return AfterValidator(check)


def _callable_peer(name: str, info: ValidationInfo) -> str:
    names = info.context
    if isinstance(names, Names) and name in names.peers and name not in names.callable_peers:
        raise fault(Kind.REFERENCE, f"dial-peer {quoted(name)} has no outgoing, so no call can go there; give it one")
    return name


def _callable_trunk(name: str, info: ValidationInfo) -> str:
    names = info.context
    if isinstance(names, Names) and name in names.trunks and name not in names.callable_trunks:
        raise fault(Kind.REFERENCE, f"trunk {quoted(name)} has no targets, so no call can go there; give it one")
    return name


ListenerName = Annotated[str, _reference("listener", lambda names: names.listeners)]
TrunkName = Annotated[str, _reference("trunk", lambda names: names.trunks)]
CallableTrunkName = Annotated[TrunkName, AfterValidator(_callable_trunk)]
PolicyName = Annotated[str, _reference("policy", lambda names: names.policies)]
PeerName = Annotated[str, _reference("dial-peer", lambda names: names.peers), AfterValidator(_callable_peer)]
"""A dial-peer that calls can be sent to."""
TranslationName = Annotated[str, _reference("set of translation_rules", lambda names: names.translations)]
PlaceName = Annotated[str, _reference("dial-peer or trunk", lambda names: names.callable_peers | names.callable_trunks)]
"""A dial-peer or trunk that calls can be sent to."""


# ------------------------------------------------------------------------------------------------ shapes


def one_or_many(value: object) -> list[object]:
    """Make a list of a single item: where a list is wanted, one item may stand by itself."""
    return value if isinstance(value, list) else [value]


def not_empty(items: tuple[T, ...]) -> tuple[T, ...]:
    """Refuse a list without items. pydantic's own `min_length` counts only the items that have no fault."""
    if not items:
        raise ValueError("is empty; give at least one")
    return items


def text_of(value: object, what: str) -> str:
    """Give a text, or say what was wanted."""
    if not isinstance(value, str):
        raise ValueError(f"expected {what}, got {described(value)}")
    return value


def described(value: object) -> str:
    """Say what a value of the file is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    return f"the text {quoted(str(value))}"
