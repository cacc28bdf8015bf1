import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest

from edge_router.telemetry.logs import Event, Form, JsonLines, LineWriter, TextLines, safe, set_logging, start_logging


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Stuck(io.StringIO):
    """A stream that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.go.wait()
        return super().write(text)


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class News(Event):
    def __str__(self) -> str:
        return "all the words"

    def headline(self) -> str:
        return "few words"

    def fields(self) -> dict[str, object]:
        return {"called": "+1\n800", "values": {"x\x1b": ["\u202e", 3, None]}, "code": 200}


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, left as it was."""
    logger = logging.getLogger()
    level, handlers = logger.level, list(logger.handlers)
    yield logger
    for each in [each for each in logger.handlers if each not in handlers]:
        logger.removeHandler(each)
        each.close()
    logger.setLevel(level)


def entry(message: object, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord("edge_router.x", level, "x.py", 1, message, (), None)


# ------------------------------------------------------------------------------------------------ words


def test_what_could_forge_a_line_is_escaped() -> None:
    assert safe("a\r\nb\x1b[31m\x00\u202e\u2028\x9b\udcff") == "a\\r\\nb\\x1b[31m\\x00\\u202e\\u2028\\x9b\\udcff"
    assert safe("Grüße, 世界 🙂") == "Grüße, 世界 🙂"


def test_text_names_the_level_only_where_it_matters() -> None:
    assert TextLines().format(entry("ready"))[13:] == "ready"
    assert TextLines().format(entry("hot\x07", logging.WARNING))[13:] == "warning: hot\\x07"


def test_text_keeps_a_traceback_that_no_message_can_forge() -> None:
    try:
        raise RuntimeError("one\ntwo\x1b")
    except RuntimeError as error:
        line = entry("broken")
        line.exc_info = (RuntimeError, error, error.__traceback__)
    lines = TextLines().format(line).splitlines()
    assert lines[0].endswith("broken")
    assert all(each.startswith("    ") for each in lines[1:])
    assert "two\\x1b" in lines[-1]


def test_json_holds_the_fields_of_an_event_and_its_headline() -> None:
    line = JsonLines().format(entry(News()))
    assert line.isprintable()
    found = json.loads(line)
    assert found.pop("time").endswith("Z")
    assert found == {
        "level": "info",
        "logger": "edge_router.x",
        "message": "few words",
        "called": "+1\\n800",
        "values": {"x\\x1b": ["\\u202e", 3, None]},
        "code": 200,
    }


def test_json_of_plain_words_and_a_traceback_is_one_line() -> None:
    try:
        raise RuntimeError("one\ntwo")
    except RuntimeError as error:
        line = entry("broken\n{}")
        line.exc_info = (RuntimeError, error, error.__traceback__)
    text = JsonLines().format(line)
    assert "\n" not in text
    found = json.loads(text)
    assert found["message"] == "broken\\n{}"
    assert "RuntimeError: one\\ntwo" in found["exception"]


# ------------------------------------------------------------------------------------------------ writing


@pytest.mark.parametrize(
    ("form", "stream", "is_json"),
    [
        ("auto", Terminal(), False),
        ("auto", io.StringIO(), True),
        ("text", io.StringIO(), False),
        ("json", Terminal(), True),
    ],
)
def test_auto_is_text_on_a_terminal_else_json(
    root: logging.Logger, form: Form, stream: io.StringIO, is_json: bool
) -> None:
    writer = start_logging("info", form, stream)
    logging.getLogger("edge_router.x").info("hello")
    writer.close()
    assert stream.getvalue().startswith("{") is is_json
    assert "hello" in stream.getvalue()


def test_the_level_holds_and_a_new_start_replaces_the_old(root: logging.Logger) -> None:
    first, second = io.StringIO(), io.StringIO()
    start_logging("debug", "text", first)
    logging.getLogger("edge_router.x").debug("old")
    writer = start_logging("warning", "text", second)
    logging.getLogger("edge_router.x").info("too quiet")
    logging.getLogger("edge_router.x").warning("new")
    writer.close()
    assert "old" in first.getvalue()
    assert "new" not in first.getvalue()
    assert "new" in second.getvalue()
    assert "too quiet" not in second.getvalue()


def test_level_and_form_change_for_lines_to_come(root: logging.Logger) -> None:
    stream = Terminal()
    writer = start_logging("warning", "json", stream)
    log = logging.getLogger("edge_router.x")
    log.warning("first")
    for form, words in (("text", "second"), ("json", "third"), ("auto", "fourth")):
        set_logging("info", form)  # type: ignore[arg-type]
        log.info(words)
    writer.close()
    lines = stream.getvalue().splitlines()
    assert [line.startswith("{") for line in lines] == [True, False, True, False]


def test_lines_come_in_order() -> None:
    stream = io.StringIO()
    writer = LineWriter(stream)
    for number in range(100):
        writer.emit(entry(f"{number}"))
    writer.close()
    assert stream.getvalue().split() == [str(number) for number in range(100)]


def test_a_stuck_stream_holds_nobody_up_and_what_does_not_fit_is_counted() -> None:
    stream = Stuck()
    writer = LineWriter(stream, limit=3)
    writer.emit(entry("first"))
    assert stream.entered.wait(10)
    for number in range(5):
        writer.emit(entry(f"{number}"))
    assert writer.dropped == 2
    stream.go.set()
    writer.close()
    assert stream.getvalue().split() == ["first", "0", "1", "2"]


def test_lines_that_can_not_be_made_or_written_are_counted_and_raise_nothing() -> None:
    class Unspeakable:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    writer = LineWriter(Closed())
    writer.emit(entry(Unspeakable()))
    assert writer.errors == 1
    writer.emit(entry("lost"))
    writer.close()
    assert writer.errors == 2
