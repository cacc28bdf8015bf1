"""`python -m bench`: the whole bench, or parts of it."""

from __future__ import annotations

from typing import Annotated

import typer

from bench import replay as replaying

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def replay(
    calls: Annotated[int, typer.Option(help="Calls in a round.")] = 3000,
    rounds: Annotated[int, typer.Option(help="Rounds; the best one is shown.")] = 5,
    rate: Annotated[int, typer.Option(help="Calls a second on the router's clock.")] = 1500,
    redirect: Annotated[bool, typer.Option("--redirect", help="Calls that get a 302 instead of bridged ones.")] = False,
    functions: Annotated[bool, typer.Option("--functions", help="The functions that take most time.")] = False,
    lines: Annotated[bool, typer.Option("--lines", help="The lines that take most time.")] = False,
    memory: Annotated[bool, typer.Option("--memory", help="What held and finished calls keep.")] = False,
    most: Annotated[int, typer.Option(help="How many functions or lines.")] = 30,
) -> None:
    """Play calls through the router's engine in this process, without sockets, and show where the time goes."""
    play = replaying.Replay(rate, redirect)
    if functions:
        replaying.show_functions(play, calls, most)
    if lines:
        replaying.show_lines(play, calls * rounds, most)
    if memory:
        replaying.show_memory(play, calls, most)
    if not (functions or lines or memory):
        replaying.show_time(play, calls, rounds)


@app.command()
def run() -> None:
    """Run."""


if __name__ == "__main__":
    app()
