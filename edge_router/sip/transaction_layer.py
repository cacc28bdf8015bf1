"""Finds the transaction that a message belongs to, and makes new ones (RFC 3261 §17.1.3, §17.2.3, §8.2.2.2).

Lives here: the tables of running transactions and their keys. Sans-IO: transports and the timer wheel are handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_router.sip.detour import Detour, as_said_by
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import Via, branch_of, find_param, first_of, parse_cseq, parse_via, tag_of
from edge_router.sip.message import Request
from edge_router.sip.remember import remembered
from edge_router.sip.tokens import BRANCH_COOKIE
from edge_router.sip.transaction import (
    ACCEPTED,
    CALLING,
    PROCEEDING,
    TERMINATED,
    TRYING,
    Address,
    ClientTransaction,
    ClientUser,
    ServerTransaction,
    Transaction,
    Transport,
)

if TYPE_CHECKING:
    from edge_router.sip.message import Response
    from edge_router.sip.timers import TimerWheel


class Arrival:
    """A request as it arrived by ``transport`` from ``source``; ``key`` ties it to its transaction."""

    __slots__ = ("_merge_key", "key", "request", "source", "transport", "via")

    def __init__(self, request: Request, via: Via, key: str, transport: Transport, source: Address) -> None:
        self.request = request
        self.via = via
        self.key = key
        self.transport = transport
        self.source = source
        self._merge_key = 0

    @property
    def merge_key(self) -> int:
        """The request's identity but for its way here; a hash, since each INVITE of 64*T1 has one. 0 is none."""
        if not self._merge_key:
            first = self.request.first
            self._merge_key = hash((first["call-id"], tag_of(first["from"]), first["cseq"]))
        return self._merge_key


class TransactionLayer:
    """All running transactions. ``retransmitted`` and ``repeated`` count messages sent and received again."""

    def __init__(self, wheel: TimerWheel) -> None:
        self.wheel = wheel
        self.retransmitted = 0
        self.repeated = 0
        self._clients: dict[str, ClientTransaction] = {}
        self._servers: dict[str, ServerTransaction] = {}
        self._merged: set[int] = set()
        # By transport and address, those whose messages go by a connection, which may break.
        self._connected: dict[tuple[Transport, Address], dict[str, Transaction]] = {}

    def __len__(self) -> int:
        """How many transactions run, those included that only wait for retransmissions."""
        return len(self._clients) + len(self._servers)

    @property
    def unanswered(self) -> int:
        """How many requests of ours wait for a final response."""
        return sum(each.state in (CALLING, TRYING, PROCEEDING) for each in self._clients.values())

    def tidy(self) -> None:
        """Gives back the room of empty tables: a dictionary keeps what it once needed until it is cleared."""
        if not self._clients:
            self._clients.clear()
        if not self._servers:
            self._servers.clear()
            self._merged.clear()

    def send(
        self, method: str, branch: str, message: bytes, transport: Transport, address: Address, user: ClientUser | None
    ) -> ClientTransaction:
        """Sends a request of ours in a new client transaction; ``branch`` is that of its Via."""
        key = branch + "CANCEL" if method == "CANCEL" else branch
        transaction = ClientTransaction(self, transport, address, key, method, message, user)
        self._clients[key] = transaction
        if transport.reliable:
            self._connect(transaction)
        return transaction

    def send_by_tcp_first(
        self,
        method: str,
        branch: str,
        message: bytes,
        tcp: Transport,
        address: Address,
        user: ClientUser | None,
        udp: Transport,
        patience: float,
    ) -> ClientTransaction:
        """Sends a large request of ours, made for UDP, as detour.py has it."""
        transaction = Detour(self, tcp, address, branch, method, as_said_by(tcp, udp, message), user)
        transaction.may_return(udp, patience)
        self._clients[branch] = transaction
        self._connect(transaction)
        return transaction

    def receive_response(self, response: Response) -> ClientTransaction | None:
        """Hands a response to its transaction; returns that, or None where there is none (a stray is dropped)."""
        first = response.first
        via = first.get("via", "")
        key = branch_of(via)
        method = _method_in(first.get("cseq", ""))
        if method == "CANCEL":
            key += "CANCEL"
        transaction = self._clients.get(key)
        if transaction is None or method != transaction.method:
            return None
        ours = transaction.transport.via
        usual = via.startswith(ours) and "," not in via and len(first) == len(response.fields)
        if not (usual or _is_ours(response, via, ours)) and not (
            isinstance(transaction, Detour) and _is_ours(response, via, transaction.other.via)
        ):
            return None
        code = response.code
        transaction.fire("1xx" if code < 200 else "2xx" if code < 300 else "3xx-6xx", response)
        return transaction

    def invite_of(self, cancel: Arrival) -> ServerTransaction | None:
        """The INVITE that a CANCEL speaks of."""
        return self._servers.get(_key(cancel.request, cancel.via, "INVITE"))

    def receive(self, arrival: Arrival) -> bool:
        """Takes in a retransmission or the ACK of a failure: True where a transaction did.

        The ACK of a 2xx is the user's, also where its sender gave it the branch of the INVITE (RFC 6026 §7.1).
        """
        transaction = self._servers.get(arrival.key)
        if transaction is None:
            return False
        if arrival.request.method == "ACK":
            if transaction.state == ACCEPTED:
                return False
            transaction.fire("ACK")
        else:
            self.repeated += 1
            if transaction.transport.reliable and transaction.address != arrival.source:
                self._follow(transaction, arrival)
            transaction.fire("request")
        return True

    def serve(self, arrival: Arrival) -> ServerTransaction:
        """A new server transaction. Its answers go where RFC 3261 §18.2.2 and RFC 3581 say."""
        request, via, transport, source = arrival.request, arrival.via, arrival.transport, arrival.source
        address = response_address(via, source, transport.reliable)
        vias = response_vias(request, via, source)
        transaction = ServerTransaction(self, transport, source, address, arrival.key, request, vias)
        self._servers[arrival.key] = transaction
        if transport.reliable:
            self._connect(transaction)
        return transaction

    def merged(self, arrival: Arrival) -> bool:
        """Whether an INVITE whose transaction runs still came here before by another way (RFC 3261 §8.2.2.2)."""
        return arrival.merge_key in self._merged

    def remember(self, arrival: Arrival, transaction: ServerTransaction) -> None:
        """Keeps an INVITE's identity for ``merged`` as long as its transaction runs."""
        transaction.merge_key = arrival.merge_key
        self._merged.add(transaction.merge_key)

    def remove(self, transaction: Transaction) -> None:
        """Forgets a transaction, and makes it let go of what it holds: a timer may yet keep it for a while."""
        transaction.state = TERMINATED
        transaction.message = b""
        if transaction.transport.reliable:
            self.disconnect(transaction)
        if isinstance(transaction, ServerTransaction):
            self._servers.pop(transaction.key, None)
            self._merged.discard(transaction.merge_key)
            transaction.user = None
        elif isinstance(transaction, ClientTransaction):
            self._clients.pop(transaction.key, None)
            transaction.user = None

    def _connect(self, transaction: Transaction) -> None:
        place = transaction.transport, transaction.address
        self._connected.setdefault(place, {})[_name_of(transaction)] = transaction

    def disconnect(self, transaction: Transaction) -> None:
        """From now on the loss of its connection is nothing to this transaction."""
        place = transaction.transport, transaction.address
        those = self._connected.get(place)
        if those is not None:
            those.pop(_name_of(transaction), None)
            if not those:
                del self._connected[place]

    def _follow(self, transaction: ServerTransaction, arrival: Arrival) -> None:
        """A request that came again by another connection is answered by that: the first one may be gone."""
        if arrival.transport.name == transaction.transport.name and arrival.source[0] == transaction.source[0]:
            self.disconnect(transaction)
            transaction.transport, transaction.address = arrival.transport, arrival.source
            self._connect(transaction)

    def lost(self, transport: Transport, address: Address) -> None:
        """A connection is gone, or couldn't be had.

        An INVITE of ours that nothing has been heard of has failed (RFC 3261 §17.1.4), so that hunting goes on. Any
        other request is said once more by another connection, for it may have been lost with this one, and a BYE that
        nobody heard would leave the other end in a call; one that did arrive is only repeated. Answers that are still
        owed go by another connection, to the port that the request's sender has named (§18.2.2).
        """
        for transaction in list(self._connected.pop((transport, address), {}).values()):
            if isinstance(transaction, ClientTransaction):
                self._connect(transaction)  # it may go on by another connection
                if not transaction.say_once_more():
                    transaction.fire("transport error")
            elif isinstance(transaction, ServerTransaction):
                port = transaction.named_port()
                if port:
                    transaction.address = (address[0], port)
                self._connect(transaction)


@remembered(1_024)  # dialogs are short
def _method_in(cseq: str) -> str:
    """The method of a CSeq, whatever stands before it."""
    return cseq.replace("\t", " ").rpartition(" ")[2]


def _name_of(transaction: Transaction) -> str:
    return f"{'c' if isinstance(transaction, ClientTransaction) else 's'} {transaction.key}"


def arrived(request: Request, transport: Transport, source: Address) -> Arrival:
    """Reads what ties a request to its transaction; raises BadMessage where Via or CSeq can't be read."""
    via = parse_via(request.first["via"])
    return Arrival(request, via, _key(request, via, request.method), transport, source)


def _key(request: Request, via: Via, method: str) -> str:
    """What ties a request to its transaction: branch, sent-by and method; an ACK belongs to its INVITE."""
    if method == "ACK":
        method = "INVITE"
    if via.branch.startswith(BRANCH_COOKIE) and via.branch != BRANCH_COOKIE:
        return f"{via.branch} {via.sent_by} {method}"
    # RFC 2543 has no unique branch, nor has the bare cookie (RFC 4475 §3.2.1). The To tag is left out, since the ACK
    # has one that the INVITE lacks.
    first = request.first
    number = parse_cseq(first["cseq"]).number
    return f"{request.uri} {tag_of(first['from'])} {first['call-id']} {number} {first['via']} {method}"


def response_address(via: Via, source: Address, reliable: bool = False) -> Address:
    """Where the answers to a request go: RFC 3261 §18.2.2 and RFC 3581 §4."""
    port = source[1] if via.rport or reliable else via.port or 5060
    return source if port == source[1] else (source[0], port)


def response_vias(request: Request, via: Via, source: Address) -> str:
    """The Via lines of a response: the request's, the topmost with received and rport where they are due."""
    first = request.first["via"]
    if first.endswith(";rport") and "," not in first and '"' not in first:  # the usual place, and the usual form
        first = f"{first}={source[1]};received={source[0]}"
    elif via.rport or via.host != source[0]:
        top = first_of(first)  # received and rport go to the end of the topmost
        rest = first[len(top) :]
        if via.rport:
            top = _with_rport(top, source[1])
        first = f"{top};received={source[0]}{rest}"
    if len(request.first) == len(request.fields):
        return f"Via: {first}\r\n"
    others = request.all("via")[1:]
    return "".join([f"Via: {value}\r\n" for value in (first, *others)])


def _with_rport(via: str, port: int) -> str:
    """A Via with our value for its rport parameter, whatever value a forger gave it."""
    head, _, params = via.partition(";")
    found = find_param(params, "rport")
    return f"{head};{params[: found.end('name')]}={port}{params[found.end() :]}" if found else via


def _is_ours(response: Response, via: str, ours: str) -> bool:
    """Whether a response has one Via, and that ours (RFC 3261 §8.1.3.3, §18.1.2), in whatever spelling."""
    if len(response.all("via")) > 1 or first_of(via) != via:
        return False
    try:
        return _sender(parse_via(via)) == _sender(parse_via(f"{ours}x"))
    except BadMessage:
        return False


def _sender(via: Via) -> tuple[str, str, int]:
    return via.transport, via.host.lower(), via.port or 5060
