"""A policy as the configuration writes it: rules from top to bottom, and what holds when none does."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from edge_router.config.values import (
    Bool,
    Cause,
    Code,
    Count,
    Name,
    OneLine,
    PeerName,
    PlaceName,
    Section,
    not_empty,
    one_or_many,
)

Way = Literal["redirect", "refer", "bridge"]


class Hop(Section):
    """One dial-peer of a `to`."""

    peer: PeerName = Field(description="The dial-peer.")
    by: Way | None = Field(default=None, description="How the call gets there; default: bridge, or the rule's by.")


def _hops(value: object) -> list[object]:
    return [{"peer": item} if isinstance(item, str) else item for item in one_or_many(value)]


_HopForm = PeerName | Hop
Hops = Annotated[
    tuple[Hop, ...],
    BeforeValidator(_hops, json_schema_input_type=_HopForm | list[_HopForm]),
    AfterValidator(not_empty),
]


def _condition(value: object) -> object:
    """Take the YAML words true and false for the CEL expressions that they are."""
    return str(value).lower() if isinstance(value, bool) else value


Condition = Annotated[str, BeforeValidator(_condition, json_schema_input_type=str | bool)]
ByField = Annotated[
    Way | None,
    Field(
        default=None,
        description="How the first of to is reached: redirect (302), refer (answer, then REFER) or bridge (default). "
        "Later ones are bridged.",
    ),
]


class Rule(Section):
    """One rule: when it holds, the call goes to dial-peers or is rejected."""

    name: Name = Field(description="Its name in decisions, logs, metrics and CDRs.")
    when: Condition | None = Field(
        default=None,
        description="A CEL expression; without it the rule always holds. In matches() write [0-9] and not \\d, which "
        "costs several times as much at each call; startsWith() costs least.",
    )
    to: Hops | None = Field(default=None, description="The dial-peers to try, in order.")
    by: ByField
    reject: Code | None = Field(default=None, description="Instead of to: the SIP code that the caller gets.")
    reason: OneLine | None = Field(default=None, description="With reject: the reason phrase. Default: the code's own.")
    cause: Cause | None = Field(default=None, description="With reject: the Q.850 cause, for a Reason header.")
    retry_after: Annotated[int, Field(strict=True, ge=1)] | None = Field(
        default=None, description="With reject: Retry-After, in seconds."
    )
    final: Bool = Field(default=False, description="When all of to has failed, the policy's otherwise is not tried.")
    stale: Literal["skip"] | None = Field(
        default=None, description="skip: where the rule's state is stale, go on with the next rule, not with if_stale."
    )


class Fallback(Section):
    """Where calls go when no rule decided."""

    to: Hops = Field(description="The dial-peers to try, in order.")
    by: ByField


class Share(Section):
    """How much of a way this policy's own calls may use; beyond it a call goes to the next destination."""

    of: PlaceName = Field(description="The dial-peer or trunk.")
    max_concurrent: Count | None = Field(
        default=None,
        description="This policy's calls there at the same time, with those that the cloud doesn't show yet.",
    )
    per_minute: Count | None = Field(default=None, description="Calls that this policy sends there within any 60 s.")


class Policy(Section):
    """What decides a call."""

    rules: tuple[Rule, ...] = Field(default=(), description="The first whose when is true decides.")
    otherwise: Fallback | None = Field(
        default=None, description="When no rule holds, and after all of a rule's to has failed."
    )
    if_stale: Fallback | None = Field(
        default=None, description="When a rule needs state that is too old or missing. Default: otherwise."
    )
    share: Share | None = Field(
        default=None, description="A limit on what this policy sends one way, such as to the cloud."
    )
    revisit: Bool = Field(
        default=False, description="Place a call also where it was placed before, as far as known: it may come back."
    )
