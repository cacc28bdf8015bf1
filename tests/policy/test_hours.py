"""Opening hours. Where a time is said in UTC, it was looked up in the tables of the zone, not reckoned by the code."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_router.policy.hours import Hours
from edge_router.policy.hours_spec import DAYS, HoursError, HoursFault, HoursSpec, Span, days_of, span_of

CHICAGO = "America/Chicago"
BERLIN = "Europe/Berlin"


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def local(text: str, zone: str = CHICAGO, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def hours(
    opening: Mapping[str, Sequence[str]], zone: str = CHICAGO, holidays: str = "", closed: Sequence[str] = ()
) -> Hours:
    return Hours(HoursSpec(zone, opening, holidays, closed))


def changes(of: Hours, start: str, end: str) -> list[str]:
    """When it changes from one time to another, both in UTC, as `+2026-03-06 14:00` (opens) and `-...` (closes)."""
    found = []
    epoch = utc(start)
    while (epoch := of.until(epoch)) < utc(end):
        found.append(f"{'+' if of.open_at(epoch) else '-'}{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M}")
    return found


class TestWeek:
    def test_a_week_of_the_contract(self) -> None:
        support = hours({"mon-fri": ["08:00-18:00"], "sat": ["22:00-02:00"]})
        assert changes(support, "2026-06-12 00:00", "2026-06-16 00:00") == [
            *("+2026-06-12 13:00", "-2026-06-12 23:00"),  # Friday, Chicago is 5 h behind
            *("+2026-06-14 03:00", "-2026-06-14 07:00"),  # Saturday evening and the night to Sunday
            *("+2026-06-15 13:00", "-2026-06-15 23:00"),
        ]

    @pytest.mark.parametrize(
        ("clock", "is_open"),
        [
            ("2026-06-12 07:59:59.999", False),
            ("2026-06-12 08:00", True),
            ("2026-06-12 17:59:59.999", True),
            ("2026-06-12 18:00", False),
        ],
    )
    def test_a_span_has_its_start_and_not_its_end(self, clock: str, is_open: bool) -> None:
        assert hours({"mon-fri": ["08:00-18:00"]}).open_at(local(clock)) is is_open

    def test_the_order_in_which_it_is_asked_does_not_matter(self) -> None:
        support = hours({"mon-fri": ["08:00-18:00"]})
        noon, night = local("2026-06-12 12:00"), local("2026-06-12 03:00")
        assert [support.open_at(at) for at in (noon, night, noon, noon - 86400 * 5, night)] == [
            *(True, False, True),
            *(False, False),
        ]

    def test_spans_that_touch_or_overlap_are_one(self) -> None:
        support = hours({"mon": ["08:00-12:00", "12:00-14:00", "13:00-18:00"]}, "UTC")
        assert changes(support, "2026-06-15 00:00", "2026-06-16 00:00") == ["+2026-06-15 08:00", "-2026-06-15 18:00"]

    def test_a_night_shift_hands_over_to_the_day(self) -> None:
        support = hours({"daily": ["22:00-06:00", "06:00-14:00"]}, "UTC")
        assert changes(support, "2026-06-15 00:00", "2026-06-16 00:00") == ["-2026-06-15 14:00", "+2026-06-15 22:00"]

    def test_always(self) -> None:
        support = hours({"daily": ["00:00-24:00"]})
        assert support.open_at(utc("2026-11-01 07:00"))
        assert support.until(utc("2026-11-01 07:00")) == inf

    def test_the_whole_of_sunday(self) -> None:
        support = hours({"sun": ["00:00-24:00"]}, BERLIN)
        assert changes(support, "2026-03-27 00:00", "2026-04-01 00:00") == [  # 23 hours
            *("+2026-03-28 23:00", "-2026-03-29 22:00"),
        ]


class TestClockChanges:
    """In Chicago 02:00 becomes 03:00 on 8 March 2026, and 02:00 becomes 01:00 on 1 November: at 08:00 and 07:00 UTC.

    In Berlin 02:00 becomes 03:00 on 29 March, and 03:00 becomes 02:00 on 25 October: both at 01:00 UTC.
    """

    @pytest.mark.parametrize(
        ("zone", "day", "span", "expected"),
        [
            # By day the clock goes on, so the time in between is 23 and 25 hours.
            (CHICAGO, "2026-03-08", "08:00-18:00", ["+13:00", "-23:00"]),
            (CHICAGO, "2026-11-01", "08:00-18:00", ["+14:00", "-00:00"]),
            (BERLIN, "2026-03-29", "08:00-18:00", ["+06:00", "-16:00"]),
            (BERLIN, "2026-10-25", "08:00-18:00", ["+07:00", "-17:00"]),
            # Over the change: an hour less, an hour more.
            (CHICAGO, "2026-03-08", "01:00-04:00", ["+07:00", "-09:00"]),
            (CHICAGO, "2026-11-01", "00:30-04:00", ["+05:30", "-10:00"]),
            (BERLIN, "2026-03-29", "01:00-04:00", ["+00:00", "-02:00"]),
            (BERLIN, "2026-10-25", "01:00-04:00", ["+23:00", "-03:00"]),
            # A start that the clock doesn't show: it opens where the clock goes on. An end: it closes there.
            (CHICAGO, "2026-03-08", "02:30-04:00", ["+08:00", "-09:00"]),
            (CHICAGO, "2026-03-08", "01:00-02:30", ["+07:00", "-08:00"]),
            (CHICAGO, "2026-03-08", "02:15-02:45", []),
            (BERLIN, "2026-03-29", "02:30-04:00", ["+01:00", "-02:00"]),
            (BERLIN, "2026-03-29", "01:00-02:30", ["+00:00", "-01:00"]),
            (BERLIN, "2026-03-29", "02:00-03:00", []),
            # Times that the clock shows twice are open twice.
            (CHICAGO, "2026-11-01", "01:15-01:45", ["+06:15", "-06:45", "+07:15", "-07:45"]),
            (CHICAGO, "2026-11-01", "01:30-05:00", ["+06:30", "-07:00", "+07:30", "-11:00"]),
            (CHICAGO, "2026-11-01", "00:00-01:30", ["+05:00", "-06:30", "+07:00", "-07:30"]),
            (BERLIN, "2026-10-25", "02:15-02:45", ["+00:15", "-00:45", "+01:15", "-01:45"]),
            (BERLIN, "2026-10-25", "02:00-03:00", ["+00:00", "-02:00"]),
        ],
    )
    def test_on_the_day(self, zone: str, day: str, span: str, expected: list[str]) -> None:
        weekday = DAYS[date.fromisoformat(day).weekday()]
        begin, end = (datetime.fromtimestamp(local(day, zone) + at, UTC) for at in (-7200, 93600))
        found = changes(hours({weekday: [span]}, zone), f"{begin:%Y-%m-%d %H:%M}", f"{end:%Y-%m-%d %H:%M}")
        assert [change[0] + change[-5:] for change in found] == expected

    @pytest.mark.parametrize(
        ("zone", "evening", "opened", "closed"),
        [
            (CHICAGO, "2026-03-07", "2026-03-08 04:00", "2026-03-08 08:00"),  # to 02:00, which is 03:00
            (CHICAGO, "2026-10-31", "2026-11-01 03:00", "2026-11-01 08:00"),
            (BERLIN, "2026-03-28", "2026-03-28 21:00", "2026-03-29 01:00"),
            (BERLIN, "2026-10-24", "2026-10-24 20:00", "2026-10-25 00:00"),  # to the first 02:00
        ],
    )
    def test_in_the_night(self, zone: str, evening: str, opened: str, closed: str) -> None:
        support = hours({"sat": ["22:00-02:00"]}, zone)
        assert changes(support, f"{evening} 12:00", f"{closed[:10]} 18:00") == [f"+{opened}", f"-{closed}"]

    def test_where_midnight_itself_is_left_out_or_comes_twice(self) -> None:
        cairo = hours({"fri": ["00:00-24:00"]}, "Africa/Cairo")
        # Friday 24 April 2026 begins at 01:00, at 22:00 UTC of the day before; 29 October ends with 23:00 twice.
        assert changes(cairo, "2026-04-23 00:00", "2026-04-25 00:00") == ["+2026-04-23 22:00", "-2026-04-24 21:00"]
        thursday = hours({"thu": ["23:30-24:00"]}, "Africa/Cairo")
        assert changes(thursday, "2026-10-29 00:00", "2026-10-31 00:00") == [
            *("+2026-10-29 20:30", "-2026-10-29 21:00"),
            *("+2026-10-29 21:30", "-2026-10-29 22:00"),
        ]

    def test_where_the_last_hour_of_a_day_is_left_out(self) -> None:
        # In Nuuk 23:00 of 28 March 2026 becomes 00:00 of the 29th, at 01:00 UTC.
        nuuk = hours({"sat": ["23:30-23:45"], "sun": ["00:15-04:00"]}, "America/Nuuk")
        assert changes(nuuk, "2026-03-28 12:00", "2026-03-29 12:00") == ["+2026-03-29 01:15", "-2026-03-29 05:00"]


class TestClosedDays:
    def test_a_holiday_of_the_state_is_closed(self) -> None:
        support = hours({"daily": ["08:00-18:00"]}, holidays="US-TX")
        assert not support.open_at(local("2026-07-04 12:00"))  # Independence Day
        assert not support.open_at(local("2027-01-01 12:00"))
        assert not support.open_at(local("2026-04-21 12:00"))  # San Jacinto Day, which is Texas's own
        assert hours({"daily": ["08:00-18:00"]}, holidays="US").open_at(local("2026-04-21 12:00"))
        assert support.open_at(local("2026-07-07 12:00"))

    def test_a_part_of_a_country_has_days_of_its_own(self) -> None:
        epiphany = local("2026-01-06 12:00", BERLIN)
        assert not hours({"daily": ["08:00-18:00"]}, BERLIN, "DE-BY").open_at(epiphany)
        assert hours({"daily": ["08:00-18:00"]}, BERLIN, "DE").open_at(epiphany)
        assert hours({"daily": ["08:00-18:00"]}, BERLIN, "de-be").open_at(epiphany)

    def test_what_is_observed_on_another_day_is_closed_on_both(self) -> None:
        support = hours({"daily": ["08:00-18:00"]}, holidays="US")
        assert [support.open_at(local(f"2027-07-0{day} 12:00")) for day in (3, 4, 5, 6)] == [True, False, False, True]

    def test_no_span_begins_on_a_closed_day_but_one_goes_on_into_it(self) -> None:
        support = hours({"daily": ["22:00-02:00"]}, "UTC", closed=["2026-12-24"])
        assert changes(support, "2026-12-23 12:00", "2026-12-26 12:00") == [
            *("+2026-12-23 22:00", "-2026-12-24 02:00"),
            *("+2026-12-25 22:00", "-2026-12-26 02:00"),
        ]

    def test_a_closed_day_in_a_row_of_whole_days(self) -> None:
        support = hours({"daily": ["00:00-24:00"]}, closed=["2026-12-24"])
        assert support.until(local("2026-06-01 00:00")) == local("2026-12-24 00:00")
        assert support.until(local("2026-12-24 00:00")) == local("2026-12-25 00:00")

    def test_a_change_far_off_is_seen_in_time(self) -> None:
        support = hours({"daily": ["00:00-24:00"]}, "UTC", closed=["2028-12-24"])
        assert support.until(utc("2026-06-01 00:00")) == inf
        assert support.open_at(utc("2028-12-23 23:59:59"))
        assert not support.open_at(utc("2028-12-24 00:00"))


def faults_of(spec: HoursSpec) -> tuple[HoursFault, ...]:
    with pytest.raises(HoursError) as raised:
        Hours(spec)
    return raised.value.faults


DAY_TIME = {"daily": ["08:00-18:00"]}


class TestFaults:
    def test_all_at_once_and_where_they_are(self) -> None:
        spec = HoursSpec(
            "America/Chikago", {"mon-fry": ["8-18"], "sat": ["09:00-12:00", "25:00-26:00"]}, "XQ", ["24.12."]
        )
        assert [fault.key for fault in faults_of(spec)] == [
            ("timezone",),
            ("open", "mon-fry"),
            ("open", "mon-fry", 0),
            ("open", "sat", 1),
            ("closed", 0),
            ("holidays",),
        ]

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            (HoursSpec("America/Chikago", DAY_TIME), 'no time zone "America/Chikago"; did you mean "America/Chicago"?'),
            (HoursSpec("Q", DAY_TIME), 'no time zone "Q"; there is America/Chicago, '),
            (HoursSpec("America", DAY_TIME), 'no time zone "America"'),
            (HoursSpec("../etc/passwd", DAY_TIME), 'no time zone "../etc/passwd"'),
            (HoursSpec("", DAY_TIME), 'no time zone ""'),
            (HoursSpec("UTC", {"monday": ["08:00-18:00"]}), '"monday" is no day; write one of mon, tue, '),
            (HoursSpec("UTC", {"mon-wed-fri": ["08:00-18:00"]}), "is no day"),
            (HoursSpec("UTC", {"mon": ["08.00-18.00"]}), '"08.00-18.00" is no span; write from and to by the 24-hour'),
            (HoursSpec("UTC", {"mon": ["08:00-18:60"]}), '"08:00-18:60" has the time 18:60'),
            (HoursSpec("UTC", {"mon": ["08:00-24:01"]}), '"08:00-24:01" has the time 24:01'),
            (HoursSpec("UTC", {"mon": ["24:00-02:00"]}), "begins at 24:00, which is 00:00 of the next day"),
            (HoursSpec("UTC", {"mon": ["08:00-08:00"]}), 'ends when it begins; write "00:00-24:00"'),
            (HoursSpec("UTC", {"mon": ["8pm-9pm"]}), "is no span"),
            (HoursSpec("UTC", {"mon": [], "tue": []}), "no day has a span, so it is never open"),
            (HoursSpec("UTC", {}), "no day has a span"),
            (HoursSpec("UTC", {"mon-fri": ["08:00-18:00"], "fri": []}), 'fri is in "mon-fri" and in "fri"; name each'),
            (HoursSpec("UTC", {"daily": ["08:00-18:00"], "Sun": []}), 'sun is in "daily" and in "Sun"'),
            (HoursSpec("UTC", DAY_TIME, "XQ"), 'no country "XQ"; there is DE, DE-BY, US, US-TX, others of ISO 3166'),
            (HoursSpec("UTC", DAY_TIME, "US-XQ"), 'no part of US "US-XQ"; '),
            (HoursSpec("UTC", DAY_TIME, "US-TXX"), 'did you mean "US-TX"?'),
            (HoursSpec("UTC", DAY_TIME, closed=["2026-02-30"]), '"2026-02-30" is no date; write year, month and day'),
            (HoursSpec("UTC", DAY_TIME, closed=["20261224"]), '"20261224" is no date'),
        ],
    )
    def test_in_words(self, spec: HoursSpec, message: str) -> None:
        (fault,) = faults_of(spec)
        assert message in fault.message

    @pytest.mark.parametrize(
        ("words", "days"),
        [("mon", (0,)), ("Mon - Fri", (0, 1, 2, 3, 4)), ("fri-mon", (4, 5, 6, 0)), ("daily", tuple(range(7)))],
    )
    def test_days(self, words: str, days: tuple[int, ...]) -> None:
        assert days_of(words) == days

    @pytest.mark.parametrize(
        ("text", "span"),
        [
            ("08:00-18:00", Span(480, 1080)),
            ("8:00 - 18:00", Span(480, 1080)),
            ("22:00-02:00", Span(1320, 1560)),
            ("22:00-00:00", Span(1320, 1440)),
            ("22:00-24:00", Span(1320, 1440)),
            ("00:00-24:00", Span(0, 1440)),
        ],
    )
    def test_spans(self, text: str, span: Span) -> None:
        assert span_of(text) == span


ZONES = (CHICAGO, BERLIN, "UTC", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "America/Nuuk")
clocks = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
spans = st.tuples(clocks, clocks).filter(lambda pair: pair[0] != pair[1]).map("-".join)
weeks = st.dictionaries(st.sampled_from(DAYS), st.lists(spans, max_size=3), min_size=1).filter(
    lambda week: any(week.values())
)


class TestProperties:
    @given(weeks, st.sampled_from(ZONES), st.integers(0, 366 * 24 * 4), st.booleans())
    @example({"sun": ["02:15-02:45"]}, CHICAGO, 66 * 96, False)
    def test_until_is_the_next_change(self, week: dict[str, list[str]], zone: str, quarter: int, closed: bool) -> None:
        """Against a clock that is looked at every quarter of an hour, on which all these zones and spans change."""
        shut = ["2026-03-29", "2026-10-31"] if closed else []
        support = hours(week, zone, closed=shut)
        start = utc("2026-01-01 00:00") + quarter * 900 + 7
        until = support.until(start)
        here = support.open_at(start)
        assert until > start
        assert here is shown_open(week, zone, shut, start)
        for step in range(1, 96 * 9):
            at = start - 7 + step * 900
            is_open = shown_open(week, zone, shut, at)
            assert support.open_at(at) is is_open
            if is_open is not here:
                assert until == at
                assert hours(week, zone, closed=shut).open_at(until - 0.001) is here
                return
        assert until > start + 86400 * 8

    @given(weeks, st.sampled_from(ZONES), st.integers(0, 366 * 96))
    def test_what_is_remembered_is_what_is_reckoned(self, week: dict[str, list[str]], zone: str, quarter: int) -> None:
        asked_before = hours(week, zone)
        asked_before.open_at(utc("2026-06-01 00:00"))
        at = utc("2026-01-01 00:00") + quarter * 900
        assert asked_before.open_at(at) is hours(week, zone).open_at(at)
        assert asked_before.until(at) == hours(week, zone).until(at)


def shown_open(week: Mapping[str, Sequence[str]], zone: str, closed: Sequence[str], at: float) -> bool:
    """What the clock on the wall says, by comparing texts."""
    now = datetime.fromtimestamp(at, ZoneInfo(zone))
    clock = f"{now:%H:%M}"
    today, yesterday = now.date(), now.date() - timedelta(days=1)
    for day, shifted in ((today, False), (yesterday, True)):
        if str(day) in closed:
            continue
        for span in week.get(DAYS[day.weekday()], ()):
            start, end = span.split("-")
            if shifted and end < start and clock < end:
                return True
            if not shifted and start <= clock and (clock < end or end < start):
                return True
    return False
