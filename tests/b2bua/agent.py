"""User agents that keep to RFC 3261, over any network: what is lost they say again, and what is doubled counts once.

Lives here: transactions (§17), and what an `End` of a call makes of them (§12 to §15, RFC 3264, RFC 3311). What an end
likes to do, `conduct.py` says. Nothing here is shared with the router.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.b2bua.leg import Leg, Party
from tests.b2bua.network import Network
from tests.b2bua.stage import HOME, Address
from tests.end_to_end.wire import Wire, sdp, tag_of, uri_of, user_of

if TYPE_CHECKING:
    from tests.b2bua.conduct import Conduct

T1: Final = 0.5
T2: Final = 4.0
GIVE_UP: Final = 64 * T1

CALLING: Final = "calling"
RINGING: Final = "ringing"
UP: Final = "up"
OVER: Final = "over"


class Asked:
    """A request of an end, said again until it is answered. ``final`` is the code that it got, ``ack`` its ACK."""

    def __init__(self, end: "End", request: Wire) -> None:
        self.end = end
        self.request = request
        self.provisional = False
        self.final = 0
        self.ack: Wire | None = None
        self.wish: Callable[[], object] = lambda: None
        """What is done again when it was refused with 491."""
        self._ends = end.network.now + GIVE_UP
        self._say(T1)

    @property
    def method(self) -> str:
        return self.request.method

    def _say(self, interval: float) -> None:
        self.end.party.says(self.request)
        if not self.end.network.reliable:
            self.end.network.later(interval, lambda: self._again(interval))
        self.end.network.later(GIVE_UP, self.give_up)

    def _again(self, interval: float) -> None:
        if self.final or (self.provisional and self.method == "INVITE") or self.end.network.now >= self._ends:
            return
        self.end.party.says(self.request)
        slower = 2 * interval if self.method == "INVITE" else T2 if self.provisional else min(2 * interval, T2)
        self.end.network.later(slower, lambda: self._again(slower))

    def give_up(self) -> None:
        """Timer B or F, or the connection is lost: nothing will come."""
        if not self.final and not (self.provisional and self.method == "INVITE"):
            self.final = 408
            self.end.is_answered(self, None)

    def hear(self, response: Wire) -> None:
        """A response. Every final one to an INVITE is acknowledged, each time that it comes."""
        code = response.code
        if code < 200:
            self.provisional = True
            return
        first, self.final = not self.final, self.final or code
        if self.method == "INVITE":
            if first and code >= 300:
                self.end.final = response
                self.ack = self.end.ack()
            elif not first and self.ack is not None:
                self.end.party.says(self.ack)
        if first:
            self.end.is_answered(self, response)


class Heard:
    """A request that an end has heard, and its last answer, said again when the request comes again.

    The final answer to an INVITE is said again by itself until its ACK comes (§17.2.1, §13.3.1.4).
    """

    def __init__(self, end: "End", request: Wire) -> None:
        self.end = end
        self.request = request
        self.answer: Wire | None = None
        self.final = 0
        self.acknowledged = False
        self.offer = 0
        """The version of the offer in our 2xx, whose answer is to be in the ACK."""

    def says(self, code: int, *headers: str, body: bytes = b"") -> None:
        """Answers it, unless there is a final answer already."""
        if self.final:
            return
        self.answer = self.end.answers(self.request, code, *headers, body=body)
        if code >= 200:
            self.final = code
            if self.request.method == "INVITE" and (code < 300 or not self.end.network.reliable):
                began = self.end.network.now
                self.end.network.later(T1, lambda: self._again(T1, began))

    def again(self) -> None:
        """The request has come again."""
        if self.answer is not None:
            self.end.party.says(self.answer)

    def _again(self, interval: float, began: float) -> None:
        if self.acknowledged:
            return
        if self.end.network.now - began >= GIVE_UP:
            if self.final < 300 and self.end.state == UP:
                self.acknowledged = self.end.in_vain = True
                self.end.hang_up()
            return
        self.again()
        slower = min(2 * interval, T2)
        self.end.network.later(slower, lambda: self._again(slower, began))


class End(Leg):
    """An end of a call. ``state`` is its own idea of the call, ``result`` the final code of the INVITE it began with.

    ``agreed`` are the versions of the session description that it takes to be in force: its own, and the other's.
    """

    party: "Agent"

    def __init__(self, party: "Agent", call_id: str, local: str, remote: str, target: str, name: str) -> None:
        super().__init__(party, call_id, local, remote, target)
        self.network = party.network
        self.name = name
        self.state = CALLING
        self.result = 0
        self.version = 0
        self.agreed = (0, 0)
        self.cancelled = False
        self.in_vain = False
        """Whether an answer of its got no ACK however often it was said."""
        self.asked: dict[tuple[str, str], Asked] = {}
        self.heard: dict[tuple[str, str], Heard] = {}
        self._remote_seq = 0
        self._seen = 0

    # What it says

    def media(self) -> bytes:
        """Its next session description. Each has a version of its own."""
        self.version += 1
        return sdp(self.party.address[0], session=7, version=self.version, extra=[f"a=x-version:{self.version}"])

    def begin(self, method: str, *headers: str, body: bytes = b"") -> Asked:
        """Sends a request of this end in a transaction."""
        return self.go(self.request(method, *headers, body=body))

    def go(self, request: Wire) -> Asked:
        key = (request.branch, request.method)
        self.asked[key] = Asked(self, request)
        return self.asked[key]

    def negotiate(self, method: str, offers: bool = True) -> None:
        """Offers anew in an INVITE or UPDATE, or asks for an offer, unless a negotiation is open (RFC 3261 §14.1)."""
        if self.state != UP or self.is_offering() or self.is_offered():
            return
        began = self.begin(method, body=self.media() if offers else b"")
        began.wish = lambda: self.negotiate(method, offers)

    def cancel_call(self) -> None:
        """Cancels the INVITE that it began with, as soon as that may be (§9.1)."""
        invite = self.asked[self.invite.branch, "INVITE"]
        if invite.final or self.cancelled:
            return
        if not invite.provisional:
            self.network.later(T1, self.cancel_call)
            return
        self.cancelled = True
        self.go(self.cancellation())
        self.network.later(GIVE_UP, self._not_cancelled)

    def _not_cancelled(self) -> None:
        invite = self.asked[self.invite.branch, "INVITE"]
        if not invite.final:
            invite.final = self.result = 487
            self.state = OVER

    def hang_up(self) -> None:
        """Ends the call; who was called, not before his 2xx is acknowledged (§15)."""
        if self.state != UP:
            return
        accepted = (each for each in self.heard.values() if each.request.method == "INVITE" and 200 <= each.final < 300)
        if not all(each.acknowledged for each in accepted):
            self.network.later(T1, self.hang_up)
            return
        self.state = OVER
        self.begin("BYE")

    def is_offering(self) -> bool:
        """Whether an offer of ours, or our request for one, has no answer yet."""
        asking = any(not each.final and each.method in ("INVITE", "UPDATE") for each in self.asked.values())
        return asking or any(each.offer and not each.acknowledged for each in self.heard.values())

    def is_offered(self) -> bool:
        """Whether we have not answered an INVITE yet."""
        return any(not each.final and each.request.method == "INVITE" for each in self.heard.values())

    # What it hears

    def hear(self, message: Wire) -> None:
        """Anything of this call."""
        if message.code:
            asked = self.asked.get((message.branch, message.cseq_method))
            if asked is not None:
                asked.hear(message)
        elif message.method == "ACK":
            self._acknowledged(message)
        elif (known := self.heard.get((message.branch, message.method))) is not None:
            known.again()
        else:
            heard = self.heard[message.branch, message.method] = Heard(self, message)
            self._request(heard, message)

    def _acknowledged(self, ack: Wire) -> None:
        for heard in self.heard.values():
            if heard.request.method == "INVITE" and heard.request.cseq == ack.cseq and not heard.acknowledged:
                if not heard.final:
                    raise AssertionError(f"an ACK of what has no final answer yet:\n{ack}")
                heard.acknowledged = True
                if heard.offer and ack.body:  # without an answer in it a BYE comes right behind it
                    self.agreed = (heard.offer, self.read(ack))
                if heard.request is self.invite and heard.final < 300 and self.state == UP:
                    self.party.conduct.stands(self)

    def _request(self, heard: Heard, request: Wire) -> None:
        method = request.method
        if method == "CANCEL":
            self._is_cancelled(heard, request)
        elif request is self.invite:
            self.state = RINGING
            self.party.conduct.rings(heard)
        elif self.state == OVER:
            heard.says(481)
        elif request.cseq < self._remote_seq:
            heard.says(500)
        else:
            self._remote_seq = request.cseq
            self._inside(heard, request)

    def _inside(self, heard: Heard, request: Wire) -> None:
        method = request.method
        if method == "BYE":
            heard.says(200)
            self.state = OVER
            for each in self.heard.values():
                if each.request.method == "INVITE":
                    each.says(487)
        elif method in ("INVITE", "UPDATE"):
            if self.is_offering():
                heard.says(491)
            elif any(not each.final for each in self.heard.values() if each is not heard):
                heard.says(500, "Retry-After: 1")
            else:
                self.party.conduct.is_asked(heard)
        else:
            heard.says(200)

    def _is_cancelled(self, heard: Heard, cancel: Wire) -> None:
        invite = self.heard.get((cancel.branch, "INVITE"))
        if invite is None:
            heard.says(481)
            return
        heard.says(200)
        if not invite.final:
            invite.says(487)
            if invite.request is self.invite:
                self.state, self.result = OVER, 487

    def accepts(self, heard: Heard) -> None:
        """200 to an INVITE or UPDATE, with an answer to its offer, or with an offer of ours where it has none."""
        if heard.final:
            return
        body = self.media() if heard.request.body or heard.request.method == "INVITE" else b""
        if heard.request.body:
            self.agreed = (self.version, self.read(heard.request))
        elif heard.request.method == "INVITE":
            heard.offer = self.version
        if heard.request is self.invite:
            self.state, self.result = UP, 200
        heard.says(200, body=body)

    def refuses_it(self, heard: Heard, code: int) -> None:
        """A final answer that is no 2xx."""
        if not heard.final and heard.request is self.invite:
            self.state, self.result = OVER, code
        heard.says(code)

    def is_answered(self, asked: Asked, response: Wire | None) -> None:
        """The first final answer to a request, or None: there will be none."""
        code, method = asked.final, asked.method
        accepted = method == "INVITE" and response is not None and code < 300
        if asked.request is self.invite:
            self.result = code
            if accepted and response is not None:
                self._is_accepted(asked, response)
                self.state = UP
                if self.cancelled:
                    self.hang_up()
                else:
                    self.party.conduct.stands(self)
            else:
                self.state = OVER
        elif accepted and response is not None:
            self._is_accepted(asked, response)
        elif method == "UPDATE" and code < 300 and response is not None:
            self.agreed = (int(_version(asked.request.body)), self.read(response))
        elif code in (408, 481) and method not in ("BYE", "CANCEL"):
            self.hang_up()
        elif code == 491:
            self.network.later(self.network.dice.uniform(0, 4), asked.wish)

    def _is_accepted(self, asked: Asked, response: Wire) -> None:
        self.final = response
        self.remote, self.target = response.get("To"), uri_of(response.get("Contact"))
        if asked.request.body:
            self.agreed = (int(_version(asked.request.body)), self.read(response))
            asked.ack = self.ack()
        else:
            theirs = self.read(response)
            asked.ack = self.ack(self.media())
            self.agreed = (self.version, theirs)

    def read(self, message: Wire) -> int:
        """The version of the other's SDP; a new one has a higher number in its o= line, too (RFC 3264 §8)."""
        found = int(_version(message.body))
        origin = re.search(rb"^o=- \d+ (\d+) ", message.body, re.MULTILINE)
        assert origin, message
        if found > self.agreed[1] and self.agreed[1]:
            assert int(origin[1]) > self._seen, f"o= of new SDP goes from {self._seen} to {int(origin[1])}"
        self._seen = int(origin[1])
        return found


def _version(body: bytes) -> bytes:
    found = re.search(rb"^a=x-version:(\d+)", body, re.MULTILINE)
    assert found, body
    return found[1]


class Agent(Party):
    """A user agent with any number of calls, by their Call-ID."""

    def __init__(self, address: Address, network: Network, conduct: "Conduct") -> None:
        super().__init__(address, HOME, lambda message, _: self._send(message))
        self.network = network
        self.conduct = conduct
        self.ends: dict[str, End] = {}

    def _send(self, message: Wire) -> None:
        stage, data = self.network.stage, message.encode()
        self.network.carry(self.address, lambda: stage.router.receive(data, self.address, stage.line))

    def take(self, message: Wire) -> None:
        """The router has sent something here: some time or other it may arrive."""
        self.network.carry(self.address, lambda: self.hear(message))

    def hear(self, message: Wire) -> None:
        """A message has arrived."""
        end = self.ends.get(message.get("Call-ID"))
        if end is None and message.method == "INVITE" and not tag_of(message.get("To")):
            end = self._is_called(message)
        if end is not None:
            end.hear(message)
        elif message.method and message.method != "ACK":
            Leg(self, message.get("Call-ID"), message.get("To"), "", "").answers(message, 481)

    def _is_called(self, invite: Wire) -> End:
        self.unheard.append(invite)
        leg = self.is_called()
        name = user_of(uri_of(invite.get("From")))
        end = End(self, leg.call_id, leg.local, leg.remote, leg.target, name)
        end.invite = invite
        self.ends[end.call_id] = end
        return end

    def call(self, called: str, name: str, offers: bool = True) -> End:
        """Calls, with a calling number that no other call has."""
        leg_of = f'"A. Caller" <sip:{name}@{self.address[0]}>;tag=a{name[1:]}'
        uri = "sip:{}@{}:{}".format(called, *self.router)
        end = End(self, f"call-{name[1:]}", leg_of, f"<sip:{called}@{self.router[0]}>", uri, name)
        self.ends[end.call_id] = end
        end.invite = end.request("INVITE", body=end.media() if offers else b"")
        end.go(end.invite)
        return end

    def is_cut_off(self) -> None:
        """Its connection is lost: what nothing was heard of has failed (§17.1.4)."""
        for end in list(self.ends.values()):
            for asked in list(end.asked.values()):
                if not asked.provisional:
                    asked.give_up()
