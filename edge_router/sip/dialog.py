"""A dialog: what two user agents remember of each other (RFC 3261 §12).

Lives here: identifiers, route set, remote target and sequence numbers, and the requests that are built from them.
Must not know: transactions, what a request inside the dialog means, sockets.

Only what a held call needs is kept, as text ready to be sent: a call of an hour is a few hundred octets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import parse_name_addr, split_list, tag_of
from edge_router.sip.uri import BadUri, SipUri, parse_uri

if TYPE_CHECKING:
    from edge_router.sip.message import Message, Request, Response


class Dialog:
    """One side of a dialog.

    ``local`` and ``remote`` are the From and To values of our requests in it, tags included; ``target`` is the remote
    target URI; ``routes`` the route set as URIs in angle brackets, ours to follow first to last.
    """

    __slots__ = (
        "call_id",
        "local",
        "local_seq",
        "local_tag",
        "remote",
        "remote_seq",
        "remote_tag",
        "routes",
        "target",
    )

    def __init__(
        self,
        call_id: str,
        local: str,
        local_tag: str,
        remote: str,
        remote_tag: str,
        target: str,
        routes: tuple[str, ...],
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
        self.remote_tag = remote_tag
        self.target = target
        self.routes = routes
        self.local_seq = 0
        self.remote_seq = -1

    @classmethod
    def as_server(cls, invite: Request, local_tag: str) -> Dialog:
        """The dialog of an INVITE that came in (§12.1.1). Raises BadMessage where its Contact is missing or bad."""
        first = invite.first
        remote = first["from"]
        routes = tuple(route_set(invite)) if "record-route" in first else ()
        target = contact_uri(invite)
        dialog = cls(
            first["call-id"], f"{first['to']};tag={local_tag}", local_tag, remote, tag_of(remote), target, routes
        )
        dialog.remote_seq = int(first["cseq"].partition(" ")[0])
        return dialog

    def learn(self, response: Response) -> None:
        """Takes over what a response to our INVITE says: the remote tag, target and route set (§12.1.2)."""
        first = response.first
        self.remote = first["to"]
        self.remote_tag = tag_of(self.remote)
        self.target = contact_uri(response)
        self.routes = tuple(reversed(route_set(response))) if "record-route" in first else ()

    def fork(self) -> Dialog:
        """A dialog with another user agent that answered the same INVITE."""
        other = Dialog(self.call_id, self.local, self.local_tag, self.remote, "", self.target, ())
        other.local_seq = self.local_seq
        return other

    def in_order(self, request: Request) -> bool:
        """Whether a request's CSeq is higher than the last (§12.2.2); remembers it if so."""
        number = int(request.first["cseq"].partition(" ")[0])
        if number <= self.remote_seq:
            return False
        self.remote_seq = number
        return True

    def request(self, method: str, via: str, headers: str = "", body: bytes = b"", seq: int | None = None) -> bytes:
        """A request in the dialog: ``via`` with its branch, ``headers`` lines; for an ACK its INVITE's ``seq``."""
        if seq is None:
            self.local_seq += 1
            seq = self.local_seq
        uri, routes = self.target, ""
        if self.routes:
            uri, routes = _follow(self.target, self.routes)
        head = (
            f"{method} {uri} SIP/2.0\r\nVia: {via}\r\n{routes}Max-Forwards: 70\r\nFrom: {self.local}\r\n"
            f"To: {self.remote}\r\nCall-ID: {self.call_id}\r\nCSeq: {seq} {method}\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("utf-8", "surrogateescape") + body

    @property
    def next_hop(self) -> str:
        """The URI that requests in the dialog are sent to: the first route, else the target."""
        return self.routes[0][1:].partition(">")[0] if self.routes else self.target


def contact_uri(message: Message) -> str:
    """The URI of the Contact that makes a dialog's remote target. Raises BadMessage where there is none to use."""
    contact = message.first.get("contact")
    if contact is None:
        raise BadMessage(400, "Contact is missing")
    uri = parse_name_addr(contact if "," not in contact else split_list(contact)[0], "Contact").uri
    # The plain form needs no full parse: what is sent to it is checked again when its host is read.
    if uri[:4].lower() != "sip:" and uri[:5].lower() != "sips:":
        raise BadMessage(400, "Contact is not a SIP URI")
    if " " in uri or "<" in uri:
        raise BadMessage(400, "Contact is not a SIP URI")
    return uri


def route_set(message: Message) -> list[str]:
    """The Record-Route entries of a message in their order, each as ``<uri>`` with its parameters; or BadMessage."""
    entries = [entry for value in message.all("record-route") for entry in split_list(value)]
    addresses = [parse_name_addr(entry, "Record-Route") for entry in entries]
    return [f"<{address.uri}>{address.params}" for address in addresses]


def _follow(target: str, routes: tuple[str, ...]) -> tuple[str, str]:
    """Request-URI and Route lines for a route set (§12.2.1.1): loose routing, or strict where the first hop asks."""
    first = routes[0]
    try:
        uri = parse_uri(parse_name_addr(first, "Record-Route").uri)
    except (BadMessage, BadUri):
        uri = None
    if isinstance(uri, SipUri) and "lr" not in uri.params:
        return str(uri), "".join(f"Route: {route}\r\n" for route in (*routes[1:], f"<{target}>"))
    return target, "".join(f"Route: {route}\r\n" for route in routes)
