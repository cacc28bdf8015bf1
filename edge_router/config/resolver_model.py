"""Who is asked where names are, as the configuration writes it."""

from typing import Annotated

from pydantic import AfterValidator, Field

from edge_router.config.addresses import ServerAddress
from edge_router.config.values import Section, not_empty


class Resolver(Section):
    """DNS, for targets and sources that are names."""

    servers: Annotated[tuple[ServerAddress, ...], AfterValidator(not_empty)] = Field(
        description="IP addresses of the servers to ask, in this order, with a port or 53.",
        json_schema_extra={"minItems": 1},
    )
