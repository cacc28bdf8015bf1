"""The devices under test: how each is configured and started, and when it is ready."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import yaml

from bench.places import HTTP_PORT, SIP_PORT, Places, bound_udp
from bench.process import Process

_ROOT = Path(__file__).parents[1]


class Contender(ABC):
    """One device under test. `number` makes its address its own; the ends are the same for all."""

    name: ClassVar[str]

    def __init__(self, places: Places, number: int) -> None:
        self.places = places
        self.address = places.device(number)

    @abstractmethod
    def command(self, scratch: Path) -> list[str]:
        """Write what it needs into `scratch` and give the command that runs it in the foreground."""

    def environment(self) -> dict[str, str]:
        return {}

    def ready(self) -> bool:
        return (self.address, SIP_PORT) in bound_udp()

    @contextmanager
    def running(self, scratch: Path) -> Iterator[Process]:
        """The device, ready; stopped at the end."""
        log = scratch / f"{self.name.replace(' ', '-')}.log"
        with Process(self.command(scratch), log, self.environment()) as process:
            process.wait_until(self.ready)
            yield process


# ---------------------------------------------------------------------------------------------- the router

_ROUTER = """\
node: bench
listen:
  - {{name: pstn, transport: udp, address: "{address}:{sip}"}}
http: {{address: "{address}:{http}", open: [metrics, healthz, readyz]}}
trunks:
  carrier:
    targets: ["sip:{carrier}:{sip}"]
  premise:
    targets: ["sip:{premise}:{sip}"]
  cloud:
    targets: ["sip:{cloud}:{sip}"]
dial_peers:
  - name: from-carrier
    incoming: {{trunk: carrier, called: "+1800555...."}}
    policy: front-door
  - name: premise
    outgoing: {{trunk: premise, called: "+1800555...."}}
  - name: cloud
    outgoing: {{trunk: cloud}}
policies:
  front-door:
    rules:
      - name: cloud while its queue is empty
        when: queue("Support").expected == 0 && trunk("cloud").up
        to: [cloud]
        by: redirect
    otherwise: {{to: premise}}
state:
  source: static
  queues:
    Support: {{length: {length}, longest_wait: 0, agents_available: 3}}
log: {{level: warning}}
"""


class Router(Contender):
    """This project's router, bridging each call to the premise because its policy's rule doesn't hold.

    As `make compiled` makes it, which is what the image holds; `Interpreted` is the same sources without a compiler.
    """

    name = "edge-router"
    queue_length = 1  # the rule reads it and doesn't hold, so `otherwise` takes the call
    python: ClassVar[str] = str(_ROOT / ".venv-compiled/bin/python")

    def command(self, scratch: Path) -> list[str]:
        configuration = scratch / f"{self.name}.yaml"
        text = _ROUTER.format(
            address=self.address,
            sip=SIP_PORT,
            http=HTTP_PORT,
            carrier=self.places.carrier,
            premise=self.places.premise,
            cloud=self.places.cloud,
            length=self.queue_length,
        )
        config = yaml.safe_load(text)
        self.adapt(config, scratch)
        configuration.write_text(yaml.safe_dump(config, sort_keys=False))
        # -E, -P: what is installed there, not sources that PYTHONPATH or the working directory name.
        return [self.python, "-E", "-P", "-m", "edge_router", "run", "-c", str(configuration)]

    def adapt(self, config: dict[str, Any], scratch: Path) -> None:
        """Make of the configuration what this device is to run with; files that it names go into `scratch`."""

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}:{HTTP_PORT}/readyz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def gauges(self) -> dict[str, float]:
        """What its /metrics says it holds now, by metric name, summed over labels."""
        with urllib.request.urlopen(f"http://{self.address}:{HTTP_PORT}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        found: dict[str, float] = {}
        for line in text.splitlines():
            if line.startswith("edge_router_"):
                name, _, value = line.rpartition(" ")
                name = name.partition("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
        return found


class RedirectingRouter(Router):
    """The same, but the queue is empty: each call gets a 302 to the cloud."""

    name = "edge-router 302"
    queue_length = 0


class Interpreted(Router):
    """This working tree's sources as they are, in plain Python."""

    name = "interpreted"
    python = sys.executable

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(_ROOT)}


class RedirectingInterpreted(Interpreted):
    """The same, redirecting."""

    name = "interpreted 302"
    queue_length = 0


# ---------------------------------------------------------------------------------------------- Kamailio

_KAMAILIO = """\
debug=-1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
listen=udp:{address}:{sip}
maxbuffer=4194304
dns=no
rev_dns=no
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
{modules}

request_route {{
{route}
}}
"""

_RELAY = """\
    if (loose_route()) {
        t_relay();
        exit;
    }
    if (is_method("CANCEL")) {
        if (t_check_trans()) {
            t_relay();
        }
        exit;
    }
    if (is_method("ACK")) {
        exit;
    }
    record_route();
    $du = "sip:%s:%d";
    t_relay();"""

_REDIRECT = """\
    if (is_method("ACK")) {
        exit;
    }
    append_to_reply("Contact: <sip:$rU@%s:%d>\\r\\n");
    sl_send_reply("302", "Moved Temporarily");"""


class Kamailio(Contender):
    """Kamailio as a stateful proxy: tm, rr and record_route, one UDP child."""

    name = "Kamailio"
    modules: ClassVar[tuple[str, ...]] = ("tm", "rr", "pv", "textops")

    def route(self) -> str:
        return _RELAY % (self.places.premise, SIP_PORT)

    def command(self, scratch: Path) -> list[str]:
        configuration = scratch / f"{self.name}.cfg"
        modules = "\n".join(f'loadmodule "{module}.so"' for module in self.modules)
        configuration.write_text(
            _KAMAILIO.format(address=self.address, sip=SIP_PORT, modules=modules, route=self.route())
        )
        runtime = scratch / f"{self.name}.run"
        runtime.mkdir(exist_ok=True)
        # -DD -E: in the foreground, log to stderr. -m, -M: MB of shared memory and of each process.
        return ["kamailio", "-DD", "-E", "-f", str(configuration), "-Y", str(runtime), "-m", "1024", "-M", "16"]


class RedirectingKamailio(Kamailio):
    """Kamailio that answers each INVITE with a 302 and keeps nothing of it.

    Its Contact is appended as text: a third cheaper than to rewrite the Request-URI and have it made of that.
    """

    name = "Kamailio 302"
    modules = ("sl", "pv", "textops")

    def route(self) -> str:
        return _REDIRECT % (self.places.cloud, SIP_PORT)


# ---------------------------------------------------------------------------------------------- Sippy B2BUA


class Sippy(Contender):
    """Sippy B2BUA, its b2bua_simple as it comes: every call goes to one next hop. Without its log, which costs much."""

    name = "Sippy B2BUA"

    def command(self, scratch: Path) -> list[str]:
        program = [sys.executable, "-m", "sippy.b2bua_simple", "-f"]
        return [*program, "-l", self.address, "-p", str(SIP_PORT), "-n", f"{self.places.premise}:{SIP_PORT}"]

    def environment(self) -> dict[str, str]:
        return {"SIPLOG_BEND": "none"}
