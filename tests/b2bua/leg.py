"""The ends of calls on the stage: parties with an address, and their legs with tags and numbers of their own."""

import itertools
from collections.abc import Callable, Sequence
from typing import Final

from tests.end_to_end.wire import Wire, sdp, tag_of, uri_of

Address = tuple[str, int]

CALLING: Final = "+13125550199"
_REASONS: Final = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted"}
_serial: Final = itertools.count(10_000_000)  # of one length, so that storms come out alike


class Party:
    """Whoever speaks SIP at an address. ``unheard`` is what was sent there and no story has told of yet."""

    def __init__(self, address: Address, router: Address, send: Callable[[Wire, Address], None]) -> None:
        self.address = address
        self.router = router
        self.send = send
        self.unheard: list[Wire] = []
        self.place = "{}:{}".format(*address)
        self.sdp = sdp(address[0], session=1000 + int(address[0].rpartition(".")[2]))

    def take(self, message: Wire) -> None:
        """Gets a message."""
        self.unheard.append(message)

    def says(self, message: Wire) -> None:
        """Sends a message from here, whoever it is of."""
        self.send(message, self.address)

    def calls(
        self, called: str, *headers: str, body: bytes | None = None, calling: str = CALLING, uri: str = ""
    ) -> "Leg":
        """Sends an INVITE with these header lines, and with an offer unless `body` is b""."""
        leg = Leg(
            self,
            f"call-{next(_serial)}",
            f'"A. Caller" <sip:{calling}@{self.address[0]}>;tag=a{next(_serial)}',
            f"<sip:{called}@{self.router[0]}>",
            uri or "sip:{}@{}:{}".format(called, *self.router),
        )
        leg.invite = leg.asks("INVITE", *headers, body=self.sdp if body is None else body)
        return leg

    def is_called(self) -> "Leg":
        """The leg of the INVITE that has just come."""
        assert self.unheard, f"{self.place} is not called"
        invite = self.unheard.pop(0)
        assert invite.method == "INVITE", invite
        assert not tag_of(invite.get("To"))
        local = f"{invite.get('To')};tag=b{next(_serial)}"
        leg = Leg(self, invite.get("Call-ID"), local, invite.get("From"), uri_of(invite.get("Contact")))
        leg.invite = invite
        return leg


class Leg:
    """A dialog as one end of it sees it, early or not.

    ``invite`` is what it began with, sent or received; ``final`` the last final answer to an INVITE of ours.
    """

    def __init__(self, party: Party, call_id: str, local: str, remote: str, target: str) -> None:
        self.party = party
        self.call_id = call_id
        self.local, self.remote = local, remote  # From and To of requests from here
        self.target = target
        self.seq = 0
        self.invite: Wire
        self.final: Wire

    # Saying

    def request(self, method: str, *headers: str, body: bytes = b"", branch: str = "", seq: int = 0) -> Wire:
        """A request of this leg, not sent yet. `headers` are whole lines, in the place of the usual ones."""
        if not seq:
            self.seq += 1
        lines = [
            f"Via: SIP/2.0/UDP {self.party.place};branch={branch or f'z9hG4bK-{next(_serial)}'};rport",
            "Max-Forwards: 70",
            f"From: {self.local}",
            f"To: {self.remote}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {seq or self.seq} {method}",
            f"Contact: <sip:{self.party.place}>",
        ]
        return _message(f"{method} {self.target} SIP/2.0", lines, headers, body)

    def asks(self, method: str, *headers: str, body: bytes = b"") -> Wire:
        """Sends a request of this leg."""
        message = self.request(method, *headers, body=body)
        self.party.says(message)
        return message

    def answers(self, request: Wire, code: int, *headers: str, body: bytes = b"", reason: str = "") -> Wire:
        """Answers a request that was heard."""
        copied = [f"{name}: {value}" for name, value in request.headers if name in ("Via", "From", "Call-ID", "CSeq")]
        to = request.get("To") if tag_of(request.get("To")) or code == 100 else self.local
        lines = [*copied, f"To: {to}", f"Contact: <sip:{self.party.place}>"]
        message = _message(f"SIP/2.0 {code} {reason or _REASONS.get(code, 'Whatever')}", lines, headers, body)
        self.party.says(message)
        return message

    def says(self, code: int, *headers: str, body: bytes | None = None, reason: str = "") -> Wire:
        """Answers the INVITE that this leg began with; a 200 with SDP unless `body` says else."""
        if body is None:
            body = self.party.sdp if code == 200 else b""
        return self.answers(self.invite, code, *headers, body=body, reason=reason)

    def ack(self, body: bytes = b"", branch: str = "") -> Wire:
        """ACKs the last final answer: of a 2xx in the dialog, else in the INVITE's transaction."""
        final = self.final
        if final.code < 300:
            message = self.request("ACK", body=body, branch=branch, seq=final.cseq)
        else:
            message = self.request("ACK", branch=final.branch, seq=final.cseq).with_headers(("To", final.get("To")))
            message.start = f"ACK {self.invite.uri} SIP/2.0"
        self.party.says(message)
        return message

    def cancel(self, *headers: str) -> Wire:
        """CANCELs the INVITE that this leg began with."""
        message = self.cancellation(*headers)
        self.party.says(message)
        return message

    def cancellation(self, *headers: str) -> Wire:
        """The CANCEL, not sent yet."""
        message = self.request("CANCEL", *headers, branch=self.invite.branch, seq=self.invite.cseq)
        message.start = f"CANCEL {self.invite.uri} SIP/2.0"
        return message.with_headers(("To", self.invite.get("To"))).without("Contact")

    # Hearing

    def hears(self, what: int | str, method: str = "") -> Wire:
        """The next message of this leg, which must have this code or method."""
        message = next((each for each in self.party.unheard if each.get("Call-ID") == self.call_id), None)
        assert message is not None, f"{self.party.place} hears nothing, not {what}"
        assert what in (message.code, message.method), f"not {what} but\n{message}"
        assert not method or message.cseq_method == method, f"not of {method} but\n{message}"
        self.party.unheard.remove(message)
        self.learn(message)
        return message

    def hears_nothing(self) -> None:
        """No message of this leg has come."""
        came = [message for message in self.party.unheard if message.get("Call-ID") == self.call_id]
        assert not came, f"{self.party.place} hears\n{came[0]}"

    def hears_refusal(self, code: int) -> Wire:
        """Hears a final answer that is no 2xx, and ACKs it."""
        refusal = self.hears(code, "INVITE")
        self.ack()
        return refusal

    def is_hung_up(self) -> Wire:
        """Hears BYE and says 200 to it."""
        bye = self.hears("BYE")
        self.answers(bye, 200)
        return bye

    def hangs_up(self, *headers: str, body: bytes = b"") -> None:
        """Says BYE and hears 200 to it."""
        self.asks("BYE", *headers, body=body)
        self.hears(200, "BYE")

    def is_cancelled(self) -> Wire:
        """Hears CANCEL, says 200 to that and 487 to the INVITE, and hears the ACK."""
        cancel = self.hears("CANCEL")
        self.answers(cancel, 200)
        self.refuses(487)
        return cancel

    def refuses(self, code: int, *headers: str, body: bytes = b"", reason: str = "") -> None:
        """Refuses the INVITE, and hears the ACK."""
        self.says(code, *headers, body=body, reason=reason)
        self.hears("ACK")

    def learn(self, message: Wire) -> None:
        """Takes over what an answer to an INVITE of ours says of the dialog."""
        if message.code > 100 and message.cseq_method == "INVITE":
            if message.code < 300:
                self.remote, self.target = message.get("To"), uri_of(message.get("Contact"))
            if message.code >= 200:
                self.final = message


def _message(start: str, usual: Sequence[str], own: Sequence[str], body: bytes) -> Wire:
    if body:
        usual = [*usual, "Content-Type: application/sdp"]
    named = {line.partition(":")[0] for line in own}
    lines = [line for line in usual if line.partition(":")[0] not in named]
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in [*lines, *own])]
    return Wire(start, headers, body)
