"""What tells the other side of a trunk which call and gateway this is, as the configuration writes it."""

from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator

from edge_router.config.faults import quoted
from edge_router.config.values import Bool, Section, text_of
from edge_router.dialplan.correlation import CorrelationValue, check_length, check_name
from edge_router.sip.names import key_of


def _name(value: object) -> str:
    text = text_of(value, "a header's name, such as X-Edge-Call")
    check_name(text)
    return text


def _together(headers: dict[str, CorrelationValue]) -> dict[str, CorrelationValue]:
    first: dict[str, str] = {}
    for name in headers:
        other = first.setdefault(key_of(name), name)
        if other != name:
            raise ValueError(f"{quoted(other)} and {quoted(name)} are one header; take one out")
    check_length(headers)
    return headers


class Correlation(Section):
    """Headers by which the other side can tell which call and gateway this is."""

    headers: Annotated[
        dict[Annotated[str, PlainValidator(_name, json_schema_input_type=str)], CorrelationValue],
        AfterValidator(_together),
    ] = Field(
        default={},
        description="Header names, and what each holds. User-to-User is written as RFC 7433 has it; at most 1,000 "
        "bytes together.",
    )
    in_uri: Bool = Field(
        default=False,
        description="Also in the URIs of a 302 and a REFER, as headers that the caller's side puts into its INVITE.",
    )
