"""Where a trunk wants to be told that we are there, and as whom."""

from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints

from edge_router.config.addresses import TargetUri, sip_uri
from edge_router.config.faults import quoted
from edge_router.config.values import Interval, OneLine, Section, text_of
from edge_router.sip.uri import BadUri, SipUri


def _aor(value: object) -> str:
    text = text_of(value, "a URI such as sip:edge@example.com")
    uri = sip_uri(text, text)
    if not uri.user or uri.password is not None or uri.params or uri.headers:
        raise ValueError(f"{quoted(text)} is no address of record: it is sip:user@host and no more")
    return text


def _user(value: object) -> str:
    text = text_of(value, "a user, such as edge")
    try:
        SipUri.build("host", user=text)
    except BadUri:
        raise ValueError(f"{quoted(text)} can't stand before the @ of a SIP URI") from None
    return text


def _expires(seconds: float) -> float:
    if seconds < 10:
        raise ValueError(f"is {seconds:g} s; write ten seconds or more, it is renewed at half of it")
    return seconds


Username = Annotated[OneLine, StringConstraints(min_length=1, max_length=256)]
Realm = Annotated[OneLine, StringConstraints(min_length=1, max_length=256)]


class Register(Section):
    """REGISTER (RFC 3261 §10): the trunk is up only while it has us registered."""

    registrar: TargetUri = Field(
        description="Where to, as targets are written. Calls may come from there as well, and it is shown the password."
    )
    aor: Annotated[str, PlainValidator(_aor, json_schema_input_type=str)] = Field(
        description="The address of record, who we are there: sip:user@host."
    )
    contact_user: Annotated[str, PlainValidator(_user, json_schema_input_type=str)] | None = Field(
        default=None,
        description="The user of our Contact, to whom its calls then come; that of the aor unless it is said.",
    )
    expires: Annotated[Interval, AfterValidator(_expires)] = Field(
        default=300.0, description="For how long it is asked for; what the registrar says counts. Renewed at half."
    )
