"""What docs/webex.md says is there is there: keys, paths, metrics, commands, and the words of the log."""

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml
from aiohttp import web
from pydantic import BaseModel

import edge_router
import state_client
from edge_router.cli import app
from edge_router.config.loading import examine
from edge_router.config.models import Http
from edge_router.config.policy_model import Policy
from edge_router.config.state_model import EstimatedWait, Queue, State, Webex, Webhook
from edge_router.http.state_api import PushedQueue, StateApi
from edge_router.http.state_views import QUEUE_KEYS
from edge_router.http.webex_api import PATH as WEBEX
from edge_router.policy.surroundings import QUEUE_FIELDS
from edge_router.telemetry.metrics import Metrics
from edge_router.telemetry.state_metrics import StateMetrics, StateReading
from state_client.centre import ContactCentre
from state_client.simulator.__main__ import arguments
from state_client.simulator.rooms import control
from state_client.webex.inbox import Inbox
from state_client.webex.webhook import PATH as WEBHOOK
from state_client.webex.webhook import Webhook as WebhookHandler
from tests.test_ground import ROOT

PAGE: Final = (ROOT / "docs" / "webex.md").read_text()
SECRET: Final = "0123456789abcdef0123456789abcdef"
MODELS: Final[tuple[type[BaseModel], ...]] = (Http, Policy, State, Queue, Webex, Webhook, EstimatedWait)
OTHERS: Final = {"proxy_set_header"}
"""Words of other programs."""


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def spans() -> set[str]:
    """What stands in the text as code."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with the secrets that the examples name."""
    (tmp_path / "secrets").mkdir()
    for name in ("client", "refresh", "webhook", "peer"):
        (tmp_path / "secrets" / name).write_text(f"{SECRET}\n")
    (tmp_path / "secrets" / "tokens").write_text(f"{SECRET} wallboard read\n")
    return tmp_path / "edge-router.yaml"


def said(path: Path) -> list[str]:
    examined = examine(path)
    return [str(each) for each in (*examined.faults, *examined.warnings)]


def test_the_complete_example_has_no_fault(place: Path) -> None:
    place.write_text(blocks("yaml")[0])
    assert said(place) == []


@pytest.mark.parametrize("block", blocks("yaml")[1:], ids=["peer", "pushed", "simulator"])
def test_the_other_examples_fit_into_it(block: str, place: Path) -> None:
    whole = blocks("yaml")[0].replace('queue("Support")', 'queue("CCX-Support")')  # the one that static state has, too
    place.write_text(yaml.safe_dump(yaml.safe_load(whole) | yaml.safe_load(block)))
    assert said(place) == []


def keys(value: Any) -> Iterator[str]:
    """All keys of maps, at any depth."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from keys(part)


def test_every_key_of_live_state_is_shown() -> None:
    shown = {key for block in blocks("yaml") for key in keys(yaml.safe_load(block))}
    live = (Http, State, Webex, Webhook, EstimatedWait)
    assert [name for model in live for name in model.model_fields if name not in shown] == []


def test_every_name_is_one() -> None:
    known = {name for model in MODELS for name in model.model_fields}
    known |= {*QUEUE_KEYS, *QUEUE_FIELDS, *PushedQueue.model_fields, *OTHERS}
    named = {
        span for span in spans() if re.fullmatch(r"[a-z]+(_[a-z]+)+", span) and not span.startswith("edge_router_")
    }
    assert len(named) > 15
    assert named - known == set()


def paths(routes: Any) -> set[str]:
    return {route.path.partition("{")[0].rstrip("/") for route in routes if isinstance(route, web.RouteDef)}


def test_every_path_answers() -> None:
    answers = paths(StateApi(ContactCentre(), 60.0, str).routes()) | {WEBEX, WEBHOOK, "/metrics", "/readyz", "/healthz"}
    ours = re.sub(r"(webexapis\.com|:8090)/\S*", "", PAGE)
    named = {path.rstrip("/") for path in re.findall(r"/(?:v\d|webhooks)/[a-z]+|/metrics|/readyz", ours)}
    assert len(named) > 6
    assert named - answers == set()
    assert named <= set(re.findall(r"/[a-z]\w*(?:/[a-z]+)?", ours))


def test_the_proxies_lead_to_the_webhook_and_to_nothing_else() -> None:
    (nginx,) = blocks("nginx")
    (caddy,) = blocks("caddyfile")
    assert re.findall(r"location (.*) {", nginx) == [f"= {WEBHOOK}", "/"]
    assert "location / { return 404; }" in nginx
    assert re.findall(r"path (.*)", caddy) == [WEBHOOK]
    assert "proxy_set_header X-Forwarded-For" in nginx
    assert "proxy_set_header Host $host" in nginx


def test_the_webhook_serves_nothing_else() -> None:
    application = WebhookHandler(Inbox(), lambda name: ()).application()
    assert {(route.method, route.resource and route.resource.canonical) for route in application.router.routes()} == {
        ("POST", WEBHOOK)
    }


@cache
def texts() -> str:
    """All texts that stand in the sources, one a line."""
    packages = [Path(str(package.__file__)).parent for package in (edge_router, state_client)]
    trees = [ast.parse(path.read_text()) for package in packages for path in package.rglob("*.py")]
    constants = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return "\n".join(value for value in constants if isinstance(value, str))


def test_every_metric_is_told() -> None:
    named = set(re.findall(r"edge_router_\w+", PAGE))
    assert len(named) > 5
    told = [*Metrics("1").collect(), *StateMetrics(StateReading).collect()]
    families = {family.name + ("_total" if family.type == "counter" else "") for family in told}
    assert named - families == set()


@pytest.mark.xdist_group("texts")  # to read the sources takes seconds, and is done once for all of them
@pytest.mark.parametrize("line", [line for block in blocks("log") for line in block.splitlines()])
def test_every_line_of_the_log_reads_so(line: str) -> None:
    pieces = [piece.strip(" .") for piece in re.split(r"…|: |\?\. |[()]", line)]
    words = [piece.removeprefix("Webex ").strip("0123456789 ") for piece in pieces]
    assert [each for each in words if each not in texts()] == []


def test_every_command_is_one() -> None:
    commands = typer.main.get_command(app)
    named = set(re.findall(r"edge-router ((?:webex )?[a-z]+) ?(?:-|`|\n)", PAGE))
    assert {"webex login", "webex status", "webex clean", "check", "run"} <= named
    for name in named:
        command: Any = commands
        for word in name.split():
            command = command.commands[word]


def test_the_simulator_takes_what_it_is_told(place: Path) -> None:
    known = {option for action in arguments()._actions for option in action.option_strings}
    after = PAGE[PAGE.index("## Trying it") :]
    assert set(re.findall(r"--[a-z]+", after)) - {"--help"} <= known
    routes = {(route.method, route.path) for route in control.ROUTES}
    asked = [shlex.split(line, comments=True) for line in after.splitlines() if line.startswith("    curl ")]
    assert len(asked) > 8
    for words in asked:
        method = "DELETE" if "-X" in words else "POST" if "-d" in words else "GET"
        (url,) = [word for word in words if word.startswith("$S")]
        assert (method, url.replace("$S", "/simulator")) in routes
