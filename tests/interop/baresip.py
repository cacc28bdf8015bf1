"""Debian's baresip as a far end: its process, its configuration, and its module ctrl_tcp (JSON in netstrings)."""

import contextlib
import json
import re
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from tests.end_to_end.block import Address
from tests.end_to_end.waiting import until
from tests.interop.far_end import Event, FarEnd, Part, Talk
from tests.interop.measured import Recording, write_tone

_MODULES: Final = "/usr/lib/baresip/modules"
_CONFIGURATION: Final = """\
poll_method          epoll
sip_listen           {host}:5060
sip_certificate      {directory}/identity.pem
sip_cafile           {ca}
call_local_timeout   120
call_max_calls       8
audio_player         aubridge,heard
audio_source         aufile,{directory}/tone.wav
audio_alert          aubridge,alert
ausrc_format         s16
auplay_format        s16
auenc_format         s16
audec_format         s16
audio_buffer         20-160
jitter_buffer_delay  5-10
rtp_ports            {ports}
net_interface        {host}
module_path          {modules}
module               g711.so
module               sndfile.so
module               aufile.so
module               aubridge.so
module               srtp.so
module_tmp           account.so
module_app           menu.so
module_app           ctrl_tcp.so
ctrl_tcp_listen      {host}:4444
snd_path             {directory}
menu_bell            no
ringback_disabled    yes
"""
_ACCOUNT: Final = "<sip:{number}@{host};transport={transport}>;answermode=manual;regint=0{srtp}\n"


class BaresipTalk(Talk):
    """Its one call: commands go to the current one."""

    def __init__(self, end: "BaresipEnd") -> None:
        self.end = self._end = end

    def answer(self, code: int = 200) -> None:
        assert code == 200, "it rings by itself, and has no word for anything else"
        self._end.do("accept")

    def hang_up(self) -> None:
        self._end.do("hangup")

    def hold(self) -> None:
        self._reinvite("hold")

    def resume(self) -> None:
        self._reinvite("resume")

    def reinvite(self) -> None:
        self._reinvite("reinvite")

    def _reinvite(self, command: str) -> None:
        """Returns when its offer is answered."""
        self._end.forget("CALL_REMOTE_SDP")
        self._end.do(command)
        self._end.take("an answer", type="CALL_REMOTE_SDP", param="answer")

    def rings(self) -> None:
        self._end.take("ringing", type="CALL_RINGING")

    def is_up(self) -> None:
        self._end.take("an answer", type="CALL_ESTABLISHED")

    def is_over(self) -> str:
        return str(self._end.take("the end", type="CALL_CLOSED")["param"])

    def is_held(self) -> None:
        """No event says that, but its trace shows what was offered and what it has answered."""
        until(lambda: self._end.last_direction() in ("recvonly", "sendonly"), f"{self._end.part.name} to be held")

    def hears(self, tone: int) -> None:
        """By its own recording. It loses that for good when a re-INVITE has stopped what it hears (issue 1496)."""
        found = until(
            lambda: sorted(self._end.part.directory.glob("dump-*-dec.wav")), f"a recording of {self._end.part.name}"
        )
        Recording(found[-1]).wait_for_tone(tone)

    def echo(self) -> None:
        """From now on it sends back what it hears, in place of its tone."""
        self._end.do("ausrc", "aubridge,heard")

    def play(self) -> None:
        """From now on it sends its tone again."""
        self._end.do("ausrc", f"aufile,{self._end.part.directory}/tone.wav")

    def press(self, digits: str) -> None:
        for digit in digits:
            self._end.do("sndcode", digit)

    def pressed(self, digit: str) -> Event:
        return self._end.take(f"digit {digit}", type="CALL_DTMF_START", param=digit)

    def transfer(self, uri: str) -> None:
        self._end.do("transfer", uri)


class BaresipEnd(FarEnd):
    kind = "baresip"

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self._write_configuration()
        self._asked = 0
        self._heard = b""
        self._control: socket.socket | None = None
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["baresip", "-4", "-v", "-s", "-f", str(part.directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _write_configuration(self) -> None:
        part, directory = self.part, self.part.directory
        identity = Path(part.certificate).read_text() + Path(part.key).read_text()
        (directory / "identity.pem").write_text(identity)
        write_tone(directory / "tone.wav", part.tone, seconds=60)
        # It binds them on every address, so that two that run at once had better not look in the same place: 300 of
        # those there are, three for each of a hundred blocks of addresses.
        block, _, last = part.host.rpartition(".")
        first = 20_000 + 300 * (crc32(block.encode()) % 100) + 100 * (int(last) % 3)
        (directory / "config").write_text(
            _CONFIGURATION.format(
                host=part.host, directory=directory, ca=part.ca, modules=_MODULES, ports=f"{first}-{first + 98}"
            )
        )
        srtp = ";mediaenc=srtp-mand" if part.srtp else ""
        (directory / "accounts").write_text(
            _ACCOUNT.format(number=part.number, host=part.host, transport=part.transport, srtp=srtp)
        )
        (directory / "contacts").write_text("")

    @property
    def log(self) -> Path:
        return self.part.directory / "baresip.log"

    def wait_until_ready(self) -> None:
        def connected() -> socket.socket | None:
            assert self.process.poll() is None, self.story()
            with contextlib.suppress(ConnectionRefusedError):
                return socket.create_connection((self.part.host, 4444), timeout=5)
            return None

        self._control = until(connected, f"baresip at {self.part.host}")
        self._control.setblocking(False)
        found = re.search(r"baresip v(\S+)", self.log.read_text(errors="replace"))
        self.version = found[1] if found else ""

    def do(self, command: str, parameters: str = "") -> None:
        """Has it done; what it refuses fails."""
        assert self._control is not None
        self._asked += 1
        text = json.dumps({"command": command, "params": parameters, "token": str(self._asked)}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))
        answer = self.take(f"the answer to {command}", response=True, token=str(self._asked))
        assert answer["ok"], (command, answer, self.story())

    def dial(self, number: str, router: Address) -> BaresipTalk:
        port = 5061 if self.part.transport == "tls" else 5060
        self.do("dial", f"sip:{number}@{router[0]}:{port}")
        return BaresipTalk(self)

    def incoming(self) -> BaresipTalk:
        self.take("a call", type="CALL_INCOMING")
        return BaresipTalk(self)

    def forget(self, kind: str) -> None:
        self.pending += self.news()
        self.pending = [event for event in self.pending if event.get("type") != kind]

    def last_direction(self) -> str:
        """Of the SDP that its trace shows last."""
        found: list[Any] = re.findall(r"^a=(sendrecv|sendonly|recvonly|inactive)", self.story(), re.MULTILINE)
        return str(found[-1]) if found else ""

    def news(self) -> Iterable[Event]:
        assert self._control is not None
        with contextlib.suppress(BlockingIOError):
            while more := self._control.recv(65536):
                self._heard += more
        found = []
        while (colon := self._heard.find(b":")) > 0 and len(self._heard) > (
            end := colon + 1 + int(self._heard[:colon])
        ):
            found.append(json.loads(self._heard[colon + 1 : end]))
            self._heard = self._heard[end + 1 :]
        return found

    def stop(self) -> None:
        super().stop()
        if self._control is not None:
            self._control.close()
