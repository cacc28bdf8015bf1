"""A block of loopback addresses for each router process: tests run beside each other and beside a demo."""

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

Address = tuple[str, int]
FIRST: Final = 32
"""Blocks begin at 127.32.1.0, above those of demos."""


@dataclass(frozen=True, slots=True)
class Block:
    """127.x.y.0/24, with the parts of the play on the last numbers that the documentation uses too."""

    prefix: str

    def host(self, last: int) -> str:
        return f"{self.prefix}.{last}"

    @property
    def router(self) -> Address:
        return (self.host(10), 5060)

    @property
    def http(self) -> Address:
        return (self.host(10), 8080)

    @property
    def port_of_six(self) -> int:
        """A port at ::1, of which there is only one, that no other block has."""
        _, second, third, *_ = map(int, self.prefix.split("."))
        return 1024 + (second - FIRST) * 256 + third

    @property
    def carrier(self) -> str:
        return self.host(12)

    @property
    def premise(self) -> str:
        return self.host(13)

    @property
    def cloud(self) -> str:
        return self.host(14)

    @property
    def cloud_spare(self) -> str:
        return self.host(15)

    @property
    def stranger(self) -> str:
        return self.host(66)


@contextmanager
def taken_block() -> Iterator[Block]:
    """Holds a block that nobody else holds: the socket bound in it is the lock, gone with its process."""
    for _ in range(1000):
        prefix = f"127.{random.randrange(FIRST, 255)}.{random.randrange(1, 255)}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lock:
            try:
                lock.bind((f"{prefix}.1", 5060))
            except OSError:
                continue
            yield Block(prefix)
            return
    raise AssertionError("no free block of loopback addresses")
