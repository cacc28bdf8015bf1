"""Opening hours as the configuration writes them."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from edge_router.config.values import Name, Section, one_or_many
from edge_router.policy.hours_spec import HoursSpec

Spans = Annotated[tuple[Name, ...], BeforeValidator(one_or_many, json_schema_input_type=Name | list[Name])]


class Hours(Section):
    """Opening hours of a week, on the clock of a time zone."""

    timezone: Name = Field(description="Of the IANA database: America/Chicago, Europe/Berlin.")
    open: dict[Name, Spans] = Field(
        description="Days (mon, mon-fri, daily) and their spans (08:00-18:00); 22:00-02:00 ends on the next day."
    )
    holidays: Name | None = Field(
        default=None, description="Closed on the holidays of a country, or a part of it: US, US-TX, DE-BY."
    )
    closed: tuple[Name, ...] = Field(default=(), description="Days on which it is closed besides: 2026-12-24.")


def spec_of(hours: Hours) -> HoursSpec:
    """Give what the file says as the policies' hours take it."""
    return HoursSpec(hours.timezone, hours.open, hours.holidays or "", hours.closed)
