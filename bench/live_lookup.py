"""How long a queue's look-up takes in this process, in ns: printed as JSON. Run by the interpreter that is measured.

`python -P bench/live_lookup.py QUEUES` measures what is installed there, compiled or not.
"""

from __future__ import annotations

import json
import sys
import time
from timeit import repeat

from state_client import picture as measured
from state_client.picture import Picture

_LOOK_UPS = 200_000
_TIMES = 5


def measure(queues: int) -> dict[str, object]:
    """The best of some times: ns for finding a queue, for its length, and for that with its age."""
    now = time.monotonic()
    picture = Picture()
    for number in range(queues):
        picture.set(f"Queue {number}", now, "event", id=f"id-{number}", length=number)
    name = f"Queue {queues // 2}"
    found: dict[str, object] = {"compiled": measured.__file__.endswith(".so")}
    for what, expression in (
        ("queue", "look(name)"),
        ("by_id", "look(id)"),
        ("length", "look(name).length"),
        ("length_and_age", "queue = look(name); queue.length; queue.age_of('length', now)"),
    ):
        names = {"look": picture.queue, "name": name, "id": f"id-{queues // 2}", "now": now}
        best = min(repeat(expression, globals=names, number=_LOOK_UPS, repeat=_TIMES))
        found[what] = best / _LOOK_UPS * 1e9
    return found


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
