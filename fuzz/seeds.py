"""Where fuzzing begins: the torture messages, what the SIPp scenarios send, and what was once found."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOUND: Final = ROOT / "tests" / "data" / "fuzz"
"""A folder for each target: one file for each case that was found and mended."""

_SENT: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_KEYWORD: Final = re.compile(r"\[([^\]]*)\]")
_VALUES: Final = {
    "service": "+18005550100", "transport": "UDP", "call_id": "1-2@127.0.0.1", "branch": "z9hG4bK-1-2-3",
    "local_ip_type": "4", "media_ip_type": "4", "last_via": "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1",
    "last_from": "From: <sip:a@127.0.0.1>;tag=1", "last_to": "To: <sip:b@127.0.0.1>", "last_cseq": "CSeq: 1 INVITE",
    "last_call-id": "Call-ID: 1-2@127.0.0.1", "peer_tag_param": ";tag=2", "next_url": "sip:127.0.0.1:5060",
}  # fmt: skip
_URIS: Final = (
    "sip:h", "sips:alice:secret@[2001:db8::9:1]:5061;transport=tls;lr;m%61ddr=1?subject=a&to=b",
    "sip:+18005550100;npdi;rn=+1312@example.com;user=phone", "tel:+1-800-555.0100;phone-context=example.com;ext=5",
    "sip:*21#@192.0.2.1", "sip:h;a=[::1]", "urn:service:sos", "sip:[::ffff:192.0.2.1]", "tel:911", "http://h/",
)  # fmt: skip
_SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 49170/2 RTP/AVP 0 8 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\nm=video 0 RTP/AVP 31\r\nm=image 9 udptl t38\r\n",
    "v=0\no=a 1 2 IN IP6 ::1\ns=-\nt=0 0\nr=7d 1h 0 25h\nz=0 0\nm=audio 9 RTP/AVPF 96 13\na=rtpmap:96 opus/48000/2",
)


def seeds(target: str) -> list[bytes]:
    """The octets that a target begins with, found cases last."""
    found = [path.read_bytes() for path in sorted((FOUND / target).glob("*"))]
    begin = {"message": _messages, "uri": _uris, "sdp": _bodies, "framing": _streams, "router": _datagrams}
    return begin[target]() + found


def words() -> list[bytes]:
    """What SIP and SDP are made of: a dictionary for the fuzzer."""
    texts = {word for message in _messages() for word in re.findall(rb"[\w.:;=/+-]{2,24}", message)}
    marks = [b"\r\n", b"\r\n\r\n", b"\r\n ", b"%00", b"%25", b'\\"', b"<sip:", b">;", b"l:", b"Content-Length: 0\r\n"]
    return [*sorted(texts), *marks]


def _messages() -> list[bytes]:
    torture = [path.read_bytes() for path in sorted((ROOT / "tests" / "torture").glob("rfc*/*.dat"))]
    return torture + _sent_by_scenarios()


def _sent_by_scenarios() -> list[bytes]:
    found = {}
    for path in sorted((ROOT / "sipp_scenarios").glob("*.xml")):
        for text in _SENT.findall(path.read_text()):
            lines = [line.strip() for line in text.strip().split("\n")]
            message = _KEYWORD.sub(_value, "\r\n".join([*lines, ""]))
            if " SIP/2.0\r\n" in message or message.startswith("SIP/2.0 "):
                found[_whole(message)] = path
    return list(found)


def _value(keyword: re.Match[str]) -> str:
    name = keyword[1].rstrip(":")
    return _VALUES.get(name) or ("5060" if name.endswith("port") else "127.0.0.1" if name.endswith("ip") else "0")


def _whole(message: str) -> bytes:
    """With its empty line behind the headers, and the length of the body that is there."""
    head, _, body = message.partition("\r\n\r\n")
    head = re.sub(r"Content-Length: \d+", f"Content-Length: {len(body)}", head.rstrip("\r\n"))
    return f"{head}\r\n\r\n{body}".encode()


def _uris() -> list[bytes]:
    within = {uri for message in _messages() for uri in re.findall(rb"(?:sips?|tel):[^\s<>\",]+", message)}
    return [*(uri.encode() for uri in _URIS), *sorted(within)]


def _bodies() -> list[bytes]:
    alone = [text.encode() for text in _SDP]
    alone += {body for message in _messages() if (body := message.partition(b"\r\n\r\n")[2]).startswith(b"v=0")}
    parts = [
        b"--b1\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b1\r\nContent-Type: application/sdp\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n" + body + b"\r\n--b1--\r\n"
        for body in alone[:3]
    ]
    both = [alone[0] + b"\0\0\0" + alone[1]]
    return [*(b"\0" + body for body in alone + both), *(b"\1" + body for body in parts)]


def _streams() -> list[bytes]:
    messages = [message for message in _messages() if len(message) < 700]
    pairs = [b"\1" + one + b"\r\n\r\n" + other for one, other in pairwise(messages[:80])]
    return pairs + [b"\7" + message for message in messages]


def _datagrams() -> list[bytes]:
    return [bytes([at % 4]) + message for at, message in enumerate(_messages())]
