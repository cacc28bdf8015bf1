"""One end's view of a call: the numbers and tags of its dialog, and the messages that it makes from them."""

import itertools
import re
from collections.abc import Iterable
from typing import Final

from tests.end_to_end.block import Address
from tests.end_to_end.phone import Phone
from tests.end_to_end.waiting import PATIENCE
from tests.end_to_end.wire import Header, Wire, sdp, tag_of, uri_of, user_of

_serial: Final = itertools.count(1)

CALLING: Final = "+13125550199"
REASONS: Final = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 302: "Moved Temporarily",
    404: "Not Found", 405: "Method Not Allowed", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error",
    503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip


def fresh_branch() -> str:
    return f"z9hG4bK-e2e-{next(_serial)}"


class Leg:
    """A dialog as its end sees it. `invite` opens one, `answering` takes one; the rest is the same for both."""

    def __init__(
        self, phone: Phone, router: Address, called: str, call_id: str, local: str, remote: str, target: str
    ) -> None:
        self.phone, self.router, self.called, self.call_id = phone, router, called, call_id
        self.local, self.remote = local, remote  # From and To of our own requests, tags and all
        self.target = target
        self.cseq = 0
        self.opening: Wire | None = None  # the INVITE that the call began with, sent or taken
        self.body = sdp(phone.host)

    @classmethod
    def to(cls, phone: Phone, router: Address, called: str, *, calling: str = CALLING) -> "Leg":
        """A leg that is about to call `called` through the router."""
        number = next(_serial)
        host = f"[{router[0]}]" if ":" in router[0] else router[0]
        return cls(
            phone,
            router,
            called,
            f"e2e-{number}@{phone.host}",
            f'"A. Caller" <sip:{calling}@{phone.host}>;tag=a{number}',
            f"<sip:{called}@{host}>",
            f"sip:{called}@{host}:{router[1]}",
        )

    @classmethod
    def answering(cls, phone: Phone, router: Address, called: str, within: float = PATIENCE) -> "Leg":
        """The leg of the INVITE for `called` that is coming, or already here, at this end."""
        invite = phone.receive(
            lambda message: message.method == "INVITE" and user_of(message.uri) == called, f"INVITE {called}", within
        )
        leg = cls(
            phone,
            router,
            called,
            invite.get("Call-ID"),
            f"{invite.get('To')};tag=b{next(_serial)}",
            invite.get("From"),
            uri_of(invite.get("Contact")),
        )
        leg.opening = invite
        return leg

    # -------------------------------------------------------------------------------------------- saying

    def request(
        self, method: str, headers: Iterable[Header] = (), body: bytes = b"", *, branch: str = "", cseq: int = 0
    ) -> Wire:
        """A request within this leg, not yet sent. Own headers take the place of the usual ones."""
        if not cseq and method not in ("ACK", "CANCEL"):
            self.cseq += 1
        phone = self.phone
        usual = [
            ("Via", f"SIP/2.0/{phone.transport} {phone.host}:{phone.port};branch={branch or fresh_branch()};rport"),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq or self.cseq} {method}"),
            ("Contact", f"<sip:{user_of(uri_of(self.local))}@{self.phone.host}:{self.phone.port}>"),
        ]
        if body:
            usual.append(("Content-Type", "application/sdp"))
        own = list(headers)
        taken = {name.lower() for name, _ in own}
        kept = [header for header in usual if header[0].lower() not in taken]
        return Wire(f"{method} {self.target} SIP/2.0", [*kept, *own], body)

    def send(self, message: Wire) -> Wire:
        self.phone.send(message, self.router)
        return message

    def invite(self, headers: Iterable[Header] = (), body: bytes | None = None) -> Wire:
        """Sends an INVITE, with an offer unless `body` is b""."""
        message = self.send(self.request("INVITE", headers, self.body if body is None else body))
        if self.opening is None:
            self.opening = message
        return message

    def ack(self, final: Wire, body: bytes = b"") -> Wire:
        """ACK: of the transaction for a refusal (RFC 3261 §17.1.1.3), on its own for a 2xx (§13.2.2.4)."""
        if final.code < 300:
            return self.send(self.request("ACK", body=body, cseq=final.cseq))
        assert self.opening is not None
        ack = self.request("ACK", [("To", final.get("To"))], branch=final.branch, cseq=final.cseq)
        ack.start = f"ACK {self.opening.uri} SIP/2.0"
        return self.send(ack)

    def cancel(self, headers: Iterable[Header] = ()) -> Wire:
        """CANCEL of the opening INVITE (RFC 3261 §9.1)."""
        assert self.opening is not None
        message = self.request(
            "CANCEL", [("To", self.opening.get("To")), *headers], branch=self.opening.branch, cseq=self.opening.cseq
        )
        message.start = f"CANCEL {self.opening.uri} SIP/2.0"
        return self.send(message.without("Contact"))

    def bye(self, headers: Iterable[Header] = ()) -> Wire:
        return self.send(self.request("BYE", headers))

    def reply(
        self, request: Wire, code: int, headers: Iterable[Header] = (), body: bytes = b"", *, reason: str = ""
    ) -> Wire:
        """Answers a request of this leg. To keep an answer apart from others, the To tag is the leg's own."""
        copied = [(name, value) for name, value in request.headers if name in ("Via", "From", "Call-ID", "CSeq")]
        to = request.get("To") if tag_of(request.get("To")) or code == 100 else self.local
        contact = ("Contact", f"<sip:{user_of(uri_of(self.local))}@{self.phone.host}:{self.phone.port}>")
        answer = Wire(f"SIP/2.0 {code} {reason or REASONS[code]}", [*copied, ("To", to), contact], body)
        answer = answer.with_headers(*headers)
        if body and not answer.all("Content-Type"):
            answer.headers.append(("Content-Type", "application/sdp"))
        return self.send(answer)

    def answer(self, code: int, headers: Iterable[Header] = (), body: bytes | None = None, *, reason: str = "") -> Wire:
        """Answers the INVITE that opened this leg; 183 and 200 with our session description unless `body` says else."""
        assert self.opening is not None
        if body is None:
            body = self.body if code in (183, 200) else b""
        return self.reply(self.opening, code, headers, body, reason=reason)

    # -------------------------------------------------------------------------------------------- hearing

    def expect(self, what: int | str, within: float = PATIENCE, *, method: str = "") -> Wire:
        """The next message of this leg with this code or method. Learns the far end's tag and target from it."""

        def wanted(message: Wire) -> bool:
            if message.get("Call-ID") != self.call_id:
                return False
            if isinstance(what, str):
                return message.method == what
            return message.code == what and method in ("", message.cseq_method)

        message = self.phone.receive(wanted, f"{what} {method}".strip(), within)
        if message.cseq_method in ("INVITE", "UPDATE") and message.code != 100:
            self._learn(message)
        return message

    def expect_final(self, method: str = "INVITE") -> Wire:
        """The next final response to a request of this leg, whatever it says."""
        return self.phone.receive(
            lambda message: (
                message.get("Call-ID") == self.call_id and message.code >= 200 and message.cseq_method == method
            ),
            f"a final response to {method}",
        )

    def heard(self, what: int | str) -> list[Wire]:
        """What came for this leg with this code or method and was not taken by `expect`."""
        return [
            message
            for message in self.phone.heard()
            if message.get("Call-ID") == self.call_id and what in (message.code, message.method)
        ]

    def hears_of_end(self, headers: Iterable[Header] = ()) -> Wire:
        """Takes the far end's BYE and says 200 to it."""
        bye = self.expect("BYE")
        self.reply(bye, 200, headers)
        return bye

    def _learn(self, message: Wire) -> None:
        if 101 <= message.code < 300:
            self.remote = message.get("To")
        if message.all("Contact") and message.code < 300:
            self.target = uri_of(message.get("Contact"))


def reason_of(message: Wire) -> dict[str, str]:
    """protocol -> parameters of each Reason (RFC 3326), however they are folded into lines."""
    values = [value.strip() for line in message.all("Reason") for value in re.split(r",(?=\s*[A-Za-z0-9.]+\s*;)", line)]
    return {value.split(";")[0].strip(): value.split(";", 1)[1].strip() for value in values}
