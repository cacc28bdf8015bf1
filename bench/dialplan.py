"""Measures the dial plan: 10,000 dial-peers loaded, and numbers matched, for several shapes of plan.

    python -m bench.dialplan

"dots" is the hardest that can be had: a dot in a random third of all places, so that hundreds of beginnings stay
possible while a number is read.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import perf_counter

from edge_router.dialplan.pattern import Pattern
from edge_router.dialplan.peer import DialPeer, Outgoing, WayIn
from edge_router.dialplan.plan import DialPlan

PEERS = 10_000
NUMBERS = 20_000
Shape = Callable[[Random], str]


def area(rng: Random) -> str:
    return f"+1{rng.randint(200, 999)}{rng.randint(200, 999)}...."


def exact(rng: Random) -> str:
    return f"+1800555{rng.randrange(100_000):05d}$"


def dots(rng: Random) -> str:
    return "+1" + "".join(rng.choice("0123456789") if rng.random() > 0.33 else "." for _ in range(10))


def pieces(rng: Random) -> str:
    return f"(+1)?{rng.randint(200, 999)}[2-9]{rng.randint(0, 99):02d}0%[1-{rng.randint(2, 9)}]T$"


SHAPES: dict[str, list[Shape]] = {
    "area": [area],
    "exact": [exact],
    "dots": [dots],
    "pieces": [pieces],
    "all four": [area, exact, dots, pieces],
}


def number_like(text: str, rng: Random) -> str:
    """A number that a pattern of the first three shapes matches."""
    return "".join(rng.choice("0123456789") if character == "." else character for character in text.rstrip("$"))


def measure(shapes: list[Shape], rng: Random) -> tuple[float, float, float]:
    """Seconds to load the plan, and microseconds to match inbound and outbound."""
    texts = [shapes[place % len(shapes)](rng) for place in range(PEERS)]
    numbers = [number_like(rng.choice(texts), rng) for _ in range(NUMBERS)]
    numbers = [number if "(" not in number else f"+1{rng.randrange(10**10):010d}" for number in numbers]
    began = perf_counter()
    patterns = [Pattern.parse(text) for text in texts]
    plan = DialPlan(
        DialPeer(f"peer-{place}", (WayIn("carrier", called=(pattern,)),), Outgoing("premise", (pattern,)))
        for place, pattern in enumerate(patterns)
    )
    loaded = perf_counter()
    for number in numbers:
        plan.inbound("carrier", "pstn", number, "+12125550123")
    inside = perf_counter()
    for number in numbers:
        plan.outbound(number)
    outside = perf_counter()
    return loaded - began, (inside - loaded) / NUMBERS * 1e6, (outside - inside) / NUMBERS * 1e6


def main() -> None:
    print(f"{PEERS} dial-peers, each with a way in and a way out")
    print(f"{'plan':10}{'load s':>10}{'inbound µs':>12}{'outbound µs':>13}")
    for name, shapes in SHAPES.items():
        load, inbound, outbound = measure(shapes, Random(1))
        print(f"{name:10}{load:10.2f}{inbound:12.1f}{outbound:13.1f}")


if __name__ == "__main__":
    main()
