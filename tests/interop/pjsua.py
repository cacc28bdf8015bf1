"""PJSUA2 as a far end: its process, and what it is told and tells by JSON lines."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.end_to_end.block import Address
from tests.interop.far_end import Event, FarEnd, Part, Talk
from tests.interop.measured import Recording

_DRIVER: Final = Path(__file__).parent / "pjsua_driver.py"
CODECS: Final = ["PCMU"]
"""With all that it has, its INVITE passes 1,300 octets, which it won't send by UDP; and where the answer leaves several
it offers again to settle on one, whatever the test is about."""


class PjsuaTalk(Talk):
    def __init__(self, end: "PjsuaEnd", number: int) -> None:
        self.end = self._end = end
        self.number = number
        self._recording: Recording | None = None

    def do(self, command: str, **more: Any) -> Event:
        return self._end.do(command, call=self.number, **more)

    def take(self, event: str, **wanted: Any) -> Event:
        return self.end.take(f"{event} {wanted}", event=event, call=self.number, **wanted)

    def answer(self, code: int = 200) -> None:
        self.do("answer", code=code)

    def hang_up(self) -> None:
        self.do("hangup")

    def refuse(self, code: int) -> None:
        self.do("hangup", code=code)

    def hold(self) -> None:
        self.forget_media()
        self.do("hold")
        self.take("media", status="local hold")

    def resume(self, offer: bool = True) -> None:
        self.forget_media()
        self.do("resume", offer=offer)
        self.take("media", status="active")

    def update(self) -> None:
        self.forget_media()
        self.do("update")
        self.take("media", status="active")

    def codecs(self, *names: str) -> None:
        """What is offered and answered from now on, in this order."""
        self._end.do("codecs", names=names)

    def forget_media(self) -> None:
        """What was said of media so far is no answer to what is asked next."""
        self.end.pending += self.end.news()
        self.end.pending = [event for event in self.end.pending if event.get("event") != "media"]

    def rings(self) -> None:
        self.take("state", state="EARLY", code=180)

    def is_up(self) -> None:
        self.take("state", state="CONFIRMED")

    def is_over(self) -> str:
        event = self.take("state", state="DISCONNECTED")
        return f"{event['code']} {event['reason']}"

    def is_held(self) -> None:
        self.take("media", status="remote hold")

    def media(self, **wanted: Any) -> Event:
        return self.take("media", status="active", **wanted)

    def hears(self, tone: int) -> None:
        self.recording.wait_for_tone(tone)

    def hears_nothing(self) -> None:
        self.recording.wait_for_silence()

    @property
    def recording(self) -> Recording:
        if self._recording is None:
            self._recording = Recording(Path(self.take("recording")["path"]))
        return self._recording

    def press(self, digits: str, by: str = "rfc4733") -> None:
        self.do("dtmf", digits=digits, by=by)

    def pressed(self, digit: str, **wanted: Any) -> Event:
        return self.take("dtmf", digit=digit, **wanted)

    def transfer(self, uri: str) -> None:
        self.do("transfer", to=uri)

    def transfer_to(self, other: "PjsuaTalk") -> None:
        """Attended: by REFER with Replaces."""
        self.do("attended_transfer", to_call=other.number)


class PjsuaEnd(FarEnd):
    kind = "pjsua2"

    def __init__(self, part: Part, prack: str = "no") -> None:
        super().__init__(part)
        settings = {
            "host": part.host,
            "number": part.number,
            "tone": part.tone,
            "transport": part.transport,
            "srtp": "mandatory" if part.srtp else "no",
            "prack": prack,
            "contact": "" if part.name == "carrier" else f"<{part.contact}>",
            "ca": part.ca,
            "certificate": part.certificate,
            "key": part.key,
            "log": str(self.log),
            "recordings": str(part.directory),
        }
        self._asked = 0
        self._heard = b""
        with (part.directory / "pjsua.stderr").open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, str(_DRIVER), json.dumps(settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                bufsize=0,
            )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    @property
    def log(self) -> Path:
        return self.part.directory / "pjsua.log"

    def wait_until_ready(self) -> None:
        self.version: str = self.take("its start", event="ready")["version"]
        self.do("codecs", names=CODECS)

    def do(self, command: str, **arguments: Any) -> Event:
        """Has it done, and hands back what came of it; what it refuses fails."""
        self._asked += 1
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": command, "id": self._asked, **arguments}).encode() + b"\n")
        answer = self.take(f"the answer to {command}", id=self._asked)
        assert "error" not in answer, (command, answer, self.story())
        return answer

    def dial(self, number: str, router: Address, offer: bool = True) -> PjsuaTalk:
        port = 5061 if self.part.transport == "tls" else 5060
        uri = f"sip:{number}@{router[0]}:{port};transport={self.part.transport}"
        return PjsuaTalk(self, self.do("dial", uri=uri, offer=offer)["call"])

    def incoming(self) -> PjsuaTalk:
        return PjsuaTalk(self, self.take("a call", event="incoming")["call"])

    def news(self) -> Iterable[Event]:
        assert self.process.stdout is not None
        while more := self.process.stdout.read(65536):
            self._heard += more
        *lines, self._heard = self._heard.split(b"\n")
        return [json.loads(line) for line in lines]

    def stop(self) -> None:
        super().stop()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
