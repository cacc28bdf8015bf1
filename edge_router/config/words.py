"""Pydantic's errors in words for the person who edits the file, without types of Python or terms of pydantic."""

from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge_router.config.document import Document
from edge_router.config.faults import Fault, Kind, Path, key_path, nearest, nothing_called, quoted
from edge_router.config.not_built import VALUES
from edge_router.config.shapes import is_not_built, keys_at, shape_of
from edge_router.config.values import described

_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}


def faults_of(error: ValidationError, document: Document, file: str) -> Iterator[Fault]:
    """Give a fault for each of pydantic's errors, at its place in the file."""
    for details in error.errors(include_url=False):
        path = details["loc"]
        # The name of an entry is at fault, not what stands there.
        of_name = bool(path) and path[-1] == "[key]"
        if of_name:
            path = path[:-1]
        if details["input"] is None and details["type"] != "missing":
            continue  # keys without a value are told of once, wherever they are
        kind, message = in_words(details, path)
        real, at = document.locate(path, key=of_name or details["type"] == "extra_forbidden")
        yield Fault(file, at.line, at.column, key_path(real), message, kind)


def in_words(details: ErrorDetails, path: Path) -> tuple[Kind, str]:
    """Put one error, at a path of the models, in words."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if kind == "missing":
        return Kind.MISSING, "is missing; it is required"
    if kind == "value_error":
        return Kind.VALUE, str(context["error"])
    if kind in Kind.__members__:
        return Kind[kind], str(context["message"])
    if kind == "literal_error":
        return _unknown_word(path, value, str(context["expected"]))
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return Kind.VALUE, f"is {value}; it must be {words} {context[bound]:g}"
    if kind == "string_too_long":
        return Kind.VALUE, f"is longer than {context['max_length']} characters; shorten it"
    return Kind.VALUE, _wrong_type(kind, value)


def _wrong_type(kind: str, value: object) -> str:
    expected = _EXPECTED.get(kind, "something else")
    advice = "; put it in quotes" if expected == "text" and isinstance(value, (bool, int, float)) else ""
    return f"expected {expected}, got {described(value)}{advice}"


def _unknown_key(path: Path) -> tuple[Kind, str]:
    *above, key = path
    if is_not_built(path):
        return Kind.NOT_BUILT, "not built yet: this version can't do it; take it out"
    return Kind.UNKNOWN_KEY, nothing_called("key", str(key), keys_at(tuple(above)))


def _unknown_word(path: Path, value: object, expected: str) -> tuple[Kind, str]:
    # pydantic lists the words as 'a', 'b' or 'c'
    words = [word.strip(" '") for word in expected.replace(" or ", ", ").split(",")]
    later = VALUES.get(shape_of(path), frozenset())
    if isinstance(value, str) and value in later:
        return Kind.NOT_BUILT, f"not built yet: {value}; this version can only do {', '.join(words)}"
    choice = ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else words[0]
    guess = nearest(value, words) if isinstance(value, str) else None
    hint = f"; did you mean {quoted(guess)}?" if guess else ""
    return Kind.VALUE, f"expected {choice}, got {described(value)}{hint}"
