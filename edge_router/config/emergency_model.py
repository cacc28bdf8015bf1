"""Emergency calls as the configuration writes them."""

from typing import Annotated

from pydantic import AfterValidator, Field

from edge_router.config.dial_peer_model import Patterns
from edge_router.config.values import Bool, Count, PeerName, Section, not_empty


class Emergency(Section):
    """Calls that go before all others: no policy, list, latch, switch, limit or drain holds them up."""

    called: Annotated[Patterns, AfterValidator(not_empty)] = Field(
        description="The numbers: CUBE patterns. The first is dialled for a urn:service:sos."
    )
    urn: Bool = Field(default=True, description="Take urn:service:sos and what is below it (RFC 5031), too.")
    destinations: Annotated[tuple[PeerName, ...], AfterValidator(not_empty)] = Field(
        description="The dial-peers to try, in order.", json_schema_extra={"minItems": 1}
    )
    reserve: Count = Field(default=10, description="How many of them at once are taken above every limit.")
