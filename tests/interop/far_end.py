"""What tests know of an end, whoever wrote it: a process with an address and a transport, and the calls it has."""

import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.end_to_end.block import Address
from tests.end_to_end.waiting import PATIENCE, until

Transport = Literal["udp", "tcp", "tls"]
Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What an end is started with."""

    name: str
    host: str
    number: str
    tone: int
    transport: Transport
    srtp: bool
    directory: Path
    ca: str
    certificate: str
    key: str

    @property
    def target(self) -> str:
        """As a trunk names it."""
        return f"sip:{self.host};transport={self.transport}"

    @property
    def contact(self) -> str:
        """Where it listens. PJSUA2 would say 127.0.0.1 to who calls it over TCP: it asks the routing table."""
        port = 5061 if self.transport == "tls" else 5060
        return f"sip:{self.number}@{self.host}:{port};transport={self.transport}"


class Talk(ABC):
    """One call as one end has it. Every wait is for a condition, and says what it waited for."""

    end: "FarEnd"

    @abstractmethod
    def answer(self, code: int = 200) -> None: ...

    @abstractmethod
    def hang_up(self) -> None:
        """Ends it: by CANCEL, BYE or, where it rings here, 486."""

    @abstractmethod
    def hold(self) -> None: ...

    @abstractmethod
    def resume(self) -> None: ...

    @abstractmethod
    def rings(self) -> None:
        """Returns when it has heard a 180."""

    @abstractmethod
    def is_up(self) -> None:
        """Returns when it is answered."""

    @abstractmethod
    def is_over(self) -> str:
        """Returns when it has ended: what is said of it."""

    @abstractmethod
    def is_held(self) -> None:
        """Returns when the far end has put it on hold."""

    @abstractmethod
    def hears(self, tone: int) -> None:
        """Returns when this tone, and nothing else, has come for half a second."""

    @abstractmethod
    def press(self, digits: str) -> None:
        """DTMF by RFC 4733."""

    @abstractmethod
    def pressed(self, digit: str) -> Event:
        """Returns when this digit has come."""

    @abstractmethod
    def transfer(self, uri: str) -> None:
        """Blind."""


class FarEnd(ABC):
    """A process, what it says about itself, and what it takes commands by."""

    kind: str
    process: "subprocess.Popen[bytes]"

    def __init__(self, part: Part) -> None:
        self.part = part
        self.pending: list[Event] = []

    @abstractmethod
    def wait_until_ready(self) -> None: ...

    @abstractmethod
    def dial(self, number: str, router: Address) -> Talk: ...

    @abstractmethod
    def incoming(self) -> Talk: ...

    @abstractmethod
    def news(self) -> Iterable[Event]:
        """What it has said since it was asked last."""

    @property
    @abstractmethod
    def log(self) -> Path: ...

    def take(self, what: str, within: float = PATIENCE, **wanted: Any) -> Event:
        """The first event that has these values; the others stay pending."""

        def found() -> Event | None:
            assert self.process.poll() is None, f"{self.part.name} ended with {self.process.returncode}"
            self.pending += self.news()
            for index, event in enumerate(self.pending):
                assert event.get("event") != "broken", event["trace"]
                if wanted.items() <= event.items():
                    return self.pending.pop(index)
            return None

        try:
            return until(found, f"{what} at {self.part.name}", within)
        except AssertionError as error:
            heard = "\n".join(map(str, self.pending))
            raise AssertionError(f"{error}; it said:\n{heard}\n{self.log}:\n{self.story()}") from None

    def story(self) -> str:
        return self.log.read_text(errors="backslashreplace")[-6000:] if self.log.exists() else ""

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
