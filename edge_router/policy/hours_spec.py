"""Hours as configured: reads the words of the file, and says all that is wrong with them at once.

Here lives what the words mean. When that is open, on which clock, is `hours.py`'s.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from edge_router.policy.decision import shown
from edge_router.policy.faults import unknown

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES: Final = 24 * 60
"""Minutes on the clock of one day, whatever day it is."""

_SPAN: Final = re.compile(r"\s*([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})\s*")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Key = tuple[str | int, ...]
Dates = Callable[[int], frozenset[date]]
"""The days of a year that are holidays."""


@dataclass(frozen=True, slots=True)
class HoursSpec:
    """Hours as configured. `open` has days (`mon`, `mon-fri`, `daily`) and their spans (`08:00-18:00`)."""

    timezone: str
    open: Mapping[str, Sequence[str]]
    holidays: str = ""
    closed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class HoursFault:
    """One thing that is wrong. `key` is the way to it from the top of the hours: `("open", "mon-fri", 0)`.

    A key of `open` that is wrong itself ends in its name, as its value would.
    """

    message: str
    key: Key


class HoursError(ValueError):
    """Hours that can't be used, with all their faults."""

    def __init__(self, faults: Sequence[HoursFault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` to `end`, in minutes of the day that it begins on; an end after that day is beyond 1440."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Week:
    """Hours, read. `spans` has those of each weekday, Monday first."""

    zone: zoneinfo.ZoneInfo
    spans: tuple[tuple[Span, ...], ...]
    closed: frozenset[date]
    holidays: Dates


def read_hours(spec: HoursSpec) -> Week:
    """Read the words of a configuration. Raises HoursError with every fault."""
    faults: list[HoursFault] = []
    zone = _zone(spec.timezone, faults)
    spans = _spans(spec.open, faults)
    closed = _closed(spec.closed, faults)
    dates = _holidays(spec.holidays, faults)
    if faults or zone is None:
        raise HoursError(faults)
    return Week(zone, spans, closed, dates)


def _zone(name: str, faults: list[HoursFault]) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a region, which is a directory
        usual = ("America/Chicago", "America/New_York", "Europe/Berlin", "Europe/London", "UTC")
        message = unknown("time zone", name, zoneinfo.available_timezones(), (*usual, "others of the IANA database"))
        faults.append(HoursFault(message, ("timezone",)))
        return None


def _spans(opening: Mapping[str, Sequence[str]], faults: list[HoursFault]) -> tuple[tuple[Span, ...], ...]:
    week: list[tuple[Span, ...]] = [()] * len(DAYS)
    owner: dict[int, str] = {}
    for words, spans in opening.items():
        try:
            days = days_of(words)
        except ValueError as error:
            faults.append(HoursFault(str(error), ("open", words)))
            days = ()
        twice = [day for day in days if day in owner]
        if twice:
            message = f"{DAYS[twice[0]]} is in {shown(owner[twice[0]])} and in {shown(words)}; name each day once"
            faults.append(HoursFault(message, ("open", words)))
        read = []
        for index, text in enumerate(spans):
            try:
                read.append(span_of(text))
            except ValueError as error:
                faults.append(HoursFault(str(error), ("open", words, index)))
        for day in days:
            owner.setdefault(day, words)
            week[day] = tuple(read)
    if not any(opening.values()):
        faults.append(HoursFault('no day has a span, so it is never open; give one, such as "08:00-18:00"', ("open",)))
    return tuple(week)


def days_of(words: str) -> tuple[int, ...]:
    """Read a day, a range of days or `daily` as weekdays, 0 being Monday. Raises ValueError in words."""
    text = words.strip().lower()
    if text == "daily":
        return tuple(range(len(DAYS)))
    names = [name.strip() for name in text.split("-")]
    if len(names) > 2 or any(name not in DAYS for name in names):
        raise ValueError(f"{shown(words)} is no day; write one of {', '.join(DAYS)}, a range such as mon-fri, or daily")
    first, last = DAYS.index(names[0]), DAYS.index(names[-1])
    return tuple((first + n) % len(DAYS) for n in range((last - first) % len(DAYS) + 1))


def span_of(text: str) -> Span:
    """Read `08:00-18:00`; an end before its start is on the next day. Raises ValueError in words."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f'{shown(text)} is no span; write from and to by the 24-hour clock, such as "08:00-18:00"')
    start, end = (_minute(text, found[hour], found[hour + 1]) for hour in (1, 3))
    if start == MINUTES:
        raise ValueError(f'{shown(text)} begins at 24:00, which is 00:00 of the next day; write "00:00-..." there')
    if start == end:
        raise ValueError(f'{shown(text)} ends when it begins; write "00:00-24:00" for the whole day')
    return Span(start, end if end > start else end + MINUTES)


def _minute(text: str, hours: str, minutes: str) -> int:
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > MINUTES:
        raise ValueError(f"{shown(text)} has the time {hours}:{minutes}; a day goes from 00:00 to 24:00")
    return minute


def _closed(dates: Iterable[str], faults: list[HoursFault]) -> frozenset[date]:
    closed = set()
    for index, text in enumerate(dates):
        try:
            if not _DATE.fullmatch(text):
                raise ValueError(text)
            closed.add(date.fromisoformat(text))
        except ValueError:
            message = f"{shown(text)} is no date; write year, month and day, such as 2026-12-24"
            faults.append(HoursFault(message, ("closed", index)))
    return frozenset(closed)


def _holidays(words: str, faults: list[HoursFault]) -> Dates:
    """The public holidays of a country, or of a country's part: `US`, `US-TX` (ISO 3166-1, ISO 3166-2)."""
    if not words:
        return _no_holidays
    import holidays  # some 18 MB, for those who ask for it

    country, _, part = words.strip().upper().partition("-")
    countries = holidays.list_supported_countries()
    parts = {name.upper(): name for name in countries.get(country, ())}
    if country not in countries:
        usage = ("US", "US-TX", "DE", "DE-BY", "others of ISO 3166")
        short = [code for code in countries if len(code) == 2]
        faults.append(HoursFault(unknown("country", country, short, usage), ("holidays",)))
        return _no_holidays
    if part and part not in parts:
        known = [f"{country}-{name}" for name in parts]
        faults.append(HoursFault(unknown(f"part of {country}", f"{country}-{part}", known), ("holidays",)))
        return _no_holidays
    return _Calendar(country, parts.get(part)).of


def _no_holidays(year: int) -> frozenset[date]:
    return frozenset()


class _Calendar:
    """The public holidays of one country or part of it, with the days on which they are observed instead."""

    def __init__(self, country: str, part: str | None) -> None:
        self._country = country
        self._part = part
        self._years: dict[int, frozenset[date]] = {}

    def of(self, year: int) -> frozenset[date]:
        """The holidays of a year, reckoned when they are first asked for: that takes up to some milliseconds."""
        days = self._years.get(year)
        if days is None:
            import holidays

            days = frozenset(holidays.country_holidays(self._country, subdiv=self._part, years=year))
            self._years[year] = days
        return days
