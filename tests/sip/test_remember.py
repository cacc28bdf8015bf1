import pytest

from edge_router.sip.message import _lately
from edge_router.sip.remember import LONGEST, forget_readings, remembered, to_forget


class Reader:
    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, text: str) -> str:
        self.read.append(text)
        if text == "bad":
            raise ValueError(text)
        return text.upper()


def test_a_text_is_read_once() -> None:
    reader = Reader()
    known = remembered(8)(reader)
    assert [known("a"), known("a"), known("b")] == ["A", "A", "B"]
    assert reader.read == ["a", "b"]


def test_nothing_is_kept_of_a_long_text() -> None:
    reader = Reader()
    known = remembered(8)(reader)
    for _ in range(2):
        assert known("x" * LONGEST) == "X" * LONGEST
        assert known("y" * (LONGEST + 1)) == "Y" * (LONGEST + 1)
    assert [text[0] for text in reader.read] == ["x", "y", "y"]


def test_no_more_is_kept_than_was_asked_for() -> None:
    reader = Reader()
    known = remembered(2)(reader)
    for text in ("a", "b", "c", "c", "a"):
        known(text)
    assert reader.read == ["a", "b", "c", "a"]


def test_what_is_raised_is_not_kept() -> None:
    reader = Reader()
    known = remembered(2)(reader)
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            known("bad")
    assert reader.read == ["bad", "bad"]


def test_everything_can_be_forgotten() -> None:
    reader = Reader()
    known = remembered(8)(reader)
    other = {"x": 1}
    to_forget(other.clear)
    known("a")
    forget_readings()
    known("a")
    assert reader.read == ["a", "a"]
    assert not other
    assert not _lately
