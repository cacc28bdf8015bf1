"""Whole calls as inputs of the router's target: what two ends say, each datagram as it is after those before it."""

from __future__ import annotations

from itertools import count
from typing import Final

from edge_router.sip.headers import tag_of
from edge_router.sip.message import Request, Response, parse
from fuzz.router import END, SOURCES, Stage

_CALLS: Final = (
    ("180", "200", "ACK", "BYE"),
    ("183", "200", "ACK", "callee BYE"),
    ("180", "CANCEL", "487"),
    ("486",),
    ("200", "ACK", "INVITE", "BYE"),
    ("200", "ACK", "callee INFO", "callee UPDATE", "callee INVITE", "callee BYE"),
    ("200", "ACK", "REFER", "INFO", "MESSAGE", "UPDATE", "NOTIFY", "BYE"),
    ("180", "UPDATE", "PRACK", "callee UPDATE", "503"),
    ("302",),
)
_SDP: Final = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.12\r\ns=-\r\nc=IN IP4 127.0.0.12\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n"
)
_TYPED: Final = f"Content-Type: application/sdp\r\nContent-Length: {len(_SDP)}\r\n\r\n{_SDP}"
_EMPTY: Final = "Content-Length: 0\r\n\r\n"
_MORE: Final = {
    "INVITE": "P-Asserted-Identity: <sip:+13125550199@h>\r\nPrivacy: id\r\nDiversion: <sip:+1999@h>;reason=unknown\r\n"
    "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\nReason: Q.850;cause=16\r\n"
    "History-Info: <sip:a@h?Reason=SIP%3Bcause%3D302>;index=1\r\nUser-to-User: 56a3;encoding=hex\r\n"
    "Supported: timer,100rel\r\nSession-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nRecord-Route: <sip:h;lr>\r\n",
    "REFER": "Refer-To: <sip:+18005550200@h?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>\r\nReferred-By: <sip:a@h>\r\n",
    "NOTIFY": "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n",
    "BYE": 'Reason: SIP;cause=200;text="bye"\r\nReason: Q.850;cause=17\r\n',
    "PRACK": "RAck: 1 1 INVITE\r\n",
    "180": "Require: 100rel\r\nRSeq: 1\r\n",
    "302": "Contact: <sip:+1@127.0.0.14>;q=0.5, <sip:b@h>\r\nDiversion: <sip:c@h>\r\n",
    "503": 'Retry-After: 5 (busy);duration=3600\r\nWarning: 399 h "no"\r\n',
}


def whole_calls() -> list[bytes]:
    """Calls that are bridged and ended by either side, cancelled, refused, redirected, refreshed and referred."""
    return [_Call(steps).recorded() for steps in _CALLS]


class _Call:
    """One call; ``steps`` are the statuses of the callee, and the methods of either end."""

    def __init__(self, steps: tuple[str, ...]) -> None:
        self._steps = steps
        self._stage = Stage()
        self._inputs: list[bytes] = []
        self._numbers = count(2)
        self._caller_to = "<sip:+18005550100@127.0.0.10>"

    def recorded(self) -> bytes:
        """Lets it happen; gives the input that makes it happen again."""
        begin = self._say(0, self._of_caller("INVITE", 1))
        invite = next(read for data in begin if isinstance(read := parse(data), Request))
        for step in self._steps:
            if step.isdigit():
                self._answer(invite, step)
            elif step.startswith("callee "):
                self._say(1, self._of_callee(invite, step.removeprefix("callee ")))
            else:
                self._say(0, self._of_caller(step, 1 if step in ("ACK", "CANCEL") else next(self._numbers)))
        return END.join(self._inputs)

    def _say(self, by: int, text: str) -> list[bytes]:
        self._inputs.append(bytes([ord("0") + by]) + text.encode())
        return self._stage.receive(text.encode(), SOURCES[by])

    def _of_caller(self, method: str, number: int) -> str:
        return (
            f"{method} sip:+18005550100@127.0.0.10 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.12:5060;branch=z9hG4bK{'ack' if method == 'ACK' else number};rport\r\n"
            f'From: "A" <sip:+13125550199@127.0.0.12>;tag=a\r\nTo: {self._caller_to}\r\nCall-ID: c\r\n'
            f"CSeq: {number} {method}\r\nMax-Forwards: 70\r\nContact: <sip:127.0.0.12>\r\n{_MORE.get(method, '')}"
            f"{_EMPTY if method in ('ACK', 'CANCEL') else _TYPED}"
        )

    def _of_callee(self, invite: Request, method: str) -> str:
        number = next(self._numbers)
        return (
            f"{method} sip:127.0.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.13;branch=z9hG4bKb{number}\r\n"
            f"From: {invite.first['to']};tag=b\r\nTo: {invite.first['from']}\r\nCall-ID: {invite.first['call-id']}\r\n"
            f"CSeq: {number} {method}\r\nContact: <sip:127.0.0.13>\r\n{_MORE.get(method, '')}{_TYPED}"
        )

    def _answer(self, invite: Request, code: str) -> None:
        lines = "".join(f"{invite.spell(key)}: {invite.first[key]}\r\n" for key in ("via", "from", "call-id", "cseq"))
        contact = "Contact: <sip:127.0.0.13>\r\n" if code < "300" else ""
        sent = self._say(
            1,
            f"SIP/2.0 {code} Words\r\n{lines}To: {invite.first['to']};tag=b\r\n{contact}{_MORE.get(code, '')}"
            f"{_TYPED if code in ('183', '200') else _EMPTY}",
        )
        for answer in map(parse, sent):
            if isinstance(answer, Response) and tag_of(answer.first["to"]):
                self._caller_to = answer.first["to"]
