"""What a bridged call costs over TCP, beside the same over UDP; and whether TLS handshakes stall calls."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

import trustme

from bench import sipp
from bench.accounting import cpu_seconds, machine_cpu_seconds
from bench.contenders import Router
from bench.load import Range
from bench.places import Places
from bench.process import Process
from bench.series import QUIET
from bench.set_up_probe import SetUpProbe, SetUpTimes

_WARM_UP = 2.0  # s
_TLS_PORT = 5061
_KEYS = {"ecdsa": trustme.KeyType.ECDSA, "rsa": trustme.KeyType.RSA}


class ByTcp(Router):
    """The router with one TCP listener, and both trunks reached by TCP."""

    name = "edge-router TCP"

    def adapt(self, config: dict[str, Any], scratch: Path) -> None:
        config["listen"][0]["transport"] = "tcp"
        for trunk in config["trunks"].values():
            trunk["targets"] = [f"{target};transport=tcp" for target in trunk["targets"]]


class WithTls(Router):
    """The router with a TLS listener beside that of UDP, which asks for certificates."""

    name = "edge-router TLS"
    key: ClassVar[str] = "ecdsa"

    def adapt(self, config: dict[str, Any], scratch: Path) -> None:
        authority = trustme.CA(key_type=_KEYS[self.key])
        authority.cert_pem.write_to_path(str(scratch / "ca.pem"))
        for name, host in (("edge", self.address), ("peer", self.places.prober)):
            made = authority.issue_cert(host, key_type=_KEYS[self.key])
            made.private_key_and_cert_chain_pem.write_to_path(str(scratch / f"{name}.pem"))
        edge, ca = str(scratch / "edge.pem"), str(scratch / "ca.pem")
        listen = {"name": "tls", "transport": "tls", "address": f"{self.address}:{_TLS_PORT}", "client_ca": ca}
        config["listen"].append({**listen, "certificate": edge, "private_key": edge, "ca": ca})
        config["trunks"]["cloud"]["sources"] = [self.places.prober]


def compare(places: Places, scratch: Path, rate: int, seconds: float, pairs: int, python: str | None) -> str:
    """CPU of a call by each transport, loaded in turn; each is charged with all up to its next load."""
    devices = {"udp": Router(places, 0), "tcp": ByTcp(places, 1)}
    costs: dict[str, list[float]] = {transport: [] for transport in devices}
    marks: dict[str, tuple[float, int]] = {}
    failed, began, used = 0, time.monotonic(), machine_cpu_seconds()
    with ExitStack() as stack:
        grounds: dict[str, tuple[Range, Process]] = {}
        for transport, device in devices.items():
            _run_with(device, python)
            ground = Range(places, scratch, stack.enter_context(sipp.premise(places, scratch, transport)), transport)
            grounds[transport] = ground, stack.enter_context(device.running(scratch))

        def charge(transport: str) -> None:
            now = cpu_seconds(grounds[transport][1].tree())
            before, calls = marks.get(transport, (now, 0))
            if calls:
                costs[transport].append((now - before) / calls * 1e6)
            marks[transport] = now, 0

        for turn in range(pairs + 1):
            for transport, (ground, process) in grounds.items():
                charge(transport)
                length = seconds if turn else _WARM_UP
                load = ground.load(process, devices[transport].address, sipp.BRIDGED, rate, length)
                failed += load.failed
                marks[transport] = marks[transport][0], load.attempted if turn else 0
        time.sleep(QUIET)  # what the last calls still cost
        for transport in grounds:
            charge(transport)
    ratio = median(tcp / udp for udp, tcp in zip(costs["udp"], costs["tcp"], strict=True))
    busy = (machine_cpu_seconds() - used) / (time.monotonic() - began)
    udp, tcp = median(costs["udp"]), median(costs["tcp"])
    return (
        f"a bridged call at {rate}/s: UDP {udp:.0f} µs, TCP {tcp:.0f} µs, {ratio:.2f} of UDP (goal 1.30);"
        f" failed {failed}; the machine used {busy:.2f} cores"
    )


def handshakes(
    places: Places, scratch: Path, rate: int, calls: int, seconds: float, key: str, python: str | None
) -> list[str]:
    """How long the set-up of UDP calls takes, without handshakes and while so many come a second."""
    device = WithTls(places, 2)
    device.__class__.key = key
    _run_with(device, python)
    lines = []
    with sipp.premise(places, scratch) as premise, device.running(scratch) as process:
        ground = Range(places, scratch, premise)
        ground.load(process, device.address, sipp.BRIDGED, calls, _WARM_UP)
        for each in (0, rate):
            with SetUpProbe(device.address) as probe, _shaking(device, scratch, each) as made:
                load = ground.load(process, device.address, sipp.BRIDGED, calls, seconds)
            lines.append(
                f"{key}, {each} handshakes a second asked for, {made() / load.seconds:.0f} made:"
                f" {_told(probe.times())}; {load.device_cores:.2f} of a core, others {load.others_cores:.2f};"
                f" failed {load.failed} of {load.attempted}"
            )
    return lines


def _told(times: SetUpTimes) -> str:
    return f"set-up p50 {times.p50:.2f} ms, p99 {times.p99:.2f} ms (goal 20), p99.9 {times.p999:.2f} ms"


def _run_with(device: Router, python: str | None) -> None:
    if python is not None:
        device.__class__.python = python


@contextmanager
def _shaking(device: Router, scratch: Path, rate: int) -> Iterator[Callable[[], int]]:
    """So many new connections a second with mutual TLS, each closed once it is there; gives how many there were."""
    over, made = threading.Event(), [0]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(scratch / "ca.pem")
    context.load_cert_chain(scratch / "peer.pem")

    async def shake() -> None:
        with_him = (device.address, _TLS_PORT)
        local = (device.places.prober, 0)
        _, writer = await asyncio.open_connection(*with_him, ssl=context, local_addr=local, server_hostname=with_him[0])
        made[0] += 1
        writer.close()
        await writer.wait_closed()

    async def go_on() -> None:
        began, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as under_way:
            while not over.is_set():
                number += 1
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                under_way.create_task(shake())

    thread = threading.Thread(target=lambda: asyncio.run(go_on()))
    if rate:
        thread.start()
    try:
        yield lambda: made[0]
    finally:
        over.set()
        if rate:
            thread.join()
