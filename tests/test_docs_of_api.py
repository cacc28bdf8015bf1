"""What docs/api.md names is there: paths, keys, scopes. That its examples run is shown end to end."""

import re
from collections.abc import Iterator
from typing import Any, Final

from edge_router import __version__
from edge_router.admission.tokens import SCOPES, read_tokens
from edge_router.config.models import Http
from edge_router.config.policy_model import Policy
from edge_router.config.state_model import State
from edge_router.http.description import description
from edge_router.http.state_api import PushedQueue
from tests.test_ground import ROOT

PAGE: Final = (ROOT / "docs" / "api.md").read_text()
DESCRIPTION: Final = description(__version__)
DECISION: Final = {"call_id", "state_age_s"}
"""Keys of an event, which the description has no words for; `DecisionFeed` writes them."""


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def spans() -> set[str]:
    """What stands in the text as code."""
    return set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)))


def properties(value: Any) -> Iterator[str]:
    """All keys that answers and bodies have."""
    if isinstance(value, dict):
        yield from value.get("properties", {})
        for part in value.values():
            yield from properties(part)


def test_every_key_is_one() -> None:
    known = {*properties(DESCRIPTION), *Http.model_fields, *State.model_fields, *Policy.model_fields, *DECISION}
    named = {span for span in spans() if re.fullmatch(r"[a-z]+(_[a-z]+)+", span)}
    assert len(named) > 15
    assert named - known == set()


def test_every_key_that_can_be_pushed_is_told() -> None:
    assert set(list(PushedQueue.model_fields)[:8]) <= spans()


def test_every_path_is_told_and_there_is_no_other() -> None:
    rows = PAGE[PAGE.index("## What there is") : PAGE.index("## Reading a queue")]
    told = {path.replace("NAME", "{name}") for path in re.findall(r"/v1/[\w./]+|/\w+z\b", rows)}
    assert told == {*(path.replace("{which}", "{name}") for path in DESCRIPTION["paths"]), "/v1/openapi.json"}


def test_every_scope_is_told() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE[: PAGE.index("## What there is")], flags=re.MULTILINE)
    assert rows == list(SCOPES)
    assert len(read_tokens(blocks("tokens")[0])) == 2


def test_the_proxy_leads_to_one_queue_and_says_that_somebody_else_asks() -> None:
    (nginx,) = blocks("nginx")
    assert re.findall(r"location (.*) {", nginx) == ["= /v1/queues/CCX-Support"]
    assert "limit_except PUT" in nginx
    assert "proxy_set_header X-Forwarded-For" in nginx
    assert "proxy_set_header Host $host" in nginx
