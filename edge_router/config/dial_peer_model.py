"""A dial-peer as the configuration writes it: which calls it matches, and where they go."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from edge_router.config.addresses import NumberTemplate, UriTemplate
from edge_router.config.translation_model import Translate
from edge_router.config.values import (
    CallableTrunkName,
    Cause,
    Count,
    ListenerName,
    Name,
    NumberPattern,
    PeerName,
    PolicyName,
    RescueTime,
    Section,
    TrunkName,
    not_empty,
    one_or_many,
)

Patterns = Annotated[
    tuple[NumberPattern, ...],
    BeforeValidator(one_or_many, json_schema_input_type=NumberPattern | list[NumberPattern]),
]


class Incoming(Section):
    """What a call must be to match: all keys that stand here must hold."""

    trunk: TrunkName | None = Field(default=None, description="It came in by this trunk.")
    listen: ListenerName | None = Field(default=None, description="It came in on this listener.")
    called: Patterns = Field(default=(), description="Its called number matches: a CUBE pattern or a list of them.")
    calling: Patterns = Field(default=(), description="Its calling number matches: a CUBE pattern or a list of them.")


class Outgoing(Section):
    """Where calls leave."""

    trunk: CallableTrunkName = Field(description="The trunk that they go to.")
    called: Patterns = Field(
        default=(), description="The called numbers that it takes. Without: reached only by its name."
    )
    preference: Count = Field(default=0, description="Between equally long matches the lower one is tried first.")


class Rescue(Section):
    """A call that was answered and dropped goes on to the next destination, and the caller stays."""

    within: RescueTime = Field(default=3.0, description="It was dropped so soon after the answer. 30s at most.")
    causes: Annotated[tuple[Cause, ...], AfterValidator(not_empty)] = Field(
        default=(17, 34, 41, 42), description="The Q.850 cause in the Reason of the BYE is one of these."
    )


class DialPeer(Section):
    """A rule of the dial plan; one dial-peer may be for calls that come in, that go out, or both."""

    name: Name = Field(description="Its name in policies, logs, metrics and CDRs.")
    incoming: Annotated[
        tuple[Incoming, ...], BeforeValidator(one_or_many, json_schema_input_type=Incoming | list[Incoming])
    ] = Field(default=(), description="Calls that it matches as they come in: one map, or a list of which any holds.")
    policy: PolicyName | None = Field(
        default=None, description="The policy that decides its calls, unless the row of their service names another."
    )
    destinations: tuple[PeerName, ...] = Field(
        default=(),
        description="Instead of a policy: the dial-peers to try, in order, unless the row of their service names one.",
    )
    outgoing: Outgoing | None = Field(default=None, description="Where calls leave that are sent to it.")
    called_number: NumberTemplate | None = Field(
        default=None,
        description="What to dial there, before its translation; {called} and {calling} are filled in. "
        "Default: {called}.",
    )
    refer_uri: UriTemplate | None = Field(
        default=None,
        description="Contact of a 302 and Refer-To, {called} and {calling} filled in as they would leave. "
        "Default: the trunk's targets.",
    )
    rescue: Rescue | None = Field(
        default=None, description="Which calls that it has answered go on to the next destination. None by default."
    )
    translate: Translate = Field(
        default=Translate(), description="What becomes of the numbers of calls that come in by it, or leave by it."
    )
