"""A dialog: what two user agents remember of each other (RFC 3261 §12).

Lives here: identifiers, route set, remote target and sequence numbers, and the requests that are built from them.
Must not know: transactions, what a request inside the dialog means, sockets.

Only what a held call needs is kept, as text ready to be sent: a call of an hour is a few hundred octets.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import first_of, parse_cseq, parse_name_addr, split_list, tag_of
from edge_router.sip.message import DEFAULT_LIMITS
from edge_router.sip.remember import remembered
from edge_router.sip.uri import BadUri, SipUri, parse_uri

if TYPE_CHECKING:
    from edge_router.sip.message import Message, Request, Response

_MOST_ROUTES: Final = 70  # RFC 3261 §8.1.1.6: the usual Max-Forwards


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
        "routes",
        "target",
    )

    def __init__(
        self,
        call_id: str,
        local: str,
        local_tag: str,
        remote: str,
        target: str,
        routes: tuple[str, ...],
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
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
        dialog = cls(first["call-id"], f"{first['to']};tag={local_tag}", local_tag, remote, target, routes)
        dialog.remote_seq = parse_cseq(first["cseq"]).number
        return dialog

    def learn(self, response: Response) -> None:
        """Takes over what a response to our INVITE says: the remote tag, target and route set (§12.1.2)."""
        first = response.first
        target = contact_uri(response)
        self.routes = tuple(reversed(route_set(response))) if "record-route" in first else ()
        self.remote, self.target = first["to"], target

    def refresh(self, message: Message) -> None:
        """Takes over the remote target of a target refresh request or its 2xx, if it can be used (§12.2)."""
        with suppress(BadMessage):
            self.target = contact_uri(message)

    def fork(self) -> Dialog:
        """A dialog with another user agent that answered the same INVITE."""
        other = Dialog(self.call_id, self.local, self.local_tag, self.remote, self.target, ())
        other.local_seq = self.local_seq
        return other

    def in_order(self, request: Request) -> bool:
        """Whether a request's CSeq is higher than the last (§12.2.2); remembers it if so."""
        number = parse_cseq(request.first["cseq"]).number
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
        if self.routes:  # as in request_uri
            uri, routes = _follow(self.target, self.routes)
        head = (
            f"{method} {uri} SIP/2.0\r\nVia: {via}\r\n{routes}Max-Forwards: 70\r\nFrom: {self.local}\r\n"
            f"To: {self.remote}\r\nCall-ID: {self.call_id}\r\nCSeq: {seq} {method}\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("utf-8", "surrogateescape") + body

    @property
    def request_uri(self) -> str:
        """The Request-URI of what is sent in it (§12.2.1.1)."""
        return _follow(self.target, self.routes)[0] if self.routes else self.target

    @property
    def remote_tag(self) -> str:
        """The other's tag, "" before he has given one."""
        return tag_of(self.remote)

    @property
    def next_hop(self) -> str:
        """The URI that requests in the dialog are sent to: the first route, else the target."""
        return self.routes[0][1:].partition(">")[0] if self.routes else self.target


def contact_uri(message: Message) -> str:
    """The URI of the Contact that makes a dialog's remote target. Raises BadMessage where there is none to use."""
    contact = message.first.get("contact")
    if contact is None:
        raise BadMessage(400, "Contact is missing")
    return _read_contact(contact)


@remembered(1_024)  # the Contacts of trunks are few
def _read_contact(value: str) -> str:
    return _sip_address(first_of(value), "Contact")[0]


def route_set(message: Message) -> list[str]:
    """The Record-Route entries of a message in their order, each as ``<uri>`` with its parameters; or BadMessage."""
    values = message.all("record-route")
    if len(values) + sum([value.count(",") for value in values]) > _MOST_ROUTES:  # before anything is made of them
        raise BadMessage(400, "Record-Route: more entries than a request has hops")
    return [_read_route(entry) for value in values for entry in split_list(value)]


@remembered(1_024)
def _read_route(entry: str) -> str:
    uri, params = _sip_address(entry, "Record-Route")
    return f"<{uri}>{params}"


def _sip_address(value: str, header: str) -> tuple[str, str]:
    """An address that requests can be sent to, since it becomes their Request-URI or Route: URI and parameters."""
    _, uri, params = parse_name_addr(value, header)
    if len(uri) > DEFAULT_LIMITS.uri:
        raise BadMessage(400, f"{header}: longer than a Request-URI may be")
    try:
        parsed = parse_uri(uri)
    except BadUri as error:
        raise BadMessage(400, f"{header}: not a URI") from error
    if not isinstance(parsed, SipUri):
        raise BadMessage(400, f"{header}: not a SIP URI")
    return uri, params


def _follow(target: str, routes: tuple[str, ...]) -> tuple[str, str]:
    """Request-URI and Route lines for a route set (§12.2.1.1): loose routing, or strict where the first hop asks."""
    uri = parse_uri(routes[0][1:].partition(">")[0])
    if isinstance(uri, SipUri) and "lr" not in uri.params:
        return str(uri), "".join(f"Route: {route}\r\n" for route in (*routes[1:], f"<{target}>"))
    return target, "".join(f"Route: {route}\r\n" for route in routes)
