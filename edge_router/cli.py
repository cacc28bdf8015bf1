"""The command `edge-router`. Each command is thin: it reads its arguments, and calls what does the work.

Results go to stdout, errors to stderr. Exit status: 0 done, 1 could not run, 2 bad usage or bad configuration. What a
command needs is imported when it runs, so that none pays for the others.
"""

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from edge_router.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_router.config.loading import Examined
    from edge_router.config.models import Config
    from state_client.webex.subscriptions import Subscription

app = typer.Typer(
    name="edge-router",
    help="A SIP edge router that decides each call on the state of a contact centre.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Configuration = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration, a YAML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine form, as to a pipe.")]
TokenFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="A token for the running router, where its tokens_file can't be read."),
]
DEFAULT: Final = Path("edge-router.yaml")


@app.command()
def run(config: Configuration = DEFAULT) -> None:
    """Run the router until SIGTERM or SIGINT; SIGHUP reloads the configuration."""
    from edge_router.app import run as run_router

    raise typer.Exit(run_router(config))


@app.command()
def check(
    config: Configuration = DEFAULT,
    bind: Annotated[
        bool, typer.Option(help="Try whether this machine can listen on the addresses; not for another machine's file.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Check a configuration and print every fault, with its line and column, and what would be right."""
    from edge_router.config.binding import bind_faults
    from edge_router.config.faults import Kind, in_order
    from edge_router.config.loading import examine

    examined = examine(config)
    tried = bind_faults(examined, beside_router=True) if bind else []
    faults = [*examined.faults, *(fault for fault in tried if fault.kind is not Kind.WARNING)]
    warnings = [*examined.warnings, *(fault for fault in tried if fault.kind is Kind.WARNING)]
    if as_json:
        from edge_router.config.faults import as_json_text

        typer.echo(as_json_text([*faults, *warnings]))
    else:
        for fault in in_order([*faults, *warnings]):
            typer.echo(str(fault))
        typer.echo(f"{config}: {_count(len(faults), 'fault')}, {_count(len(warnings), 'warning')}", err=True)
    raise typer.Exit(Status.BAD if faults else Status.DONE)


@app.command()
def demo(
    calls: Annotated[int | None, typer.Option(metavar="N", min=1, help="End after so many calls.")] = None,
    seconds: Annotated[float | None, typer.Option(metavar="N", min=0, help="End after so many seconds.")] = None,
    burst: Annotated[
        int, typer.Option(metavar="N", min=0, max=400, help="Calls that come within a second now and then; 0: none.")
    ] = 50,
    share: Annotated[
        bool, typer.Option("--share/--without-share", help="Whether the policy bounds what it sends to the cloud.")
    ] = True,
) -> None:
    """Run the router on loopback with a carrier, a premise, a cloud and calls that flow; print where to look."""
    from edge_router.demo import Wish
    from edge_router.demo import run as run_demo

    raise typer.Exit(run_demo(Wish(calls, seconds, burst, share)))


@app.command()
def route(
    calling: Annotated[str, typer.Option(metavar="NUMBER", help="Who calls.")],
    called: Annotated[str, typer.Option(metavar="NUMBER", help="The number that is called.")],
    config: Configuration = DEFAULT,
    trunk: Annotated[
        str | None, typer.Option(metavar="NAME", help="The trunk that it comes in by. The first that takes it.")
    ] = None,
    queue: Annotated[
        list[str] | None, typer.Option(metavar="NAME:KEY=VALUE,...", help="A queue's values instead of those stated.")
    ] = None,
    team: Annotated[
        list[str] | None, typer.Option(metavar="NAME:STATE=NUMBER,...", help="How many agents of a team do what.")
    ] = None,
    latch: Annotated[list[str] | None, typer.Option(metavar="NAME=on|off", help="How a latch is.")] = None,
    header: Annotated[list[str] | None, typer.Option(metavar="NAME: VALUE", help="A header of the INVITE.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="When, for hours: 2026-12-24T18:30. Now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Explain, without a call, which dial-peers match, which rule decides and why, and what would be sent where."""
    from edge_router.config.loading import examine
    from edge_router.made_up_call import ImpossibleCall
    from edge_router.route_question import BadOption, Question, answer

    examined = examine(config, files=False)  # also where the router's secrets are not
    _refuse_faults(examined)
    assert examined.config is not None  # else there were faults
    queues, teams, latches, headers = (tuple(values or ()) for values in (queue, team, latch, header))
    question = Question(calling, called, trunk, queues, teams, latches, headers, at)
    try:
        explanation = answer(examined.config, examined.tables, question)
    except (BadOption, ImpossibleCall) as error:
        _fail(str(error))
    if as_json or not sys.stdout.isatty():
        typer.echo(explanation.as_json())
    else:
        from edge_router.route_report import show

        show(explanation)


@app.command()
def replay(
    calls: Annotated[Path, typer.Option(metavar="FILE", help="Recorded calls; older parts beside it go before it.")],
    state: Annotated[Path, typer.Option(metavar="FILE", help="The state that was recorded with them.")],
    config: Configuration = DEFAULT,
    chart: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw it into this file, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide recorded calls by another configuration, and show what would have been decided differently."""
    from edge_router.config.loading import examine
    from edge_router.replay_command import CouldNot, replayed, write_chart
    from edge_router.replay_report import as_json as as_json_text
    from edge_router.replay_report import show

    if chart is not None and chart.suffix != ".svg":
        _fail(f"--chart {chart}: charts are drawn as SVG; name a file that ends in .svg")
    examined = examine(config, files=False)  # also where the router's secrets are not
    _refuse_faults(examined)
    assert examined.config is not None  # else there were faults
    try:
        findings = replayed(examined.config, examined.tables, calls, state)
        if chart is not None:
            write_chart(findings, chart)
    except CouldNot as error:
        _could_not(str(error))
    if as_json or not sys.stdout.isatty():
        typer.echo(as_json_text(findings))
    else:
        show(findings)


webex = typer.Typer(no_args_is_help=True, help="Webex Contact Center: authorise, see how things stand, tidy up.")
app.add_typer(webex, name="webex")


@webex.command("login")
def webex_login(
    config: Configuration = DEFAULT,
    listen: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS:PORT", help="Wait here for the browser, where a proxy or a tunnel leads it."),
    ] = None,
    paste: Annotated[
        bool, typer.Option("--paste", help="Wait for the address that it comes back to on stdin instead.")
    ] = False,
) -> None:
    """Authorise once: open the address that is printed in a browser, as an administrator of the contact centre."""
    from edge_router.config.addresses import address
    from edge_router.webex_command import login

    if paste and listen is not None:
        _fail("--listen and --paste are two ways of doing the same; take one")
    try:
        place = None if listen is None else address(listen)
    except ValueError as error:
        _fail(f"--listen: {error}")
    with _spoken_faults():
        login(_loaded(config), config, lambda text: typer.echo(text, err=True), place, paste)


@webex.command("status")
def webex_status(
    config: Configuration = DEFAULT,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show token, subscriptions, last event and limits."""
    from edge_router.webex_command import shown, status

    with _spoken_faults():
        found = status(_loaded(config, files=False), config, token_file)
    typer.echo(json.dumps(found) if as_json or not sys.stdout.isatty() else shown(found))
    raise typer.Exit(Status.COULD_NOT_RUN if found["error"] else Status.DONE)


@webex.command("clean")
def webex_clean(
    config: Configuration = DEFAULT,
    everybody: Annotated[
        bool, typer.Option("--everybody", help="Those of other programs too, not only of other edge routers.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Remove the subscriptions of other nodes; this node's own stay."""
    from edge_router.webex_command import clean

    def agrees(others: "list[Subscription]") -> bool:
        for one in others:
            typer.echo(f"  {one}", err=True)
        return yes or typer.confirm(f"Remove {_count(len(others), 'subscription')}?", err=True)

    with _spoken_faults():
        removed = clean(_loaded(config), config, everybody, agrees)
    typer.echo(f"{_count(removed, 'subscription')} removed")


@app.command()
def switch(
    kind: Annotated[str | None, typer.Argument(metavar="policy|trunk|hours", help="What is switched.")] = None,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Which one.")] = None,
    state: Annotated[
        str | None,
        typer.Argument(metavar="STATE", help="on, off or auto; for hours open, closed or auto. Without it, is shown."),
    ] = None,
    config: Configuration = DEFAULT,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the switches of the running router, with who has set each and when; or set one, until it is set to auto."""
    from edge_router.switch_command import shown, switches
    from edge_router.switch_command import switch as set_or_show

    if kind is not None and name is None:
        _fail(f"name which one: edge-router switch {kind} NAME [STATE]")
    with _spoken_faults():
        loaded = _loaded(config, files=False)
        if kind is None or name is None:
            found = switches(loaded, config, token_file)
        else:
            found = set_or_show(loaded, config, kind, name, state, token_file)
    if as_json or not sys.stdout.isatty():
        typer.echo(json.dumps(found))
    else:
        typer.echo(shown(found["switches"] if kind is None else [found]))


@contextmanager
def _spoken_faults() -> "Iterator[None]":
    """Say in words why the cloud or the router couldn't be reached or asked."""
    from edge_router.ask_router import CannotBe, NotAsked
    from edge_router.webex_command import NotConfigured
    from state_client.webex.errors import WebexError
    from state_client.webex.secret import SecretError

    try:
        yield
    except (NotConfigured, CannotBe) as error:
        _fail(str(error))
    except TimeoutError:
        _could_not("nobody came back from the browser in time; run it again")
    except (NotAsked, WebexError, SecretError, ValueError, OSError) as error:
        _could_not(str(error))


def _loaded(path: Path, files: bool = True) -> "Config":
    """The configuration; ends the command where it has faults, in the files that it names too unless told otherwise."""
    from edge_router.config.loading import examine

    examined = examine(path, files)
    _refuse_faults(examined)
    assert examined.config is not None  # else there were faults
    return examined.config


NOT_BUILT: Final = {
    "profile": "Apply a SIP profile to a message.",
    "translate": "Show what a translation rule makes of a number.",
    "import-ios": "Turn a CUBE running-config into a configuration.",
}
"""Commands that later versions bring."""


def _not_built(name: str) -> None:
    @app.command(
        name,
        help=f"{NOT_BUILT[name]} Not built yet.",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def refuse() -> None:
        _fail(f"edge-router {name} is not built yet")


for _name in NOT_BUILT:
    _not_built(_name)


def _refuse_faults(examined: "Examined") -> None:
    """End the command where the configuration has faults."""
    for fault in examined.faults:
        typer.echo(str(fault), err=True)
    if examined.faults:
        raise typer.Exit(Status.BAD)


def _could_not(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(Status.COULD_NOT_RUN)


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(Status.BAD)


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def main() -> None:
    """Run the command line."""
    app()
