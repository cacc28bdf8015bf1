"""A router with far ends around it, each with its address, its transport, its tone and its logs."""

import platform
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from tests.end_to_end.authority import Authority
from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.router_process import running_router
from tests.end_to_end.waiting import until
from tests.interop.baresip import BaresipEnd, BaresipTalk
from tests.interop.far_end import FarEnd, Part, Talk, Transport
from tests.interop.pjsua import PjsuaEnd

TONES: Final = {"carrier": 430, "premise": 610, "cloud": 850}
NUMBERS: Final = {"carrier": "+15550001", "premise": "+18005550", "cloud": "+18005559"}
"""Calls to the cloud's number go to the cloud, all others to the premise, whoever calls."""


class Stage:
    def __init__(self, block: Block, directory: Path, stack: ExitStack) -> None:
        self.block = block
        self._directory = directory
        self._stack = stack
        self._authority = Authority(directory)
        self._ends: dict[str, FarEnd] = {}

    # ---------------------------------------------------------------------------------------- ends

    def pjsua(self, name: str, transport: Transport = "udp", *, srtp: bool = False, prack: str = "no") -> PjsuaEnd:
        if sys.version_info >= (3, 13) or platform.machine() != "x86_64" or sys.platform != "linux":
            pytest.skip("there is no wheel of pjsua2-python for this machine's Python")  # pyproject.toml says the same
        end = PjsuaEnd(self._part(name, transport, srtp), prack)
        self._joins(end)
        return end

    def baresip(self, name: str, transport: Transport = "udp", *, srtp: bool = False) -> BaresipEnd:
        end = BaresipEnd(self._part(name, transport, srtp))
        self._joins(end)
        return end

    def end(self, kind: str, name: str, transport: Transport, *, srtp: bool) -> FarEnd:
        if kind == "baresip":
            return self.baresip(name, transport, srtp=srtp)
        return self.pjsua(name, transport, srtp=srtp)

    def _part(self, name: str, transport: Transport, srtp: bool) -> Part:
        host = {"carrier": self.block.carrier, "premise": self.block.premise, "cloud": self.block.cloud}[name]
        directory = self._directory / name
        directory.mkdir()
        certificate, key = self._authority.signs(name, host, f"{name}.example.com")
        ca = self._authority.file
        return Part(name, host, NUMBERS[name], TONES[name], transport, srtp, directory, ca, certificate, key)

    def _joins(self, end: FarEnd) -> None:
        self._ends[end.part.name] = end
        self._stack.callback(end.stop)

    # ---------------------------------------------------------------------------------------- router

    def opens(self, *, mutual: bool = False) -> None:
        """Starts the router over who is there; all are ready when it returns.

        `mutual`: who calls by TLS must have a certificate, and is known by that.
        """
        trunks = {name: self._trunk(end.part, mutual) for name, end in self._ends.items()}
        called = f'call.called == "{NUMBERS["cloud"]}"'
        whole = front_door(
            self.block,
            [{"name": "to the cloud", "when": called, "to": "cloud"}],
            listen=self._listeners(mutual),
            dial_peers=[
                {"name": f"from-{name}", "incoming": {"trunk": name}, "policy": "front-door"}
                for name in ("premise", "cloud")
            ],
            **trunks,
        )
        self.router = self._stack.enter_context(running_router(self.block, whole, self._directory))
        for end in self._ends.values():
            end.wait_until_ready()

    def _trunk(self, part: Part, mutual: bool) -> dict[str, Any]:
        trunk: dict[str, Any] = {"targets": [part.target]}
        if mutual and part.transport == "tls":
            trunk |= {"tls_names": [f"{part.name}.example.com"], "listen": "tls"}
        elif part.name == "carrier" and self._ends[part.name].kind == "baresip":
            # Its connections leave from whatever address the system gives them.
            trunk["sources"] = [f"{part.host}/32", "127.0.0.1/32"]
        return trunk

    def _listeners(self, mutual: bool) -> list[dict[str, Any]]:
        host = self.block.router[0]
        certificate, key = self._authority.signs("edge", host)
        secure = {"certificate": certificate, "private_key": key, "ca": self._authority.file}
        if mutual:
            secure["client_ca"] = self._authority.file
        return [
            {"name": "udp", "transport": "udp", "address": f"{host}:5060"},
            {"name": "tcp", "transport": "tcp", "address": f"{host}:5060"},
            {"name": "tls", "transport": "tls", "address": f"{host}:5061", **secure},
        ]

    # ---------------------------------------------------------------------------------------- calls

    def uri(self, name: str) -> str:
        """The router's, with this end's number: what a transfer names."""
        return f"sip:{NUMBERS[name]}@{self.block.router[0]}"

    def ringing(self, caller: FarEnd, callee: FarEnd) -> tuple[Talk, Talk]:
        calling = caller.dial(callee.part.number, self.block.router)
        called = callee.incoming()
        if callee.kind == "pjsua2":
            called.answer(180)
        calling.rings()
        return calling, called

    def talking(self, caller: FarEnd, callee: FarEnd) -> tuple[Talk, Talk]:
        """From INVITE to ACK."""
        calling, called = self.ringing(caller, callee)
        called.answer()
        calling.is_up()
        called.is_up()
        return calling, called

    def ends(self, one: Talk, other: Talk) -> None:
        """By a BYE from `one`; and nothing is left of it in the router."""
        one.hang_up()
        other.is_over()
        one.is_over()
        self.idle()

    def idle(self) -> None:
        until(lambda: self.router.metric("calls_active") == 0, "calls_active to be 0")
        self.router.check_health()


def both_hear(one: Talk, other: Talk) -> None:
    """Audio arrives, each way, and it is the other's tone."""
    one.hears(other.end.part.tone)
    other.hears(one.end.part.tone)


def both_hear_again(one: Talk, other: Talk) -> None:
    """The same after a re-INVITE, of which one of them at least is PJSUA2.

    What baresip hears it says back then: its recording doesn't come back from a hold.
    """
    for talk, far in ((one, other), (other, one)):
        if isinstance(talk, BaresipTalk):
            talk.echo()
            far.hears(far.end.part.tone)
            talk.play()
        else:
            talk.hears(far.end.part.tone)
