"""A storm: ends that do what they like, and a network that loses, doubles and reorders what they say.

Everything comes from one seed, so a storm that has done harm can be had again. In the end the weather clears: what
is heard is answered as it should be, every end hangs up on whatever it believes to be a call, and time passes.
"""

import heapq
import itertools
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Final
from urllib.parse import quote

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.leg import Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, HOME, PREMISE_ONLY, REDIRECTED, REFERRED, REJECTED, Address, Stage
from tests.end_to_end.wire import Wire, tag_of

STRANGER: Final = ("203.0.113.66", 5060)
DEAF: Final = ("198.51.100.9", 5060)
"""Of the carrier's trunk, but nobody listens there."""

CALLED: Final = [PREMISE_ONLY, CLOUD_FIRST, CLOUD_FIRST, REFERRED, REFERRED, REFERRED, REDIRECTED, REJECTED]
ANSWERS: Final = [
    [],
    [100],
    [180],
    [100, 180, 200],
    [183, 200],
    [180, 183, 180, 200],
    [200],
    [200, 200],
    [100, 100, 500],
    [183, 500],
    [180, 486],
    [503],
    [302],
    [401],
    [603, 200],
    [200, 500],
]
"""What a callee says to an INVITE, in this order unless the network has another one."""

AGAIN: Final = [[100], [200], [200], [200], [180, 200], [100, 180, 200], [200, 200], [488], [180, 491], [481], []]
"""What is said to an INVITE within a call."""

SPOKEN: Final = [[], ["Supported: 100rel"], ["Supported: 100rel"], ["Require: 100rel"]]
"""What a caller says of reliable provisional responses."""

FRAGMENTS: Final = ["100 Trying", "180 Ringing", "200 OK", "486 Busy Here", "", "nonsense"]
WITHIN: Final = [
    "OPTIONS",
    "INFO",
    "MESSAGE",
    "UPDATE",
    "UPDATE",
    "INVITE",
    "INVITE",
    "NOTIFY",
    "REFER",
    "REFER",
    "REFER",
    "PRACK",
    "DANCE",
]


class Restless(Party):
    """An end that answers as the dice fall; ``calm`` says that it behaves from now on."""

    def __init__(self, address: Address, storm: "Storm") -> None:
        super().__init__(address, HOME, lambda message, _: storm.carry(lambda: storm.arrives(message, address)))
        self.storm = storm
        self.legs: dict[str, Leg] = {}
        self.number = 1

    def take(self, message: Wire) -> None:
        self.storm.carry(lambda: self.hear(message))

    def call(self) -> None:
        """Calls somebody, with or without an offer."""
        dice = self.storm.dice
        leg = self.calls(dice.choice(CALLED), *dice.choice(SPOKEN), body=dice.choice([None, None, b""]))
        self.legs[leg.call_id] = leg
        self.storm.begun.append((self.storm.stage.clock(), leg))
        if dice.random() < 0.1:
            self.storm.later(dice.random(), leg.cancel)

    def hear(self, message: Wire) -> None:
        """Reacts to what has come."""
        leg = self.legs.get(message.get("Call-ID"))
        if message.code:
            if leg is not None and message.cseq_method == "INVITE":
                self._answered(leg, message)
        elif message.method == "INVITE" and not tag_of(message.get("To")):
            self._called(leg, message)
        elif leg is not None:
            self._asked(leg, message)

    def _called(self, leg: Leg | None, message: Wire) -> None:
        storm, dice = self.storm, self.storm.dice
        if leg is None:
            self.unheard.append(message)
            leg = self.legs[message.get("Call-ID")] = self.is_called()
        elif not storm.calm:
            return
        when = 0.0
        for code in [486] if storm.calm else dice.choice(ANSWERS):
            media = self.sdp if code in (183, 200) and dice.random() < 0.8 else b""
            lines = self._reliably(message) if 100 < code < 200 else []
            says = partial(leg.says, code, *lines, body=media)
            storm.later(when, says)
            if lines and dice.random() < 0.5:
                storm.later(when + 0.5, says)
            when += dice.choice([0, 0, 0.3, 3, 8])
        if dice.random() < 0.1:
            storm.later(when, lambda: setattr(leg, "local", f"{leg.local}f"))  # the next answer is another's

    def _reliably(self, invite: Wire) -> list[str]:
        """The lines of a reliable provisional response, if it is one; its number is mostly the next."""
        dice = self.storm.dice
        if "100rel" not in invite.get("Supported") or dice.random() < 0.4:
            return []
        self.number += dice.choice([1, 1, 1, 1, 1, 0, 2])
        return ["Require: 100rel", f"RSeq: {self.number}"]

    def _asked(self, leg: Leg, message: Wire) -> None:
        storm, dice = self.storm, self.storm.dice
        method = message.method
        if method == "ACK" and not storm.calm and dice.random() < 0.2:
            self._goes_on(leg)
        if method == "ACK" or (not storm.calm and dice.random() < 0.1):
            return
        if method == "CANCEL":
            leg.answers(message, 200)
            leg.says(487 if storm.calm or dice.random() < 0.8 else 200)
        elif method == "INVITE":
            when = 0.0
            for code in [488] if storm.calm else dice.choice(AGAIN):
                storm.later(when, lambda code=code: leg.answers(message, code, body=self.sdp))  # type: ignore[misc]
                when += dice.choice([0, 0, 0.3, 3])
        elif method == "REFER":
            self._referred(leg, message)
        else:
            leg.answers(message, 200 if storm.calm else dice.choice([200, 200, 481]))

    def _referred(self, leg: Leg, refer: Wire) -> None:
        storm, dice = self.storm, self.storm.dice
        if storm.calm:
            leg.answers(refer, 603)
            return
        for fragment in dice.sample(FRAGMENTS, dice.randrange(3)):
            storm.later(dice.choice([0, 0.5, 5]), lambda text=fragment: self._notify(leg, text))  # type: ignore[misc]
        storm.later(dice.choice([0, 0.2, 7]), lambda: leg.answers(refer, dice.choice([202, 202, 202, 603, 100])))

    def _notify(self, leg: Leg, fragment: str) -> None:
        state = self.storm.dice.choice(["active", "terminated;reason=noresource"])
        lines = ("Event: refer", f"Subscription-State: {state}", "Content-Type: message/sipfrag")
        leg.asks("NOTIFY", *lines, body=f"SIP/2.0 {fragment}\r\n".encode())

    def _goes_on(self, leg: Leg) -> None:
        """Asks for some things within the call, in the end perhaps for its end."""
        storm, dice = self.storm, self.storm.dice
        for method in [*dice.sample(WITHIN, dice.randrange(4)), *dice.choice([["BYE"], []])]:
            storm.later(dice.choice([0, 0, 0.1, 2, 10, 30]), lambda method=method: self._asks(leg, method))  # type: ignore[misc]

    def _asks(self, leg: Leg, method: str) -> None:
        if self.storm.calm:
            return
        dice = self.storm.dice
        headers = [self._refer_to(leg)] if method == "REFER" else []
        asked = leg.asks(method, *headers, body=dice.choice([self.sdp, b""]) if method in ("INVITE", "UPDATE") else b"")
        if method == "INVITE" and dice.random() < 0.2:
            cancel = leg.request("CANCEL", branch=asked.branch, seq=asked.cseq)
            self.storm.later(dice.choice([0, 0.1, 2]), lambda: self.says(cancel))

    def _refer_to(self, leg: Leg) -> str:
        """Where somebody may be sent: to a number, a target, nowhere, or to whom another leg of this end talks."""
        dice = self.storm.dice
        place = dice.choice([f"{CLOUD_FIRST}@192.0.2.1", "1@198.51.100.21", "2@198.51.100.31", "3@h.example"])
        other = dice.choice([leg, *self.legs.values()])
        if dice.random() < 0.5:
            return f"Refer-To: <sip:{place}>"
        return f"Refer-To: <sip:{place}?Replaces={quote(_replaces(other))}>"

    def take_over(self) -> None:
        """Calls to take somebody's place."""
        dice = self.storm.dice
        if self.legs:
            replaced = dice.choice([*self.legs.values()])
            leg = self.calls(dice.choice(CALLED), f"Replaces: {_replaces(replaced)}", body=dice.choice([None, b""]))
            self.legs[leg.call_id] = leg
            if dice.random() < 0.2:
                self.storm.later(dice.random(), leg.cancel)

    def _answered(self, leg: Leg, answer: Wire) -> None:
        storm, dice = self.storm, self.storm.dice
        if answer.cseq != leg.invite.cseq:  # to an INVITE within the call
            if answer.code >= 200 and (storm.calm or dice.random() < 0.9):
                branch = answer.branch if answer.code >= 300 else ""
                body = self.sdp if dice.random() < 0.5 else b""
                self.says(leg.request("ACK", branch=branch, seq=answer.cseq, body=body))
        elif answer.code >= 200:
            leg.learn(answer)
            if storm.calm or dice.random() < 0.9:
                late_offer = not leg.invite.body and answer.code < 300
                leg.ack(body=self.sdp if late_offer else b"")
            if not storm.calm and answer.code < 300:
                self._goes_on(leg)
        elif not storm.calm:
            leg.learn(answer)
            if answer.get("RSeq") and dice.random() < 0.8:
                rack = f"RAck: {answer.get('RSeq')} {answer.get('CSeq')}"
                leg.asks("PRACK", rack, body=dice.choice([b"", b"", b"", self.sdp]))
                self._goes_on(leg)
            if dice.random() < 0.1:
                leg.cancel()
            elif answer.code > 100 and dice.random() < 0.05:
                leg.asks("BYE")


def _replaces(leg: Leg) -> str:
    return f"{leg.call_id};to-tag={tag_of(leg.remote) or 'x'};from-tag={tag_of(leg.local)}"


class Storm:
    """A stage in a storm. ``begun`` are the calls, each with its time; ``calm`` says that it is over."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self.stage = stage
        self.dice = Random(seed)
        self.calm = False
        self.begun: list[tuple[float, Leg]] = []
        self._order = itertools.count()
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        parties = [Restless(address, self) for address in stage.line.parties]
        self.parties = {party.address: party for party in parties}
        stage.line.parties.update(self.parties)
        stage.line.deaf.update((DEAF[0], STRANGER[0]))

    def rages(self, calls: int) -> None:
        """So many calls begin, and everybody does as he likes."""
        carrier = self.parties[self.stage.carrier.address]
        for _ in range(calls):
            self.later(0, carrier.call)
            if self.dice.random() < 0.3:
                self.later(0, self._mischief)
            if self.dice.random() < 0.3:
                self.later(1, self.dice.choice([*self.parties.values()]).take_over)
            self.passes(self.dice.choice([0.1, 0.5, 3]))
        self.passes(40)

    def clears(self) -> None:
        """Everybody hangs up on what may be a call, and whatever is asked is answered."""
        self.calm = True
        for party in self.parties.values():
            for leg in party.legs.values():
                leg.asks("BYE")
        self.passes(200)

    def passes(self, seconds: float) -> None:
        """Lets time pass and carries what is due."""
        end = self.stage.clock() + seconds
        while self.stage.clock() < end:
            while self._due and self._due[0][0] <= self.stage.clock():
                heapq.heappop(self._due)[2]()
            self.stage.pass_time(0)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        """Does something so long from now."""
        heapq.heappush(self._due, (self.stage.clock() + seconds, next(self._order), action))

    def carry(self, delivery: Callable[[], object]) -> None:
        """Carries a message, if it likes: not at all, late, or twice."""
        if self.calm:
            self.later(0, delivery)
            return
        for _ in range(self.dice.choices([0, 1, 2], [8, 84, 8])[0]):
            self.later(self.dice.choice([0, 0, 0, 0.02, 0.4, 2]), delivery)

    def arrives(self, message: Wire, source: Address) -> None:
        """Something reaches the router."""
        self.stage.router.receive(message.encode(), source, self.stage.line)

    def _mischief(self) -> None:
        """Says something of a call again: as it was, from here or elsewhere, or with octets changed."""
        when, leg = self.dice.choice(self.begun)
        again = self.dice.choice([leg.invite, leg.cancellation(), leg.request("BYE"), leg.request("ACK", seq=1)])
        if again is leg.invite and self.stage.clock() > when + GIVE_UP:
            return  # by now it would be another call, that none of these ends knows of
        octets, source = bytearray(again.encode()), self.dice.choice([leg.party.address, STRANGER])
        if again is not leg.invite and self.dice.random() < 0.5:
            source = DEAF  # what is answered to it can't be held against the router
            for _ in range(self.dice.choice([1, 3])):
                octets[self.dice.randrange(len(octets))] = self.dice.randrange(256)
        self.stage.router.receive(bytes(octets), source, self.stage.line)
