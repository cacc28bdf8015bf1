"""When it is open: spans of the clock on the wall, in a time zone, less holidays and closed days.

What the clock shows decides. Where it is put forward, times that it never shows are never open; where it is put back,
times that it shows twice are open twice. A span over midnight belongs to the day on which it begins: no span begins
on a holiday or a closed day, but one that has begun the evening before goes on until it ends.

Here lives the clock. How hours are written in a configuration is `hours_spec.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import inf
from typing import Final

from edge_router.policy.hours_spec import MINUTES, HoursSpec, Span, read_hours

HORIZON: Final = 400
"""Days that are looked ahead for a change: a year, and what a holiday may move by."""
_DAY: Final = timedelta(days=1)


class Hours:
    """Opening hours of a week. Raises HoursError with all that is wrong with `spec`.

    What it has reckoned holds until the next change, so that a call costs two comparisons.
    """

    def __init__(self, spec: HoursSpec) -> None:
        week = read_hours(spec)
        self._zone = week.zone
        self._spans = week.spans
        self._closed = week.closed
        self._holidays = week.holidays
        self._marks = tuple(
            sorted({minute % MINUTES for spans in week.spans for span in spans for minute in (span.start, span.end)})
        )
        self._known: tuple[float, float, bool, float] = (inf, -inf, False, inf)
        """From when to when it is known whether it is open, whether it is, and when that changes."""

    def open_at(self, epoch: float) -> bool:
        """Whether it is open at a time, in seconds since 1970 (UTC)."""
        known = self._known
        if not known[0] <= epoch < known[1]:
            known = self._look(epoch)
        return known[2]

    def until(self, epoch: float) -> float:
        """When that changes next, in seconds since 1970; infinite where it doesn't within the next 400 days."""
        known = self._known
        if not known[0] <= epoch < known[1]:
            known = self._look(epoch)
        return known[3]

    def _look(self, epoch: float) -> tuple[float, float, bool, float]:
        """Look ahead for the next change, and remember it."""
        here = self._shown_open(epoch)
        day = datetime.fromtimestamp(epoch, self._zone).date()
        self._known = epoch, self._starts(day + HORIZON * _DAY), here, inf
        for ahead in range(HORIZON):
            for instant in self._instants(day + ahead * _DAY):
                if instant > epoch and self._shown_open(instant) is not here:
                    self._known = epoch, instant, here, instant
                    return self._known
        return self._known

    def _shown_open(self, epoch: float) -> bool:
        """Whether the clock on the wall shows a time that is open."""
        clock = datetime.fromtimestamp(epoch, self._zone)
        minute = clock.hour * 60 + clock.minute
        today = clock.date()
        for span in self._spans_of(today):
            if span.start <= minute < span.end:
                return True
        return any(minute < span.end - MINUTES for span in self._spans_of(today - _DAY))

    def _spans_of(self, day: date) -> tuple[Span, ...]:
        """The spans that begin on a day."""
        spans = self._spans[day.weekday()]
        return () if not spans or day in self._closed or day in self._holidays(day.year) else spans

    def _instants(self, day: date) -> list[float]:
        """When it may change on a day, in order: it changes at no other time of it."""
        begin, end = self._starts(day), self._starts(day + _DAY)
        instants = set(self._put_forward_or_back(begin, end))
        midnight = datetime(day.year, day.month, day.day)
        for mark in self._marks:
            clock = midnight + timedelta(minutes=mark)
            for fold in (0, 1):  # a time may be shown twice; one that is never shown may fall on another day
                instants.add(clock.replace(tzinfo=self._zone, fold=fold).timestamp())
        return sorted(instant for instant in instants if begin <= instant <= end)

    def _starts(self, day: date) -> float:
        """When a day begins: at the first midnight, or where there is none, at what comes instead."""
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()

    def _put_forward_or_back(self, begin: float, end: float) -> Iterator[float]:
        """When the clock is changed between two times, to the second; once at the most."""
        before = self._offset(begin)
        if before == self._offset(end):
            return
        last, first = int(begin), int(end)
        while first - last > 1:
            middle = (first + last) // 2
            if self._offset(middle) == before:
                last = middle
            else:
                first = middle
        yield float(first)

    def _offset(self, epoch: float) -> timedelta | None:
        return datetime.fromtimestamp(epoch, self._zone).utcoffset()
