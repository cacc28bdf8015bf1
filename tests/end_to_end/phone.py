"""A SIP end on UDP that says exactly what it is told and keeps everything it hears."""

import contextlib
import select
import socket
import time
from collections.abc import Callable

from tests.end_to_end.block import Address
from tests.end_to_end.waiting import PATIENCE, until
from tests.end_to_end.wire import Wire


class Phone:
    """One bound UDP socket. What nobody asked for yet waits in `pending`, in the order it came."""

    transport = "UDP"

    def __init__(self, host: str, port: int = 0) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self._socket.setblocking(False)
        bound, self.port = self._socket.getsockname()[:2]
        self.host = f"[{bound}]" if ":" in bound else bound  # as it stands in a URI
        self.pending: list[Wire] = []

    def close(self) -> None:
        self._socket.close()

    def send(self, message: Wire | bytes, to: Address) -> None:
        self._socket.sendto(message.encode() if isinstance(message, Wire) else message, to)

    def receive(self, wanted: Callable[[Wire], bool], what: str, within: float = PATIENCE) -> Wire:
        """The first message that `wanted` holds for; the others stay pending."""
        deadline = time.monotonic() + within
        while True:
            self._collect()
            for index, message in enumerate(self.pending):
                if wanted(message):
                    return self.pending.pop(index)
            rest = deadline - time.monotonic()
            if rest <= 0:
                heard = "\n\n".join(map(str, self.pending)) or "nothing"
                raise AssertionError(f"{self.host} waited {within:g} s for {what} and heard:\n{heard}")
            select.select([self._socket], [], [], rest)

    def datagrams(self) -> list[bytes]:
        """Everything that is here by now, unread: for answers to requests that no reader could make sense of."""
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._socket.recv(65535))
        return found

    def raw_answer(self, request: Wire) -> bytes:
        """The first datagram that names this request's branch, unread."""
        branch = request.branch.encode()
        return until(
            lambda: next((datagram for datagram in self.datagrams() if branch in datagram), None),
            f"an answer to {request.start}",
        )

    def heard(self) -> list[Wire]:
        """Everything that is here by now and that nobody took."""
        self._collect()
        return self.pending

    def _collect(self) -> None:
        while True:
            try:
                datagram, source = self._socket.recvfrom(65535)
            except BlockingIOError:
                return
            self.pending.append(Wire.read(datagram, source[:2]))
