from collections.abc import Sequence
from dataclasses import dataclass

from edge_router.policy.facts import CallFacts
from edge_router.policy.faults import RuleError, RuleFault, Undecided
from edge_router.policy.policy import Policy, compile_policy
from edge_router.policy.spec import Outcome, PolicySpec, RuleSpec, hops
from edge_router.policy.surroundings import Surroundings
from state_client.picture import Picture, Team

NOW = 1000.0
EPOCH = 1_800_000_000.0
CLOUD = Outcome(hops([("cloud", None), ("premise", None)], "redirect"))
PREMISE = Outcome(hops([("premise", None)]))


@dataclass
class Trunk:
    """The values of a trunk that rules read."""

    up: bool = True
    calls: int = 7
    cps: float = 2.5

    def sent(self, seconds: int, /) -> int:
        return seconds * 10


@dataclass
class Latch:
    """A latch, as rules read it: of state that was so at `NOW`, lost where it isn't on or off."""

    on: bool | None
    queues: frozenset[str] = frozenset()

    def value(self) -> bool:
        if self.on is None:
            raise Undecided('latch("lost") can\'t be told')
        return self.on

    def age(self, now: float, /) -> float | None:
        return now - NOW


class Cloud:
    """The contact centre as a whole, as rules read it."""

    def calls(self, now: float, /) -> int:
        return 250

    def entitlement(self, now: float, /) -> int:
        return 390

    def age(self, now: float, /) -> float | None:
        return now - NOW


SERVICE = {
    "called": "+18005550199",
    "name": "Gold cards",
    "queue": "Support",
    "team": "Gold",
    "hours": "support",
    "latch": "full",
    "owner": "+13035550111",
    "region": "",
}


def surroundings(stale_after: float = 60.0) -> Surroundings:
    picture = Picture()
    picture.set(
        "Support",
        NOW,
        id="11-22",
        length=3,
        longest_wait=45,
        total_wait=90,
        agents_available=2,
        agents_signed_on=5,
        estimated_wait=30,
    )
    picture.set("Old", NOW, length=1, static_age=75.0)
    gold = Team("t-1")
    gold.counts["telephony"] |= {"available": 2, "engaged": 5}
    gold.of_agents.renew(NOW - 4.0, "event")
    picture.add_team(gold, "Gold")
    return Surroundings(
        picture,
        {"cloud": Trunk(), "down": Trunk(up=False)},
        stale_after,
        columns=tuple(SERVICE),
        peers=frozenset(("cloud", "premise")),
        hours={"support": lambda epoch: epoch == EPOCH, "sales": lambda epoch: epoch != EPOCH},
        latches={"full": Latch(True), "empty": Latch(False), "lost": Latch(None)},
        lists={"vip": frozenset(("+12125550100", "+13035550111"))},
        cloud=Cloud(),
        unseen={"Support": 2}.__getitem__,
        wall=lambda: EPOCH,
    )


def call(calling: str = "+12125550100", called: str = "+18005550199", **headers: str) -> CallFacts:
    values = {name.replace("_", "-"): value for name, value in headers.items()}
    return CallFacts(
        calling=calling,
        called=called,
        called_received="8005550199",
        trunk="carrier",
        source="127.0.0.12",
        diverted_from="+13035550111",
        call_id="abc@carrier",
        headers=lambda key: values.get(key, ""),
    )


class Failures(list[tuple[str, str, str, float]]):
    """Keeps what a policy tells of rules that failed."""

    def __call__(self, policy: str, rule: str, message: str, now: float) -> None:
        self.append((policy, rule, message, now))


def policy(
    *rules: RuleSpec,
    otherwise: Outcome | None = PREMISE,
    if_stale: Outcome | None = None,
    world: Surroundings | None = None,
    failures: Failures | None = None,
) -> Policy:
    spec = PolicySpec("front-door", rules, otherwise, if_stale)
    return compile_policy(spec, world or surroundings(), Failures() if failures is None else failures)


def rule(when: str, outcome: Outcome = CLOUD, name: str = "first", *, skip: bool = False) -> RuleSpec:
    return RuleSpec(name, when, outcome, skip)


def faults_of(*conditions: str) -> Sequence[RuleFault]:
    """The faults of a policy with these rules; none if it is right."""
    try:
        policy(*(rule(when) for when in conditions))
    except RuleError as error:
        return error.faults
    return ()
