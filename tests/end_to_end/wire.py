"""A SIP message as text: an own, strict reader, so that a fault of the router's cannot hide behind the same fault here.

`Wire.read` also holds every message that the router sends against what RFC 3261 asks of all of them (`faults`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.end_to_end.block import Address

Header = tuple[str, str]

_NEEDED: Final = ("Via", "From", "To", "Call-ID", "CSeq", "Content-Length")
_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")


@dataclass(slots=True)
class Wire:
    """One message: its start line, its headers in order, its body."""

    start: str
    headers: list[Header]
    body: bytes = b""
    source: Address | None = field(default=None, compare=False)

    @classmethod
    def read(cls, datagram: bytes, source: Address | None = None) -> "Wire":
        """Reads what the router sent. Raises AssertionError on anything that no message of ours may look like."""
        head, gap, body = datagram.partition(b"\r\n\r\n")
        assert gap, f"no empty line after the headers: {datagram!r}"
        lines = head.decode().split("\r\n")
        for line in lines:
            assert not set(line) & set("\r\n\0"), f"bare CR, LF or NUL: {line!r}"
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(": ")
            assert colon, f"not a header line: {line!r}"
            assert _TOKEN.fullmatch(name), f"not a header name: {line!r}"
            headers.append((name, value))
        message = cls(lines[0], headers, body, source)
        found = message.faults()
        assert not found, f"{found}\n{message}"
        return message

    def faults(self) -> list[str]:
        """What no message of a well-behaved user agent lacks (RFC 3261 §8.1.1, §8.2.6, §20)."""
        found = [f"{name} stands {len(self.all(name))} times" for name in _NEEDED[1:] if len(self.all(name)) != 1]
        if self.is_request:
            found += [f"{name} missing" for name in ("Max-Forwards",) if len(self.all(name)) != 1]
            if len(self.all("Via")) != 1 or "branch=z9hG4bK" not in self.get("Via"):
                found.append("not exactly one Via of its own, with the magic cookie")
            if not self.start.endswith(" SIP/2.0"):
                found.append("odd start line")
            if self.get("CSeq").split(" ", 1)[-1] != self.method:
                found.append("CSeq names another method")
            if self.method in ("INVITE", "REFER", "NOTIFY") and len(self.all("Contact")) != 1:
                found.append("no Contact")
        else:
            if self.code > 100 and not tag_of(self.get("To")):
                found.append("no To tag")
            if 200 <= self.code < 300 and self.cseq_method == "INVITE" and len(self.all("Contact")) != 1:
                found.append("no Contact")
        if not tag_of(self.get("From")):
            found.append("no From tag")
        if self.get("Content-Length") != str(len(self.body)):
            found.append(f"Content-Length {self.get('Content-Length')} over a body of {len(self.body)}")
        if bool(self.body) != bool(self.all("Content-Type")):
            found.append("a body without Content-Type, or the other way about")
        return found

    @property
    def is_request(self) -> bool:
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        return self.start.split(" ", 1)[0] if self.is_request else ""

    @property
    def uri(self) -> str:
        assert self.is_request, self.start
        return self.start.split(" ")[1]

    @property
    def code(self) -> int:
        return 0 if self.is_request else int(self.start.split(" ")[1])

    @property
    def reason(self) -> str:
        return self.start.split(" ", 2)[2]

    @property
    def cseq(self) -> int:
        return int(self.get("CSeq").split()[0])

    @property
    def cseq_method(self) -> str:
        return self.get("CSeq").split()[1]

    @property
    def branch(self) -> str:
        found = re.search(r";branch=([^;\s]+)", self.get("Via"))
        return found.group(1) if found else ""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str:
        """The first value of a header, "" where there is none."""
        return next(iter(self.all(name)), "")

    def encode(self) -> bytes:
        """As it goes out: Content-Length is counted unless the message names one itself."""
        headers = list(self.headers)
        if not self.all("Content-Length"):
            headers.append(("Content-Length", str(len(self.body))))
        lines = [self.start, *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body

    def without(self, *names: str) -> "Wire":
        gone = {name.lower() for name in names}
        return Wire(self.start, [header for header in self.headers if header[0].lower() not in gone], self.body)

    def with_headers(self, *headers: Header) -> "Wire":
        """The message with these headers in place of its own of the same names."""
        rest = self.without(*(name for name, _ in headers))
        return Wire(rest.start, [*rest.headers, *headers], rest.body)

    def __str__(self) -> str:
        return self.encode().decode(errors="backslashreplace")


def tag_of(value: str) -> str:
    found = re.search(r";tag=([^;>\s]+)\s*(?:;|$)", value)
    return found.group(1) if found else ""


def uri_of(value: str) -> str:
    """The URI in a name-addr or addr-spec."""
    found = re.search(r"<([^>]*)>", value)
    return found.group(1) if found else value.split(";")[0].strip()


def user_of(uri: str) -> str:
    return uri.removeprefix("sips:").removeprefix("sip:").split("@")[0] if "@" in uri else ""


def host_of(uri: str) -> str:
    """host:port as it stands there, without parameters."""
    return re.split(r"[;?>]", uri.removeprefix("sip:").split("@")[-1])[0]


def sdp(host: str, *, session: int = 1001, version: int = 1, port: int = 40000, extra: Iterable[str] = ()) -> bytes:
    """A plain audio offer or answer, whose o= line says whose it is."""
    lines = [
        "v=0",
        f"o=- {session} {version} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0 101",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        *extra,
    ]
    return ("\r\n".join(lines) + "\r\n").encode()


def origin(body: bytes) -> tuple[str, int, int, str]:
    """username, session id, version, address of the o= line (RFC 4566 §5.2)."""
    found = re.search(rb"^o=(\S+) (\d+) (\d+) IN IP[46] (\S+)\r\n", body, re.MULTILINE)
    assert found, body
    return found[1].decode(), int(found[2]), int(found[3]), found[4].decode()


def beside_origin(body: bytes) -> bytes:
    """The session description without its o= line: what stays when the router owns that line."""
    return re.sub(rb"^o=.*\r\n", b"", body, flags=re.MULTILINE)
