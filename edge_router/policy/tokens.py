"""The text of a CEL rule, split into tokens: enough to tell names from what stands in quotes and comments.

Here lives only what the rewriting needs. Whether the tokens make a rule is for the CEL library to say, so anything
that is not understood becomes a token of one character and goes on to it as it stands.
Source: CEL language definition, "Syntax" (lexis).
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

_PREFIXES = frozenset({"r", "b", "br"})
"""What may stand before a quote, in lower case: r is raw, b makes bytes."""


class Kind(Enum):
    """What a token is."""

    NAME = "name"
    NUMBER = "number"
    TEXT = "text"
    BYTES = "bytes"
    MARK = "mark"


class Token(NamedTuple):
    """One token and where it starts. Comments and white space are none."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset behind the last character."""
        return self.start + len(self.text)


def tokens_of(text: str) -> list[Token]:
    """Split a rule. An unclosed quote reaches to the end of its line, or of the rule if it is a triple one."""
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif text.startswith("//", at):
            at = _line_end(text, at)
        else:
            token = _token_at(text, at)
            tokens.append(token)
            at = token.end
    return tokens


def _token_at(text: str, start: int) -> Token:
    """Read the token that starts at an offset which is neither white space nor a comment."""
    first = text[start]
    if first in "\"'":
        return _quoted(text, start, start)
    if first.isdigit():
        return Token(Kind.NUMBER, text[start : _number_end(text, start)], start)
    if not _in_name(first):
        return Token(Kind.MARK, first, start)
    end = start
    while end < len(text) and _in_name(text[end]):
        end += 1
    if end < len(text) and text[end] in "\"'" and text[start:end].lower() in _PREFIXES:
        return _quoted(text, start, end)
    return Token(Kind.NAME, text[start:end], start)


def _in_name(character: str) -> bool:
    """Whether a character can stand in a name: CEL's names are ASCII."""
    return character == "_" or (character.isascii() and character.isalnum())


def _number_end(text: str, start: int) -> int:
    """The offset behind a number: digits, a fraction, and the letters of 0x1F, 1e3 and 3u."""
    end = start
    while end < len(text):
        fraction = text[end] == "." and text[end + 1 : end + 2].isdigit()
        exponent = text[end] in "+-" and text[end - 1] in "eE" and not text.startswith(("0x", "0X"), start)
        if not (_in_name(text[end]) or fraction or exponent):
            break
        end += 1
    return end


def _quoted(text: str, start: int, quote_at: int) -> Token:
    """Read a text in quotes whose opening quote stands at `quote_at`, behind its prefix."""
    prefix = text[start:quote_at].lower()
    quote = text[quote_at]
    triple = text.startswith(quote * 3, quote_at)
    closing = quote * 3 if triple else quote
    at = quote_at + len(closing)
    while at < len(text) and not text.startswith(closing, at):
        if text[at] == "\n" and not triple:
            break
        at += 2 if text[at] == "\\" and "r" not in prefix else 1
    end = min(at + len(closing) if text.startswith(closing, at) else at, len(text))
    return Token(Kind.BYTES if "b" in prefix else Kind.TEXT, text[start:end], start)


def _line_end(text: str, start: int) -> int:
    """The offset of the end of the line."""
    end = text.find("\n", start)
    return len(text) if end < 0 else end
