"""The scene of `edge-router demo`: its addresses, its configuration, the cloud, and the callers who are sent there.

The cloud is a simulated Webex Contact Center and a SIP end before it. What is played in the scene is demo.py's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import unquote
from zlib import crc32

from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import parse_name_addr, tag_of
from edge_router.sip.message import Message, Request, Response, parse
from edge_router.sip.sdp import inactive_offer
from edge_router.sip.uri import BadUri, SipUri, parse_uri
from state_client.simulator.script import Script
from state_client.simulator.server import Simulator
from state_client.webex.secret import Secret, SecretFile

if TYPE_CHECKING:
    from collections.abc import Mapping

SPEED: Final = 60.0
"""A minute of an ordinary day is a second of the demo's."""
TIDE: Final = 10.0
"""Seconds from one rush of callers to the next."""
SCRIPT: Final = Script(
    queues=1,
    teams=1,
    agents=16,
    load=0.85,
    swing=1.0,
    swing_period=TIDE * SPEED,
    chat_every=0,
    patience=360.0,
    callback=0.0,  # no event tells of one: he would seem to wait until the next comparison
    sessions=40,  # above this times the surge it refuses calls; the script's own callers are some 35 at most
    surge=1.2,
).faster(SPEED)
"""The contact centre's day: its one queue, Support, fills at each rush and empties after it."""
HELD_BACK: Final = 1.5
"""Seconds that the cloud's events take in a burst: longer than the burst, so that it is decided without them."""
TALK: Final = 2.0
"""Seconds that a caller stays in the cloud whom the carrier has brought there after a 302 or a REFER."""
SIP_PORT, BURST_PORT, HTTP_PORT = 5060, 5070, 8080
SHARE: Final = "    share: "
"""How the line of the configuration begins that keeps a burst from being more than the cloud takes."""

CONFIGURATION: Final = """\
# What `edge-router demo` runs. Copy it, and put in your own addresses and numbers.
#
#   edge-router check -c edge-router.yaml
#   edge-router route -c edge-router.yaml --calling +13035550101 --called +18005550302 --queue Support:length=5
#   edge-router run -c edge-router.yaml

node: edge-demo

listen:
  - {name: pstn, transport: udp, address: "127.0.0.10:5060"}

http:
  address: "127.0.0.10:8080"        # here you can ask for /v1/queues and the like, and the cloud delivers its events

trunks:
  carrier:
    targets: ["sip:127.0.0.12:5060"]
  premise:
    targets: ["sip:127.0.0.13:5060"]
  cloud:
    targets: ["sip:127.0.0.14:5060"]
    correlation: {headers: {X-Edge-Call: call_id}, in_uri: true}        # tells the cloud's flow which call this is

dial_peers:
  - name: from-carrier
    incoming: {trunk: carrier, called: "+1800555...."}
    policy: front-door
  - name: premise
    outgoing: {trunk: premise}
  - name: cloud
    outgoing: {trunk: cloud}

policies:
  front-door:
    rules:
      - name: cloud whoever waits there
        when: call.called == "+18005550200" && trunk("cloud").up
        to: [cloud, premise]
        by: redirect
      - name: nobody should wait so long
        when: queue("Support").longest_wait > 1        # the demo's contact centre makes a second of a minute
        reject: 480
        reason: Temporarily Unavailable
      - name: cloud by 302
        when: call.called == "+18005550302" && queue("Support").expected < 4 && trunk("cloud").up
        to: [cloud, premise]
        by: redirect
      - name: cloud by REFER
        when: call.called == "+18005550303" && queue("Support").expected < 4 && trunk("cloud").up
        to: [cloud, premise]
        by: refer
      - name: cloud by a bridge
        when: queue("Support").expected < 4 && trunk("cloud").up
        to: [cloud, premise]
    otherwise: {to: premise}
    share: {of: cloud, max_concurrent: 10}        # above it the next of `to`: the cloud never has to refuse a call

state:
  source: webex
  webex:
    api: "http://127.0.0.14:8080"        # the simulated one; yours is https://api.wxcc-us1.cisco.com for instance
    token_url: "http://127.0.0.14:8080/v1/access_token"        # leave this line out for the true one
    org_id: ORGANISATION
    client_id: simulated-client
    client_secret_file: client-secret
    refresh_token_file: refresh-token
    webhook: {url: "http://127.0.0.10:8080/webhooks/webex", secret_file: webhook-secret}
    call_variable: EdgeCall        # where the flow keeps what X-Edge-Call has brought
    confirm_every: 2s        # this and the next two lines: for a contact centre that is sixty times as fast as yours
    reconcile_every: 5s
    expect_for: 4s           # so long a call that was sent there counts in `expected` while the cloud doesn't show it
"""


class CannotRun(Exception):
    """The demo can't be played on this machine; says why."""


class Places:
    """The demo's addresses, in a loopback network where nobody listens.

    As long as they are not closed, other demos keep off this network.
    """

    def __init__(self) -> None:
        """Find them; raises CannotRun."""
        for third in range(10, 60):
            self._network = f"127.0.{third}."
            self._claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._claim.bind((f"{self._network}1", SIP_PORT))  # nobody sends there
                self._try()
            except OSError:
                self.close()
            else:
                return
        raise CannotRun("no free loopback addresses: 127.0.10.x to 127.0.59.x are all in use, or can't be bound")

    @property
    def router(self) -> str:
        """The router's IP address."""
        return f"{self._network}10"

    @property
    def carrier(self) -> str:
        """The carrier's IP address."""
        return f"{self._network}12"

    @property
    def premise(self) -> str:
        """The premise's IP address."""
        return f"{self._network}13"

    @property
    def cloud(self) -> str:
        """The cloud's IP address."""
        return f"{self._network}14"

    def configuration(self, share: bool = True) -> str:
        """The router's configuration at these addresses, with the policy's share of the cloud or without."""
        text = CONFIGURATION.replace("127.0.0.", self._network)
        return text if share else "".join(line for line in text.splitlines(True) if not line.startswith(SHARE))

    def write(self, directory: Path, organisation: str, share: bool = True) -> Path:
        """Write the configuration and its secrets, readable by us alone; gives its path. Raises SecretError."""
        for name, secret in (
            ("client-secret", "simulated-secret"),
            ("refresh-token", "simulated-refresh-token"),
            ("webhook-secret", secrets.token_hex(16)),
        ):
            SecretFile(directory / name).write(Secret(secret))
        file = directory / "edge-router.yaml"
        file.write_text(self.configuration(share).replace("ORGANISATION", organisation))
        return file

    def close(self) -> None:
        """Let others have the network."""
        self._claim.close()

    def _try(self) -> None:
        """Raises OSError where an address is taken."""
        places = [(socket.SOCK_DGRAM, host, SIP_PORT) for host in (self.router, self.carrier, self.premise, self.cloud)]
        places.append((socket.SOCK_DGRAM, self.carrier, BURST_PORT))
        places += [(socket.SOCK_STREAM, host, HTTP_PORT) for host in (self.router, self.cloud)]
        for kind, host, port in places:
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == socket.SOCK_STREAM:  # connections of the demo before that linger are no hindrance
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))


# ------------------------------------------------------------------------------------------------ the cloud


class Cloud:
    """A simulated Webex Contact Center: the script's callers, and those that the router sends."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._simulator = Simulator(SCRIPT, lag=3.0 / SPEED, warm_up=TIDE)
        self._end = CloudEnd(self)

    @property
    def organisation(self) -> str:
        """The organisation's id."""
        return self._simulator.cloud.org_id

    async def start(self) -> None:
        """Live, and answer by HTTP and by SIP; raises OSError."""
        await self._simulator.start(self._host, HTTP_PORT)
        await self._end.open(self._host, SIP_PORT)

    async def close(self) -> None:
        """End. What goes on in it ends as well."""
        self._end.close()
        await self._simulator.close()

    @property
    def refused(self) -> int:
        """How many calls it had to refuse, whoever's."""
        return self._simulator.cloud.world.calls.refused

    def hold_back(self, seconds: float) -> None:
        """Events take so long from now on."""
        delivery = self._simulator.cloud.delivery
        delivery.disturbance = replace(delivery.disturbance, late=1.0 if seconds else 0.0, late_secs=seconds)

    def call(self, calling: str, called: str, headers: Mapping[str, str]) -> str | None:
        """Somebody is in the queue now, until he hangs up. Gives the task's id, None if he is one too many."""
        cloud = self._simulator.cloud
        cloud.advance()
        task = cloud.world.call(next(iter(cloud.world.centre.queues.values())), calling, called, headers=headers)
        cloud.advance()
        return task.id if task is not None else None

    def hang_up(self, task: str) -> None:
        """He hangs up."""
        cloud = self._simulator.cloud
        cloud.advance()
        cloud.world.hang_up(task)
        cloud.advance()


NEEDED: Final = frozenset({"via", "from", "to", "call-id", "cseq"})
"""What every message has (RFC 3261 §8.1.1)."""


class SipEnd(asyncio.DatagramProtocol):
    """A SIP end without timers: on loopback nothing is lost."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport
        self.host = ""
        self.port = 0

    async def open(self, host: str, port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError."""
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, (host, port))
        self.host, self.port = self._transport.get_extra_info("sockname")[:2]

    def close(self) -> None:
        """Listen no longer."""
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, datagram: bytes, source: tuple[str, int]) -> None:
        """Read a message; what can't be read is dropped."""
        with contextlib.suppress(BadMessage, BadUri):
            message = parse(datagram)
            if message.first.keys() >= NEEDED:
                self.received(message, source)

    def received(self, message: Request | Response, source: tuple[str, int]) -> None:
        """Do what is to be done."""
        raise NotImplementedError

    def send(self, message: Message, to: tuple[str, int]) -> None:
        """Send it, unless the play is over."""
        if not self._transport.is_closing():
            self._transport.sendto(message.serialise(), to)

    def offer(self, message: Message, user: str) -> None:
        """Say where we are; the audio is inactive, for nobody talks."""
        message.add("contact", f"<sip:{user}@{self.host}:{self.port}>")
        message.add("content-type", "application/sdp")
        message.body = inactive_offer(self.host, 1)


class CloudEnd(SipEnd):
    """The cloud's SIP end: answers each call at once, as a menu does. A call is a task as long as it lasts.

    Those that the entitlement has no room for get 503. Which code the true cloud says is written nowhere.
    """

    def __init__(self, cloud: Cloud) -> None:
        super().__init__()
        self._cloud = cloud
        self._tasks: dict[str, str] = {}  # by Call-ID

    def received(self, message: Request | Response, source: tuple[str, int]) -> None:
        """Answer all but an ACK."""
        if not isinstance(message, Request) or message.method == "ACK":
            return
        call, to = message.first["call-id"], message.first["to"]
        taken = message.method != "INVITE" or self._takes(call, message)
        answer = Response(200, "OK") if taken else Response(503, "Service Unavailable")
        for key, value in message.fields:
            if key in ("via", "from", "call-id", "cseq"):
                answer.add(key, value)
        answer.add("to", to if tag_of(to) else f"{to};tag={crc32(call.encode()):08x}")
        if message.method == "INVITE" and taken:
            self.offer(answer, "entry-point")
        elif message.method == "BYE" and call in self._tasks:
            self._cloud.hang_up(self._tasks.pop(call))
        self.send(answer, source)

    def _takes(self, call: str, invite: Request) -> bool:
        """Whether there is room for this call, or it is here already."""
        headers = {key: value for key, value in invite.fields if key.startswith("x-")}
        calling, called = user_of(invite.first["from"]), user_of(invite.first["to"])
        task = self._tasks.get(call) or self._cloud.call(calling, called, headers)
        if task is None:
            return False
        self._tasks[call] = task
        return True


class SentOn(SipEnd):
    """The carrier's callers who were redirected or REFERred: they call where they were sent, talk, and hang up."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)

    def call(self, calling: str, uri: str) -> None:
        """Call a sip: URI; what headers it has go into the INVITE (RFC 3261 §19.1.5). Raises BadUri."""
        number = next(self._numbers)
        uri, _, headers = uri.partition("?")
        invite = Request("INVITE", uri)
        invite.add("via", self._via())
        invite.add("max-forwards", "70")
        invite.add("from", f"<sip:{calling}@{self.host}>;tag={number}")
        invite.add("to", f"<{uri}>")
        invite.add("call-id", f"{number}-{secrets.token_hex(8)}@{self.host}")
        invite.add("cseq", "1 INVITE")
        for name, _, value in (pair.partition("=") for pair in headers.split("&") if pair):
            invite.add(unquote(name).lower(), unquote(value))
        self.offer(invite, calling)
        place = parse_uri(uri)
        if isinstance(place, SipUri):
            self.send(invite, (place.host, place.port or SIP_PORT))

    def received(self, message: Request | Response, source: tuple[str, int]) -> None:
        """Talk to who answers."""
        if isinstance(message, Response) and message.first["cseq"] == "1 INVITE" and message.code == 200:
            self._say("ACK", 1, message, source)
            asyncio.get_running_loop().call_later(TALK, self._say, "BYE", 2, message, source)

    def _say(self, method: str, number: int, answer: Response, to: tuple[str, int]) -> None:
        _, uri, _ = parse_name_addr(answer.first["contact"], "Contact")
        request = Request(method, uri)
        request.add("via", self._via())
        request.add("max-forwards", "70")
        for key in ("from", "to", "call-id"):
            request.add(key, answer.first[key])
        request.add("cseq", f"{number} {method}")
        self.send(request, to)

    def _via(self) -> str:
        return f"SIP/2.0/UDP {self.host}:{self.port};branch=z9hG4bK{secrets.token_hex(8)}"


def user_of(address: str) -> str:
    """The number in a From or To."""
    _, uri, _ = parse_name_addr(address, "address")
    return parse_uri(uri).user or ""
