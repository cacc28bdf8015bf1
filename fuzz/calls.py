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
    ("302", "cloud 180", "cloud 200", "ACK", "cloud BYE"),
    ("200", "ACK", "REFER there", "cloud 183", "cloud 200", "callee 200", "cloud BYE", "callee 200"),
    ("200", "ACK", "callee REFER there", "cloud 486", "INFO", "callee REFER there", "callee BYE", "cloud 200"),
    ("200", "ACK", "INVITE that replaces", "callee 200", "callee BYE"),
    ("183 reliably", "PRACK", "callee 200", "UPDATE", "callee 200", "callee UPDATE", "200", "ACK", "BYE"),
    ("422", "callee 200", "ACK", "callee UPDATE", "UPDATE", "callee 422", "BYE"),
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
    "REFER there": "Refer-To: <sip:+18005550200@127.0.0.10>\r\nReferred-By: <sip:a@h>\r\n",
    "INVITE that replaces": "Replaces: c;to-tag=%s;from-tag=a\r\nRequire: replaces\r\n",
    "183 reliably": "Require: 100rel\r\nRSeq: 1\r\n",
    "422": "Min-SE: 3600\r\n",
    "REFER": "Refer-To: <sip:+18005550200@h?Replaces=1%3Bto-tag%3D2%3Bfrom-tag%3D3>\r\nReferred-By: <sip:a@h>\r\n",
    "NOTIFY": "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n",
    "BYE": 'Reason: SIP;cause=200;text="bye"\r\nReason: Q.850;cause=17\r\n',
    "PRACK": "RAck: 1 1 INVITE\r\n",
    "180": "Require: 100rel\r\nRSeq: 1\r\n",
    "302": "Contact: <sip:+18005550200@127.0.0.14>;q=0.5, <sip:b@h>\r\nDiversion: <sip:c@h>\r\n",
    "503": 'Retry-After: 5 (busy);duration=3600\r\nWarning: 399 h "no"\r\n',
}


_PLACES: Final = ("127.0.0.12", "127.0.0.13", "127.0.0.14")
_WHO: Final = {"callee": 1, "cloud": 2}


def whole_calls() -> list[bytes]:
    """Calls bridged and ended by either side, cancelled, refused, redirected, refreshed, transferred and replaced."""
    return [_Call(steps).recorded() for steps in _CALLS]


class _Call:
    """One call; ``steps`` are the caller's methods, the statuses of the callee, and what another end says by name.

    A status of somebody by name answers what he was asked last, the callee's own the INVITE of the call. The words
    behind a method or a status say which lines it has.
    """

    def __init__(self, steps: tuple[str, ...]) -> None:
        self._steps = steps
        self._stage = Stage()
        self._inputs: list[bytes] = []
        self._numbers = count(2)
        self._caller_to = "<sip:+18005550100@127.0.0.10>"
        self._rseq = "1"
        self._asked: dict[int, Request] = {}
        self._invited: dict[int, Request] = {}

    def recorded(self) -> bytes:
        """Lets it happen; gives the input that makes it happen again."""
        self._say(0, self._of_caller("INVITE", 1))
        for step in self._steps:
            who, _, rest = step.partition(" ")
            by = _WHO.get(who, 0)
            what = rest if by else step
            if what[:3].isdigit():
                self._answer(by or 1, what, self._asked.get(by) if by else self._invited.get(1))
            elif by:
                self._say(by, self._of_callee(by, what))
            else:
                again = what.partition(" ")[0] in ("ACK", "CANCEL")
                self._say(0, self._of_caller(what, 1 if again else next(self._numbers)))
        return END.join(self._inputs)

    def _say(self, by: int, text: str) -> list[bytes]:
        self._inputs.append(bytes([ord("@") + by]) + text.encode())
        sent = self._stage.receive(text.encode(), SOURCES[by])
        for read in map(parse, sent):
            if isinstance(read, Request) and read.method != "ACK":
                at = next(at for at, place in enumerate(_PLACES) if place in read.uri)
                self._asked[at] = read
                if read.method == "INVITE" and not tag_of(read.first["to"]):
                    self._invited[at] = read
            elif isinstance(read, Response) and "rseq" in read.first:
                self._rseq = read.first["rseq"]
        return sent

    def _of_caller(self, what: str, number: int) -> str:
        method, _, replaces = what.partition(" that ")
        method = method.partition(" ")[0]
        tag, call_id, to = ("n", "d", "<sip:+18005550100@127.0.0.10>") if replaces else ("a", "c", self._caller_to)
        lines = _MORE.get(what, _MORE.get(method, ""))
        lines = lines.replace("%s", self._caller_to.partition(";tag=")[2]).replace("RAck: 1", f"RAck: {self._rseq}")
        return (
            f"{method} sip:+18005550100@127.0.0.10 SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.12:5060;branch=z9hG4bK{'ack' if method == 'ACK' else number};rport\r\n"
            f'From: "A" <sip:+13125550199@127.0.0.12>;tag={tag}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n'
            f"CSeq: {number} {method}\r\nMax-Forwards: 70\r\nContact: <sip:127.0.0.12>\r\n{lines}"
            f"{_EMPTY if method in ('ACK', 'CANCEL') else _TYPED}"
        )

    def _of_callee(self, by: int, what: str) -> str:
        number, invite, method = next(self._numbers), self._invited[by], what.partition(" ")[0]
        lines = _MORE.get(what, _MORE.get(method, ""))
        return (
            f"{method} sip:127.0.0.10 SIP/2.0\r\nVia: SIP/2.0/UDP {_PLACES[by]};branch=z9hG4bKb{number}\r\n"
            f"From: {invite.first['to']};tag=b\r\nTo: {invite.first['from']}\r\nCall-ID: {invite.first['call-id']}\r\n"
            f"CSeq: {number} {method}\r\nContact: <sip:{_PLACES[by]}>\r\n{lines}{_TYPED}"
        )

    def _answer(self, by: int, what: str, asked: Request | None) -> None:
        if asked is None:
            return
        code = what[:3]
        lines = "".join(f"{asked.spell(key)}: {asked.first[key]}\r\n" for key in ("via", "from", "call-id", "cseq"))
        contact = f"Contact: <sip:{_PLACES[by]}>\r\n" if code < "300" else ""
        to = asked.first["to"] + (";tag=b" if not tag_of(asked.first["to"]) else "")
        sent = self._say(
            by,
            f"SIP/2.0 {code} Words\r\n{lines}To: {to}\r\n{contact}{_MORE.get(what, _MORE.get(code, ''))}"
            f"{_TYPED if code in ('183', '200') else _EMPTY}",
        )
        for answer in map(parse, sent):
            if isinstance(answer, Response) and tag_of(answer.first["to"]) and answer.first["call-id"] == "c":
                self._caller_to = answer.first["to"]
