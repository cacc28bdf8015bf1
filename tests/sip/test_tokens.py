from itertools import pairwise

from edge_router.sip.tokens import new_branch, new_token

MANY = 1_000  # more than are fetched at once


def test_tokens_are_64_random_bits_that_no_other_has_a_part_of() -> None:
    tokens = [new_token() for _ in range(MANY)]
    assert {len(token) for token in tokens} == {16}
    assert set("".join(tokens)) == set("0123456789abcdef")
    assert len(set(tokens)) == MANY
    for before, token in pairwise(tokens):
        assert not any(before.endswith(token[:shared]) for shared in range(8, 16))


def test_a_branch_bears_the_cookie() -> None:
    branch = new_branch()
    assert branch.startswith("z9hG4bK")
    assert len(branch) == 7 + 16
