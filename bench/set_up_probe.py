"""How long a device takes from an INVITE's arrival to its own INVITE, seen from outside.

A packet socket on the loopback interface gets every INVITE with the kernel's stamp, as it is put into the receiver's
queue: the same stamp that SO_TIMESTAMPNS would give the receiver. For the INVITE that comes in this is the receive
stamp. For the one that goes out it is when the datagram was sent, since on loopback sendto(2) itself puts it into the
receiver's queue. So no time of either SIPp is in the difference, and nothing has to be asked of the device. A filter in
the kernel lets INVITEs pass and nothing else. The two belong together by the calling number, which each call has of its
own and which crosses every device.
"""

from __future__ import annotations

import ctypes
import socket
import struct
import threading
from dataclasses import dataclass
from types import TracebackType

from bench.process import BenchError

_ETH_P_IP = 0x0800  # bound to this, a packet socket sees what arrives and not what leaves: each datagram once
_SO_TIMESTAMPNS = 35
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SOL_PACKET, _PACKET_STATISTICS = 263, 6
_ROOM = 32 * 1024 * 1024  # octets for datagrams that we haven't looked at yet
_ENOUGH = 2048  # octets of a datagram that may have to be seen up to the From header

# Classic BPF: (operation, jump if true, jump if false, operand). UDP, and the payload starts with "INVI".
_INVITES = (
    (0x30, 0, 0, 9),  # load the protocol of the IP header
    (0x15, 0, 4, socket.IPPROTO_UDP),
    (0xB1, 0, 0, 0),  # X = length of the IP header
    (0x40, 0, 0, 8),  # load four octets behind it and the UDP header
    (0x15, 0, 1, int.from_bytes(b"INVI", "big")),
    (0x06, 0, 0, _ENOUGH),
    (0x06, 0, 0, 0),
)


@dataclass(frozen=True)
class SetUpTimes:
    """ms from INVITE in to INVITE out, over `calls` calls; `missed` were seen only on one side, or not at all."""

    calls: int
    missed: int
    p50: float
    p99: float
    p999: float
    longest: float


class SetUpProbe:
    """Watches one device for as long as the block lasts. Needs the right to open packet sockets, as root has it."""

    def __init__(self, device: str) -> None:
        self._device = socket.inet_aton(device)
        self._arrived: dict[bytes, int] = {}
        self._left: dict[bytes, int] = {}
        self._dropped = 0
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read)

    def __enter__(self) -> SetUpProbe:
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        except PermissionError as refused:
            raise BenchError("set-up times need the right to open packet sockets: run as root") from refused
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _ROOM)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        _attach_filter(self._socket)
        self._socket.bind(("lo", _ETH_P_IP))
        self._socket.settimeout(0.1)
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._reader.join()
        statistics = self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        self._dropped = struct.unpack("=II", statistics)[1]
        self._socket.close()

    def times(self) -> SetUpTimes:
        """What was seen; after the block."""
        both = self._arrived.keys() & self._left.keys()
        taken = sorted((self._left[call] - self._arrived[call]) / 1e6 for call in both)
        if not taken:
            raise BenchError("the probe saw no call on both sides of the device")
        missed = len(self._arrived.keys() ^ self._left.keys()) + self._dropped
        return SetUpTimes(
            calls=len(taken),
            missed=missed,
            p50=percentile(taken, 0.5),
            p99=percentile(taken, 0.99),
            p999=percentile(taken, 0.999),
            longest=taken[-1],
        )

    def _read(self) -> None:
        while True:
            try:
                packet, control, _, _ = self._socket.recvmsg(_ENOUGH, 64)
            except TimeoutError:
                if self._over.is_set():
                    return
                continue
            seconds, ns = struct.unpack("@ll", control[0][2])
            source, destination = packet[12:16], packet[16:20]
            call = _calling_number(packet)
            # Only the first of each: an INVITE that is sent again doesn't restart the clock.
            if destination == self._device:
                self._arrived.setdefault(call, seconds * 1_000_000_000 + ns)
            elif source == self._device:
                self._left.setdefault(call, seconds * 1_000_000_000 + ns)


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that at least this share of the values doesn't exceed."""
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def _calling_number(packet: bytes) -> bytes:
    header = packet.find(b"\r\nFrom:")
    start = packet.find(b"sip:", header) + 4
    return packet[start : packet.find(b"@", start)]


def _attach_filter(packet_socket: socket.socket) -> None:
    program = b"".join(struct.pack("=HBBI", *instruction) for instruction in _INVITES)
    buffer = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HP", len(_INVITES), ctypes.addressof(buffer))  # struct sock_fprog
    packet_socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)
