"""Number patterns as trees, and what each of them should match, worked out without the source's help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hypothesis import strategies as st

DIGITS = "0123456789ABCDEF*#+"


@dataclass(frozen=True)
class Digit:
    """One digit: as CUBE writes it, as Python's `re` writes it, and what it may be."""

    text: str
    regex: str
    allowed: str

    def ends(self, number: str, at: int) -> Iterator[tuple[int, int]]:
        if number[at : at + 1] and number[at] in self.allowed:
            yield at + 1, int(len(self.allowed) == 1)


@dataclass(frozen=True)
class Group:
    """Pieces one after the other, in brackets, and how often they come."""

    parts: tuple[Digit | Group, ...]
    quantifier: str = ""

    @property
    def text(self) -> str:
        inside = "".join(part.text for part in self.parts)
        return (
            inside if len(self.parts) == 1 and isinstance(self.parts[0], Digit) else f"({inside})"
        ) + self.quantifier

    @property
    def regex(self) -> str:
        return f"(?:{''.join(part.regex for part in self.parts)}){self.quantifier.replace('%', '*')}"

    def ends(self, number: str, at: int) -> Iterator[tuple[int, int]]:
        """Every place that this piece may end at, with how many digits were spelt out on the way there."""
        reached = {(at, 0)} if self.quantifier in ("?", "%") else set()
        fresh = self._once(number, {(at, 0)})
        while not fresh <= reached:
            reached |= fresh
            fresh = self._once(number, fresh) if self.quantifier in ("+", "%") else fresh
        yield from reached

    def _once(self, number: str, reached: set[tuple[int, int]]) -> set[tuple[int, int]]:
        for part in self.parts:
            reached = {(end, count + more) for at, count in reached for end, more in part.ends(number, at)}
        return reached


@dataclass(frozen=True)
class Written:
    """A whole pattern."""

    parts: tuple[Digit | Group, ...]
    begin: str = ""
    end: str = ""

    @property
    def text(self) -> str:
        return self.begin + "".join(part.text for part in self.parts) + self.end

    @property
    def regex(self) -> str:
        plus = r"\+" if self.begin.endswith("+") else ""
        end = self.end.replace("T", rf"[{DIGITS}]{{0,32}}").replace("$", r"\Z")
        return plus + "".join(part.regex for part in self.parts) + end

    def length(self, number: str) -> int | None:
        """The most digits that are matched by a digit that is spelt out; None where the pattern does not match."""
        plus = (Digit("+", r"\+", "+"),) if self.begin.endswith("+") else ()
        lengths = [
            count
            for end, count in Group((*plus, *self.parts)).ends(number, 0)
            if not self.end.endswith("$")
            or end == len(number)
            or ("T" in self.end and len(number) - end <= 32 and set(number[end:]) <= set(DIGITS))
        ]
        return max(lengths, default=None)


def _set(text: str, allowed: str, negated: bool) -> Digit:
    listed = "".join(digit for digit in DIGITS if (digit in allowed) != negated)
    return Digit(f"[{'^' if negated else ''}{text}]", f"[{listed}]", listed)


SETS = [("1", "1"), ("12", "12"), ("1-3", "123"), ("2,A-C", "2ABC"), ("9-B,+", "9AB+"), ("*,#", "*#")]
literals = st.sampled_from("1123A").map(lambda digit: Digit(digit, digit, digit))
escaped = st.sampled_from("+*#").map(lambda digit: Digit("\\" + digit, "\\" + digit, digit))
dots = st.just(Digit(".", f"[{DIGITS}]", DIGITS))
sets = st.builds(lambda pair, negated: _set(pair[0], pair[1], negated), st.sampled_from(SETS), st.booleans())
digits = st.one_of(literals, literals, literals, dots, sets, escaped)


def groups(inside: st.SearchStrategy[Digit | Group]) -> st.SearchStrategy[Digit | Group]:
    return st.builds(Group, st.lists(inside, min_size=1, max_size=3).map(tuple), st.sampled_from(["", "+", "?", "%"]))


pieces: st.SearchStrategy[Digit | Group] = st.recursive(digits, groups, max_leaves=4)
patterns = st.builds(
    Written,
    st.lists(pieces, min_size=1, max_size=5).map(tuple),
    st.sampled_from(["", "", "^", "+", "^+"]),
    st.sampled_from(["", "$", "T", "T$"]),
)
numbers = st.text(alphabet="11123AB9+*#x", max_size=9)
