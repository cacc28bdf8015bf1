"""Tables and lists of numbers as the configuration names them: each stands in a file of its own."""

from pydantic import Field

from edge_router.config.values import Code, Name, Section


class Services(Section):
    """The table of services."""

    file: Name = Field(
        description="CSV file: column names first (called, service, policy, queue, cloud_number, premise_number, "
        "hours, and any of your own), then a row a number or pattern."
    )


class NumberList(Section):
    """A list of numbers."""

    file: Name = Field(description="File with one number a line.")
    reject: Code | None = Field(
        default=None, description="Refuse calls whose calling number is on it with this SIP code, before any policy."
    )
