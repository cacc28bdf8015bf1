"""What can be wrong with `state`, and with the files that it names."""

from pathlib import Path

import pytest

from edge_router.config.faults import Kind
from edge_router.config.loading import examine
from edge_router.contact_centre import settings_of
from tests.config.wrong import LISTEN, PEERS, TRUNKS, Wrong, assert_only_fault

WEBEX = """\
  webex:
    api: https://api.wxcc-us1.cisco.com
    org_id: o
    client_id: c
    client_secret_file: client
    refresh_token_file: refresh
"""
HTTP = 'http: {address: "127.0.0.10:8080", webhook_address: "127.0.0.10:8443"}\n'
HOOK = '    webhook: {{url: "{url}", secret_file: hook}}\n'
URL = "https://edge.example.com/webhooks/webex"
LIVE = LISTEN + HTTP + "state:\n  source: webex\n" + WEBEX
"""The state begins in line 3, what is added to webex stands in line 11."""

CASES = [
    Wrong(
        "source webex without webex",
        Kind.MISSING,
        LISTEN + "state: {source: webex}",
        "2:17: state.source: source: webex needs state.webex; add it",
    ),
    Wrong(
        "source peer without peers",
        Kind.MISSING,
        LISTEN + "state: {source: peer}",
        "2:17: state.source: source: peer needs state.peers; add it",
    ),
    Wrong(
        "a static queue beside a live source",
        Kind.CONFLICT,
        LISTEN + 'state: {source: peer, peers: ["https://edge-1:8080"], queues: {Support: {length: 1}}}',
        "2:64: state.queues.Support: beside source: peer only queues that others push may stand here; say source: "
        "pushed, or take the queue out: it comes with the others",
    ),
    Wrong(
        "a peer without TLS elsewhere",
        Kind.VALUE,
        LISTEN + 'state: {source: peer, peers: ["http://edge-1:8080"]}',
        '2:31: state.peers[0]: "http://edge-1:8080" would send secrets in the clear; write https://',
    ),
    Wrong(
        "webhooks without a server",
        Kind.CONFLICT,
        LISTEN + "state:\n  source: webex\n" + WEBEX + HOOK.format(url=URL),
        "10:5: state.webex.webhook: needs the HTTP server that takes the events; add http: with its address",
    ),
    Wrong(
        "webhooks where everything else is",
        Kind.CONFLICT,
        LISTEN + 'http: {address: "127.0.0.10:8080", webhook_address: "127.0.0.10:8080"}',
        "2:53: http.webhook_address: 127.0.0.10:8080 is already the address of everything else; give webhooks their "
        "own, or take this out",
    ),
    Wrong(
        "a webhook with a port",
        Kind.VALUE,
        LIVE + HOOK.format(url="https://edge.acme.com:8443/webhooks/webex"),
        '11:20: state.webex.webhook.url: "https://edge.acme.com:8443/webhooks/webex": the webhook\'s URL must be '
        "https, on port 443: put a TLS proxy in front",
    ),
    Wrong(
        "a webhook with a query",
        Kind.VALUE,
        LIVE + HOOK.format(url=f"{URL}?a=1"),
        f'11:20: state.webex.webhook.url: "{URL}?a=1": the webhook\'s URL must have no user, query or fragment: the '
        "cloud refuses them",
    ),
    Wrong(
        "a lookback that Webex doesn't take",
        Kind.VALUE,
        LIVE + "    estimated_wait: {queues: [Support], lookback: 1m}\n",
        "11:51: state.webex.estimated_wait.lookback: is outside of what Webex takes; write 5m to 240m",
    ),
    Wrong(
        "looks that never rest",
        Kind.VALUE,
        LIVE + "    look_every: 499ms\n",
        "11:17: state.webex.look_every: is out of bounds; write 500ms to 1h, or 0 for never",
    ),
    Wrong(
        "a variable that no flow can have",
        Kind.VALUE,
        LIVE + "    call_variable: Edge-Call\n",
        '11:20: state.webex.call_variable: "Edge-Call" can\'t name a variable of a flow; use letters, digits and _',
    ),
    Wrong(
        "looks that come too late for any call",
        Kind.VALUE,
        LIVE + "    look_every: 3601s\n",
        "11:17: state.webex.look_every: is out of bounds; write 500ms to 1h, or 0 for never",
    ),
    Wrong(
        "a field that queues don't have, of a queue that nobody knows yet",
        Kind.RULE,
        LISTEN
        + TRUNKS
        + PEERS
        + 'state: {source: peer, peers: ["https://edge-1:8080"]}\n'
        + "policies: {p: {rules: [{name: a, when: 'queue(\"Anything\").lenght > 1', to: cloud}]}}",
        '5:40: policies.p.rules[0].when: there is no field of a queue "lenght"; did you mean "length"? '
        "(at character 19)",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_fault(case: Wrong) -> None:
    assert_only_fault(case)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A configuration with source webex, and its secrets."""
    for name in ("client", "refresh", "hook"):
        (tmp_path / name).write_text("0123456789abcdef0123456789abcdef\n")
    path = tmp_path / "edge-router.yaml"
    path.write_text(LIVE + HOOK.format(url=URL))
    return path


def said(path: Path) -> list[str]:
    examined = examine(path)
    return [str(each).removeprefix(f"{path}:") for each in (*examined.faults, *examined.warnings)]


def test_a_live_configuration_is_fine(live: Path) -> None:
    assert said(live) == []


def test_a_rule_may_name_a_queue_that_is_not_known_yet(live: Path) -> None:
    rule = "policies: {p: {rules: [{name: a, when: 'queue(\"Anything\").length > 1', to: cloud}]}}\n"
    live.write_text(live.read_text() + TRUNKS + PEERS + rule)
    assert not [each for each in said(live) if "Anything" in each]
    assert examine(live).config is not None


@pytest.mark.parametrize("name", ["client", "hook"])
def test_a_secret_that_is_not_there(live: Path, name: str) -> None:
    (live.parent / name).unlink()
    (fault,) = said(live)
    assert fault.endswith(f"{name}: can't be read: No such file or directory")


def test_a_webhook_secret_that_the_cloud_would_not_take(live: Path) -> None:
    (live.parent / "hook").write_text("short")
    (fault,) = said(live)
    assert fault.endswith(
        '"hook": the webhook\'s secret must have 32 to 256 characters; make one with `openssl rand -hex 32`'
    )


def test_without_a_refresh_token_one_hears_how_to_get_it(live: Path) -> None:
    (live.parent / "refresh").unlink()
    (warning,) = said(live)
    assert "run `edge-router webex login`" in warning
    assert examine(live).config is not None


def test_a_secret_in_the_environment(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live.write_text(live.read_text().replace("secret_file: hook", 'secret_file: "env:EDGE_TEST_HOOK"'))
    (fault,) = said(live)
    assert "there is no secret in it" in fault
    monkeypatch.setenv("EDGE_TEST_HOOK", "0123456789abcdef0123456789abcdef")
    assert said(live) == []


def test_a_quiet_queue_must_not_be_stale_for_one_missed_confirmation(live: Path) -> None:
    live.write_text(live.read_text().replace("  source: webex", "  source: webex\n  stale_after: 30s"))
    (warning,) = said(live)
    assert "state.stale_after: warning: a quiet queue is confirmed every 20 s only" in warning
    assert "at least 40s" in warning


def test_looks_that_would_use_more_than_their_share_are_told(live: Path) -> None:
    live.write_text(live.read_text() + "    requests_per_minute: 100\n")
    assert said(live) == []  # the default adapts, and nobody has said how often it is to be
    live.write_text(live.read_text() + "    look_every: 2s\n")
    (warning,) = said(live)
    assert "state.webex.look_every: warning: looks take at most a quarter of requests_per_minute" in warning
    assert "with 100 there is one every 2.4 s; write 2.4s or more" in warning
    for fine in ("2.4s", "1h", "0"):
        live.write_text(live.read_text().replace("look_every: 2s", f"look_every: {fine}"))
        assert said(live) == []


@pytest.mark.parametrize(
    ("written", "seconds"), [("", 2.0), ("    look_every: 5s\n", 5.0), ("    look_every: 0\n", 0.0)]
)
def test_how_often_who_waits_is_looked_at_reaches_the_source(live: Path, written: str, seconds: float) -> None:
    live.write_text(live.read_text() + written)
    config = examine(live).config
    assert config is not None
    assert config.state.webex is not None
    assert settings_of(config.node, config.state.webex, str(live)).look_every == seconds


def test_what_is_there_but_not_used_is_told(live: Path) -> None:
    live.write_text(live.read_text().replace("source: webex", "source: static"))
    (warning,) = said(live)
    assert "state.webex: warning: isn't used: source is static" in warning
