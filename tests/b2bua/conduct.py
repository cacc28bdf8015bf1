"""What the ends of calls do that real ones do, at random times: answer, refuse, cancel, hold, resume, hang up."""

from random import Random
from typing import Final

from tests.b2bua.agent import OVER, UP, Agent, End, Heard
from tests.b2bua.network import Network
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY

WITHIN: Final = ("INVITE", "INVITE", "INVITE", "late", "UPDATE", "UPDATE", "INFO")
_ANSWERS: Final = ("200",) * 12 + ("486", "500", "nothing")


class Conduct:
    """The habits of all ends of a storm. ``resting`` says that nobody begins anything any more."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.dice: Random = network.dice
        self.resting = False

    def calls(self, agent: Agent, number: int) -> None:
        """One more call, every sixth of them without an offer; some callers lose patience."""
        dice = self.dice
        end = agent.call(dice.choice((PREMISE_ONLY, CLOUD_FIRST)), f"+1312{number:07}", offers=dice.random() > 0.16)
        if dice.random() < 0.15:
            self.network.later(dice.uniform(0, 5), end.cancel_call)

    def rings(self, heard: Heard) -> None:
        """An INVITE of a new call."""
        dice, network, end = self.dice, self.network, heard.end
        how = dice.choice(_ANSWERS)
        heard.says(100)
        if dice.random() < 0.8:
            network.later(dice.uniform(0, 0.5), lambda: heard.says(180))
        when = dice.choice((0, 0.5, dice.uniform(0, 5)))
        if how == "200":
            network.later(when, lambda: end.accepts(heard))
        elif how != "nothing":
            network.later(when, lambda: end.refuses_it(heard, int(how)))

    def is_asked(self, heard: Heard) -> None:
        """An INVITE or UPDATE within the call; an UPDATE is answered at once (RFC 3311 §5.2)."""
        dice, end = self.dice, heard.end
        if dice.random() < 0.1:
            heard.says(488)
        elif heard.request.method == "UPDATE" or dice.random() < 0.6:
            end.accepts(heard)
        else:
            self.network.later(dice.uniform(0, 3), lambda: self._accepts_later(heard))

    def _accepts_later(self, heard: Heard) -> None:
        if heard.end.state != OVER:
            heard.end.accepts(heard)

    def stands(self, end: End) -> None:
        """The call stands: some things happen in it, and in the end perhaps its end."""
        dice = self.dice
        for what in dice.choices(WITHIN, k=dice.randrange(4)):
            self.network.later(dice.choice((0, dice.uniform(0, 1), dice.uniform(0, 20))), self._doing(end, what))
        if dice.random() < 0.5:
            self.network.later(dice.choice((0, dice.uniform(0, 1), dice.uniform(0, 30))), end.hang_up)

    def _doing(self, end: End, what: str):  # type: ignore[no-untyped-def]
        def do() -> None:
            if end.state != UP or self.resting:
                return
            if what == "INFO":
                end.begin("INFO")
            else:
                end.negotiate("UPDATE" if what == "UPDATE" else "INVITE", offers=what != "late")

        return do
