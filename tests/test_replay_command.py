"""`edge-router replay`: what is printed where, and with which exit status."""

import json
import os
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from edge_router.cli import app
from edge_router.replay_report import show
from tests.test_replay import Tape, call, queue, rule, state


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    tape = Tape(tmp_path)
    tape.write([call(1), call(2, calling="")], [state(0, full=True, queues={"Support": queue(0)})])
    tape.by(rule("true"))  # which writes the configuration
    return tape


def replay(tape: Tape, *more: object) -> Result:
    files = ["--calls", tape.calls, "--state", tape.state, "-c", tape.directory / "new.yaml"]
    return CliRunner().invoke(app, ["replay", *map(str, files), *map(str, more)])


def test_to_a_pipe_it_is_json_and_the_chart_is_drawn(tape: Tape) -> None:
    chart = tape.directory / "chart.svg"
    result = replay(tape, "--chart", chart)
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert (found["calls"], found["changed"]) == (2, 2)
    assert chart.read_text().startswith("<svg")


def test_a_chart_is_svg(tape: Tape) -> None:
    result = replay(tape, "--chart", "chart.png")
    assert result.exit_code == 2
    assert result.stderr == "Error: --chart chart.png: charts are drawn as SVG; name a file that ends in .svg\n"


def test_where_there_is_nothing_to_replay(tape: Tape) -> None:
    tape.calls.unlink()
    result = replay(tape)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {tape.calls}: there is no such file\n"


@pytest.mark.parametrize("which", ["calls", "state"])
@pytest.mark.parametrize(
    ("kind", "what"), [("pipe", "a named pipe"), ("directory", "a directory"), ("/dev/zero", "a device")]
)
def test_what_is_no_regular_file_is_not_waited_for(tape: Tape, which: str, kind: str, what: str) -> None:
    place: Path = getattr(tape, which)
    place.unlink()
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    else:
        place.symlink_to(kind)
    result = replay(tape)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: {place} can't be read: it is {what}; name a file\n"


def test_where_the_chart_cannot_be_written(tape: Tape) -> None:
    result = replay(tape, "--chart", tape.directory / "nowhere" / "chart.svg")
    assert result.exit_code == 1
    assert "can't be written" in result.stderr


def test_a_configuration_with_faults(tape: Tape) -> None:
    (tape.directory / "new.yaml").write_text("listen: 5\n")
    assert replay(tape).exit_code == 2


def test_the_routers_secrets_are_not_needed(tape: Tape) -> None:
    with (tape.directory / "new.yaml").open("a") as file:
        file.write('http: {address: "127.0.0.1:8080", tokens_file: nowhere}\n')
    assert replay(tape).exit_code == 0


def test_people_see_tables(tape: Tape) -> None:
    with tape.calls.open("a") as file:
        file.write("no json\n")
    text = StringIO()
    show(tape.by(rule("true")), Console(file=text, width=160))
    shown = text.getvalue()
    assert "2 calls replayed; 2 would have been treated otherwise (100.0%)" in shown
    assert f"{tape.calls}:3: is no JSON" in shown.replace("\n", "")
    assert "████████████████████ 100%" in shown
    assert "2026-11-21T20:00Z" in shown
    assert "bridge to cloud, else bridge to" in shown
    assert "+13125550100 → +18005550100" in shown
