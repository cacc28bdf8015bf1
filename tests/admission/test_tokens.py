import pytest

from edge_router.admission.tokens import BadTokens, read_tokens

GOOD = "0123456789abcdef"


def test_a_file_of_tokens() -> None:
    tokens = read_tokens(f"# ours\n\n{GOOD} wallboard read\n  {GOOD}2 ops read,admin  \r\n")
    assert len(tokens) == 2
    holder = tokens.holder(GOOD)
    assert holder is not None
    assert holder.name == "wallboard"
    assert holder.may("read")
    assert not holder.may("decide")
    assert not holder.may("admin")
    assert tokens.holder(GOOD[:-1]) is None
    assert tokens.holder("") is None


def test_admin_is_good_for_everything() -> None:
    holder = read_tokens(f"{GOOD} ops admin").holder(GOOD)
    assert holder is not None
    assert all(holder.may(scope) for scope in ("read", "decide", "admin"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"{GOOD} wallboard", "2 words instead of 3"),
        (f"{GOOD} wall board read", "4 words instead of 3"),
        ("short wallboard read", "shorter than 16"),
        (f"{GOOD} wallboard reed", "no scope 'reed'; there are read, decide, admin"),
        (f"{GOOD} wallboard read,", "no scope ''"),
        (f"{GOOD}x first read", "first stands in line 1 too"),
        (f"{GOOD}0 other read", "this token stands in the file twice"),
    ],
)
def test_every_fault_has_its_line_and_no_token(line: str, why: str) -> None:
    with pytest.raises(BadTokens) as caught:
        read_tokens(f"{GOOD}0 first read\n{line}\nbad line\n")
    faults = caught.value.faults
    assert [number for number, _ in faults] == [2, 3]
    assert why in faults[0][1]
    assert GOOD not in str(caught.value)


def test_nothing_printed_has_a_token_in_it() -> None:
    tokens = read_tokens(f"{GOOD} wallboard read")
    assert GOOD not in repr(tokens) + repr(tokens._holders) + repr(tokens.holder(GOOD))
