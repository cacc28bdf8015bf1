"""The router that follows a simulated contact centre: how it is configured, and what it says of its state."""

from __future__ import annotations

import json
import re
import urllib.request
from collections import Counter
from pathlib import Path

import yaml

from bench.contenders import Router
from bench.live_centre import SECRET, Centre, Layout
from bench.places import HTTP_PORT, SIP_PORT, Places

WEBHOOK_PORT = 8443
_KNOWN = re.compile(r"state is known after ([\d.]+) s")
_EVENTS = re.compile(r'edge_router_state_events_total\{result="([a-z]+)",type="[^"]*"\} ([\d.e+]+)')


class LiveRouter(Router):
    """The router as `make compiled` makes it, on live state.

    The carrier's calls read the state of a queue in which somebody waits, and are bridged to the premise. Those of the
    prober are redirected: to the cloud while nobody waits in the watched queue, and else to the premise.
    """

    name = "edge-router live"

    def __init__(self, places: Places, number: int, centre: Centre, layout: Layout) -> None:
        super().__init__(places, number)
        self._centre = centre
        self._layout = layout

    @property
    def webhook(self) -> str:
        """Where the cloud posts: an address that serves nothing else, as docs/webex.md advises."""
        return f"http://{self.address}:{WEBHOOK_PORT}/webhooks/webex"

    def command(self, scratch: Path) -> list[str]:
        said = self._centre.said
        for name, value in (
            ("client", said["client_secret"]),
            ("refresh", said["refresh_token"]),
            ("webhook", SECRET),
        ):
            (scratch / name).write_text(value)
        configuration = scratch / "live.yaml"
        configuration.write_text(yaml.safe_dump(self._configuration(said), sort_keys=False))
        return [self.python, "-E", "-P", "-m", "edge_router", "run", "-c", str(configuration)]

    def known_after(self, scratch: Path) -> float | None:
        """Seconds from the start of the seed until the state was known, None while it isn't."""
        found = _KNOWN.search((scratch / f"{self.name.replace(' ', '-')}.log").read_text())
        return float(found[1]) if found else None

    def count(self, what: str) -> int:
        """How many queues, agents or tasks it knows."""
        with urllib.request.urlopen(f"http://{self.address}:{HTTP_PORT}/v1/{what}", timeout=30) as answer:
            return len({each["id"] for each in json.loads(answer.read())[what]})

    def events(self) -> Counter[str]:
        """How many events had which result since the start, all types together."""
        with urllib.request.urlopen(f"http://{self.address}:{HTTP_PORT}/metrics", timeout=30) as answer:
            return results_in(answer.read().decode())

    def _configuration(self, said: dict[str, str]) -> dict[str, object]:
        places, layout = self.places, self._layout
        trunks = {
            "carrier": places.carrier,
            "prober": places.prober,
            "premise": places.premise,
            "cloud": places.cloud,
        }
        empty = f'queue("{layout.watched_name}").length == 0'
        watching = [
            {"name": "nobody waits", "when": empty, "to": "cloud", "by": "redirect"},
            {"name": "somebody waits", "to": "premise", "by": "redirect"},
        ]
        door = {"name": "nobody waits", "when": f'queue("{layout.busy_name}").length == 0', "to": "cloud"}
        return {
            "node": "bench",
            "listen": [{"name": "pstn", "transport": "udp", "address": f"{self.address}:{SIP_PORT}"}],
            "http": {
                "address": f"{self.address}:{HTTP_PORT}",
                "webhook_address": f"{self.address}:{WEBHOOK_PORT}",
                "open": ["metrics", "healthz", "readyz"],
            },
            "trunks": {name: {"targets": [f"sip:{host}:{SIP_PORT}"]} for name, host in trunks.items()},
            "dial_peers": [
                {"name": "from-carrier", "incoming": {"trunk": "carrier"}, "policy": "front-door"},
                {"name": "from-prober", "incoming": {"trunk": "prober"}, "policy": "watching"},
                {"name": "premise", "outgoing": {"trunk": "premise"}},
                {"name": "cloud", "outgoing": {"trunk": "cloud"}},
            ],
            "policies": {
                "front-door": {"rules": [door], "otherwise": {"to": "premise"}},
                "watching": {"rules": watching, "otherwise": {"to": "premise"}},
            },
            "state": {
                "source": "webex",
                "webex": {
                    **{name: said[name] for name in ("api", "token_url", "org_id", "client_id")},
                    "client_secret_file": "client",
                    "refresh_token_file": "refresh",
                    "webhook": {"url": self.webhook, "secret_file": "webhook"},
                },
            },
            "log": {"level": "info"},
        }


def results_in(exposition: str) -> Counter[str]:
    """The events by their result, out of the text of /metrics."""
    found: Counter[str] = Counter()
    for result, value in _EVENTS.findall(exposition):
        found[result] += int(float(value))
    return found
