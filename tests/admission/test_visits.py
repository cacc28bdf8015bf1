import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.admission.visits import Visits, identity_of, uuids_of

A, B, C = (letter * 32 for letter in "abc")
NIL = "0" * 32
CALLER, CALLED = "+12125550100", "+18005550111"


@pytest.mark.parametrize(
    ("header", "uuids"),
    [
        (f"{A};remote={B}", (A, B)),
        (f" {A.upper()} ; Remote = {B.upper()} ", (A, B)),
        (f"{A};logme;remote={B};other=1", (A, B)),
        (f"{A};remote={NIL}", (A,)),
        (f"{NIL};remote={B}", (B,)),
        (f"{A};remote={A}", (A,)),
        (A, (A,)),  # as in RFC 7329
        (f"{NIL};remote={NIL}", ()),
        ("", ()),
        ("short;remote=", ()),
        ("z" * 32, ()),
        (A[:-1] + "\u0663", ()),
    ],
)
def test_the_uuids_of_a_header(header: str, uuids: tuple[str, ...]) -> None:
    assert uuids_of(header) == uuids


@given(st.text(max_size=100))
def test_whatever_the_header_says(header: str) -> None:
    visits = Visits()
    visits.note(identity_of(header, "", CALLED), "cloud", 0.0)
    assert visits.visits(identity_of(header, "", CALLED), "cloud", 0.0) == (1 if uuids_of(header) else 0)


@pytest.mark.parametrize(
    "comes_back_as",
    [f"{A};remote={NIL}", f"{A};remote={B}", f"{B};remote={A}", f"{C};remote={A}"],
)
def test_a_call_that_comes_back_by_any_number_is_known_by_its_session(comes_back_as: str) -> None:
    visits = Visits()
    visits.note(identity_of(f"{A};remote={NIL}", CALLER, CALLED), "cloud", 0.0)
    assert visits.visits(identity_of(comes_back_as, CALLED, "2001"), "cloud", 60.0) == 1
    assert visits.visits(identity_of(comes_back_as, CALLED, "2001"), "premise", 60.0) == 0


def test_a_call_with_both_uuids_visits_once_at_a_time() -> None:
    visits = Visits()
    visits.note(identity_of(f"{A};remote={B}", CALLER, CALLED), "cloud", 0.0)
    assert visits.visits(identity_of(f"{B};remote={A}", CALLER, CALLED), "cloud", 0.0) == 1
    visits.note(identity_of(f"{B};remote={A}", CALLER, CALLED), "cloud", 1.0)
    assert visits.visits(identity_of(f"{A};remote={B}", CALLER, CALLED), "cloud", 1.0) == 2
    assert visits.visits(identity_of(f"{A};remote={NIL}", CALLER, CALLED), "cloud", 1.0) == 2


def test_the_nil_uuid_is_nobodys() -> None:
    visits = Visits()
    visits.note(identity_of(f"{A};remote={NIL}", "", CALLED), "cloud", 0.0)
    assert visits.visits(identity_of(f"{NIL};remote={NIL}", "", CALLED), "cloud", 0.0) == 0
    assert visits.visits(identity_of(f"{B};remote={NIL}", "", CALLED), "cloud", 0.0) == 0


def test_who_dials_again_is_not_one_who_comes_back_where_sessions_tell() -> None:
    visits = Visits()
    visits.note(identity_of(f"{A};remote={NIL}", CALLER, CALLED), "cloud", 0.0)
    assert visits.visits(identity_of(f"{B};remote={NIL}", CALLER, CALLED), "cloud", 10.0) == 0


def test_numbers_must_do_where_one_of_the_two_has_no_session() -> None:
    without, with_one = "", f"{A};remote={NIL}"
    for first, second in ((without, without), (without, with_one), (with_one, without)):
        visits = Visits()
        visits.note(identity_of(first, CALLER, CALLED), "cloud", 0.0)
        assert visits.visits(identity_of(second, "2125550100", "8005550111"), "cloud", 10.0) == 1
        assert visits.visits(identity_of(second, CALLER, "+18005550122"), "cloud", 10.0) == 0
        assert visits.visits(identity_of(second, "+13105550100", CALLED), "cloud", 10.0) == 0
        assert visits.visits(identity_of(second, CALLER, CALLED), "premise", 10.0) == 0


def test_nothing_is_kept_of_an_anonymous_call_without_a_session() -> None:
    visits = Visits()
    visits.note(identity_of("", "", CALLED), "cloud", 0.0)
    assert len(visits) == 0
    assert visits.visits(identity_of("", "", CALLED), "cloud", 0.0) == 0


def test_a_quarter_of_an_hour() -> None:
    visits = Visits()
    visits.note(identity_of("", CALLER, CALLED), "cloud", 0.0)
    visits.note(identity_of("", CALLER, CALLED), "cloud", 600.0)
    assert visits.visits(identity_of("", CALLER, CALLED), "cloud", 899.75) == 2
    assert visits.visits(identity_of("", CALLER, CALLED), "cloud", 900.0) == 1
    assert visits.visits(identity_of("", CALLER, CALLED), "cloud", 1500.0) == 0
    assert (len(visits), len(visits._counts)) == (0, 0)


def test_however_many_calls_come_no_more_than_the_most_are_remembered() -> None:
    visits = Visits(most=100)
    for number in range(1000):
        visits.note(identity_of(f"{number + 1:032x};remote={NIL}", f"+1212{number:07}", CALLED), "cloud", 0.0)
        assert len(visits) <= 100
    assert len(visits._counts) <= 100
    assert visits.visits(identity_of(f"{1000:032x}", "", CALLED), "cloud", 0.0) == 1
    assert visits.visits(identity_of(f"{1:032x}", "", CALLED), "cloud", 0.0) == 0


calls = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 1), st.sampled_from(["cloud", "premise"]))


@given(st.lists(st.tuples(st.integers(0, 400), calls), max_size=60))
def test_what_is_counted_is_what_was_placed_in_the_window(steps: list[tuple[int, tuple[int, int, int, str]]]) -> None:
    visits = Visits()
    placed: list[tuple[float, int, int, int, str]] = []
    now = 0.0
    for wait, (session, caller, called, dial_peer) in steps:
        now += wait
        header = f"{session:032x};remote={NIL}"  # the first has none: its UUID is nil
        numbers = (f"+1212555010{caller}", f"+1800555011{called}")
        expected = 0
        for at, its_session, its_caller, its_called, its_peer in placed:
            if now - at < 900 and its_peer == dial_peer:
                by_session = session != 0 and its_session == session
                by_numbers = 0 in (session, its_session) and (its_caller, its_called) == (caller, called)
                expected += by_session or by_numbers
        assert visits.visits(identity_of(header, *numbers), dial_peer, now) == expected
        visits.note(identity_of(header, *numbers), dial_peer, now)
        placed.append((now, session, caller, called, dial_peer))


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 899, 901]), st.sampled_from(["note", "settle", "failed"]), st.integers(0, 1)),
        max_size=60,
    )
)
def test_however_calls_end_none_counts_less_than_nothing_and_nothing_stays(steps: list[tuple[int, str, int]]) -> None:
    visits = Visits()
    now = 0.0
    for wait, step, caller in steps:
        now += wait
        who = identity_of("", f"+1212555010{caller}", CALLED)
        if step == "note":
            visits.note(who, "cloud", now)
        elif step == "settle":
            visits.settle(who, "cloud")
        else:
            visits.failed(who, "cloud")
        assert 0 <= visits.returns(who, "cloud", True, now) <= visits.visits(who, "cloud", now)
    visits.visits(identity_of("", CALLER, CALLED), "cloud", now + 900)
    assert (len(visits), visits._counts, visits._settled, visits._void) == (0, {}, {}, {})
