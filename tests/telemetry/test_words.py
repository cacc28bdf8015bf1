import pytest

from edge_router.telemetry.words import OTHER, Vocabulary, is_code, method_label


def test_methods_that_sip_does_not_know_are_one_word() -> None:
    assert [method_label(method) for method in ("INVITE", "UPDATE", "invite", "X" * 500, "")] == [
        "INVITE",
        "UPDATE",
        OTHER,
        OTHER,
        OTHER,
    ]


@pytest.mark.parametrize(("code", "expected"), [(99, False), (100, True), (699, True), (700, False), (-1, False)])
def test_codes_are_those_that_sip_can_have(code: int, expected: bool) -> None:
    assert is_code(code) is expected


def test_a_full_vocabulary_keeps_its_words_and_takes_no_more() -> None:
    vocabulary = Vocabulary(limit=2)
    assert [vocabulary.label(word) for word in ("a", "b", "c", "a", "c")] == ["a", "b", OTHER, "a", OTHER]
