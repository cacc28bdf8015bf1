"""What a trunk has to show who it is, and the requests that are sent once more with it (RFC 3261 §22.1 to §22.3).

Credentials are shown to a trunk's own targets and its registrar alone, in whichever of its requests: a challenge from
anywhere else is an answer like any other. A request is sent at most three times: with what is known already, with an
answer to its challenge, and once more where that was only stale or another realm wants an answer, too. What a challenge
has said is kept by target and realm, so that later requests show it without being asked (§22.2), counted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.trunks.large import send_large
from edge_router.b2bua.trunks.leaving import LARGEST_BY_UDP
from edge_router.sip.digest import Session, read_challenges
from edge_router.sip.requests import credentials_in, with_credentials
from edge_router.sip.tokens import new_branch

if TYPE_CHECKING:
    from edge_router.b2bua.trunks.endpoint import Endpoint
    from edge_router.b2bua.trunks.live_trunk import LiveTrunk
    from edge_router.dialplan.trunk import Login
    from edge_router.sip.dialog import Dialog
    from edge_router.sip.digest import Challenge
    from edge_router.sip.message import Response
    from edge_router.sip.transaction import ClientTransaction, ClientUser

MOST_TRIES: Final = 2
"""How often one request is sent once more because it was challenged."""
_MOST_HOSTS: Final = 32
_MOST_REALMS: Final = 4  # of one host; each costs a line in every request that goes there
_Key = tuple[bool, str]  # whether it is a proxy's, and the realm


class Credentials:
    """A trunk's user name and password, and what its targets have asked of them."""

    __slots__ = ("_sessions", "login")

    def __init__(self, login: Login) -> None:
        self.login = login
        self._sessions: dict[str, dict[_Key, Session]] = {}

    def lines(self, host: str, method: str, uri: str) -> str:
        """The header lines that a request to this host shows, "" as long as it has asked for none."""
        sessions = self._sessions.get(host)
        return "" if sessions is None else "".join([each.line(method, uri) for each in sessions.values()])

    def learn(self, host: str, response: Response, shown: str, first: bool) -> bool:
        """Takes in the challenges of a response; False where there is nothing more to be said to them.

        ``shown`` are the lines that the request had. ``first`` says that they were shown without being asked for: then
        a new nonce says nothing against the password.
        """
        learned = False
        for challenge in read_challenges(response):
            if self.login.realm is not None and challenge.realm != self.login.realm:
                continue
            sessions = self._sessions.get(host, {})
            key = challenge.proxy, challenge.realm
            renewed = challenge.stale or (first and not challenge.nonce_in(shown))
            if challenge.realm_in(shown) and not renewed:  # it knows them, and doesn't want them
                sessions.pop(key, None)
                continue
            learned = True
            session = sessions.get(key)
            if session is None or not session.challenge.is_repeated(challenge):
                self._keep(host, key, challenge)
        return learned

    def forget(self, host: str) -> None:
        """Shows this host nothing any more until it asks."""
        self._sessions.pop(host, None)

    def _keep(self, host: str, key: _Key, challenge: Challenge) -> None:
        sessions = self._sessions.pop(host, {})
        sessions.pop(key, None)
        if len(sessions) >= _MOST_REALMS:
            del sessions[next(iter(sessions))]
        if len(self._sessions) >= _MOST_HOSTS:
            del self._sessions[next(iter(self._sessions))]
        sessions[key] = Session(challenge, self.login.username, self.login.password.reveal())
        self._sessions[host] = sessions


def shown_to(trunk: LiveTrunk, host: str, method: str, uri: str) -> str:
    """The header lines by which a request of ours shows who we are, without being asked; mostly ""."""
    credentials = trunk.credentials
    if credentials is None or not trunk.is_its_own(host):
        return ""
    return credentials.lines(host, method, uri)


def sent_again(
    endpoint: Endpoint,
    trunk: LiveTrunk,
    transaction: ClientTransaction,
    response: Response,
    user: ClientUser,
    dialog: Dialog | None = None,
) -> ClientTransaction | None:
    """Sends a request that was challenged once more, with credentials; None where that can't be, or is no use.

    It is the same request with a CSeq number of its own, the next one of ``dialog`` if it is in one, and its answers
    come to ``user``.
    """
    credentials, request = trunk.credentials, transaction.challenged
    if credentials is None or not request or transaction.method == "CANCEL":  # which nobody may challenge (§22.1)
        return None
    host = transaction.address[0]
    if not trunk.is_its_own(host):
        return None
    if transaction.tries >= MOST_TRIES:
        credentials.forget(host)
        return None
    if not credentials.learn(host, response, credentials_in(request), transaction.tries == 0):
        return None
    method, uri = request.partition(b" SIP/2.0\r\n")[0].decode("utf-8", "surrogateescape").split(" ", 1)
    number = number_of(request) + 1
    if dialog is not None:
        number = dialog.local_seq = max(dialog.local_seq + 1, number)
    branch, listener = new_branch(), transaction.transport
    message = with_credentials(request, listener.via + branch, number, credentials.lines(host, method, uri))
    endpoint.observer.request("out", method, trunk.name)
    if len(request) <= LARGEST_BY_UDP < len(message):  # else its way was chosen with its size in view
        again = send_large(endpoint, trunk, method, branch, message, listener, transaction.address, user)
    else:
        again = endpoint.transactions.send(method, branch, message, listener, transaction.address, user)
    again.tries = transaction.tries + 1
    return again


def number_of(request: bytes) -> int:
    """The CSeq number of a request of ours."""
    return int(request.partition(b"\r\nCSeq: ")[2].partition(b" ")[0])
