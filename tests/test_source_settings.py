"""What of its configuration a source of state is told, and for how long nobody is told that it says nothing."""

from dataclasses import MISSING, fields
from typing import Any, Final

import orjson

from edge_router.config.loading import examine_bytes
from edge_router.config.models import Config
from edge_router.config.state_model import Webex
from edge_router.contact_centre import PATIENCE, StateOfCentre, settings_of
from state_client.feeds.peer import PeerSource
from state_client.webex.secret import SecretFile
from state_client.webex.settings import Settings

TEXT = b'listen: [{name: pstn, address: "127.0.0.10:5060"}]\n'


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_nobody_is_told_for_ten_seconds_that_the_contact_centre_has_not_answered_yet() -> None:
    """`/readyz` says what `degraded` says."""
    assert PATIENCE == 10
    config = configured({"source": "peer", "peers": ["https://edge-1.example.com"]})
    clock = Clock()
    state = StateOfCentre(config, "f", clock)
    clock.now += 9.9
    assert state.degraded == ""
    clock.now += 0.2
    assert state.degraded == "no other gateway has been reached yet"


async def test_what_is_missing_after_the_first_answer_is_told_at_once() -> None:
    state = StateOfCentre(configured({"source": "peer", "peers": ["https://edge-1.example.com"]}), "f", Clock())
    assert isinstance(state._source, PeerSource)
    state._source.seeded.set()
    assert state.degraded == "no other gateway has been reached yet"


def configured(state: dict[str, Any]) -> Config:
    found = examine_bytes(TEXT + b"state: " + orjson.dumps(state) + b"\n", "f")
    assert found.config is not None, found.faults
    return found.config


# ------------------------------------------------------------------------------------------------ what is configured

PLAIN: Final = {
    "api": "https://api.example.com",
    "org_id": "org",
    "client_id": "client",
    "client_secret_file": "client",
    "refresh_token_file": "refresh",
}
SET: Final[dict[str, tuple[Any, dict[str, Any]]]] = {
    "api": ("https://api.example.net", {"api": "https://api.example.net"}),
    "token_url": ("https://example.net/token", {"token_url": "https://example.net/token"}),
    "org_id": ("another", {"org_id": "another"}),
    "client_id": ("another", {"client_id": "another"}),
    "client_secret_file": ("/another", {"client_secret": "/another"}),
    "refresh_token_file": ("/another", {"refresh": "/another"}),
    "webhook": (
        {"url": "http://127.0.0.1:8443/webhooks/webex", "secret_file": "/hook"},
        {
            "webhook_url": "http://127.0.0.1:8443/webhooks/webex",
            "webhook_secret": "/hook",
            "allow_loopback": True,
        },
    ),
    "clock_tolerance": ("7s", {"clock_tolerance": 7.0}),
    "confirm_every": ("8s", {"confirm_every": 8.0}),
    "look_every": ("9s", {"look_every": 9.0}),
    "reconcile_every": ("11m", {"reconcile_every": 660.0}),
    "requests_per_minute": (77, {"requests_per_minute": 77}),
    "estimated_wait": (
        {"queues": ["Support"], "every": "12s", "lookback": "13m"},
        {"estimates": ("Support",), "estimate_every": 12.0, "estimate_lookback": 13},
    ),
    "call_variable": ("Ours", {"call_variable": "Ours"}),
}
"""Each key of `state.webex` at another value than its own, and what of the source's settings it sets."""
ELSEWHERE: Final = {"authorize_url", "redirect_uri", "scopes", "entitlement", "expect_for"}
"""Keys for `webex login`, and for what the router itself makes of the picture."""


def told(**webex: Any) -> dict[str, Any]:
    """All settings of a source by such a configuration; a secret is known by its place."""
    settings = settings_of("edge-7", Webex.model_validate(PLAIN | webex), "/etc/f")
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: each.place if isinstance(each, SecretFile) else each for name, each in values.items()}


def test_each_key_is_told_to_the_source() -> None:
    assert set(SET) | ELSEWHERE == set(Webex.model_fields)
    plain = told()
    assert plain["node"] == "edge-7"
    for key, (value, sets) in SET.items():
        assert all(plain[name] != each for name, each in sets.items()), key
        assert told(**{key: value}) == plain | sets, key


def test_each_setting_is_set_by_a_key() -> None:
    assert {name for _, sets in SET.values() for name in sets} | {"node"} == {each.name for each in fields(Settings)}


def test_without_a_key_a_setting_is_what_the_source_has_of_itself() -> None:
    own = {each.name: each.default for each in fields(Settings) if each.default is not MISSING}
    assert own.items() <= told().items()
