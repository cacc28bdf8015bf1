"""How long a number list and the table of services take to look a number up, in ns: printed as JSON.

`python -P bench/table_lookup.py` measures what is installed with that interpreter, compiled or not.
"""

from __future__ import annotations

import json
from timeit import repeat

from edge_router.dialplan import services as measured
from edge_router.dialplan.number_list import read_numbers
from edge_router.dialplan.services import read_services
from edge_router.policy.facts import CallFacts
from edge_router.policy.reads import CallRead, ListedRead, Name

_LOOK_UPS = 100_000
_TIMES = 5
LISTED = 100_000
ROWS = 10_000


def measure() -> dict[str, object]:
    """The best of some times, for numbers that are there and for one that isn't."""
    numbers = read_numbers("".join(f"+1800{number:07}\n" for number in range(LISTED)))
    rows = [f"+1877{number:07},S{number}" for number in range(ROWS)]
    table = read_services("\n".join(["called,service", *rows]) + "\n")
    listed = ListedRead(numbers, Name(None, CallRead("calling")))
    on_it, not_on_it = (CallFacts(number, "", "", "carrier") for number in (f"+1800{LISTED // 2:07}", "+13125550100"))
    found: dict[str, object] = {"compiled": measured.__file__.endswith(".so")}
    for what, expression in (
        ("listed", "listed.value(on_it, 0.0)"),
        ("not_listed", "listed.value(not_on_it, 0.0)"),
        ("service", "find(there)"),
        ("no_service", "find('+13125550100')"),
    ):
        names = {
            "listed": listed,
            "on_it": on_it,
            "not_on_it": not_on_it,
            "find": table.find,
            "there": f"+1877{ROWS // 2:07}",
        }
        found[what] = min(repeat(expression, globals=names, number=_LOOK_UPS, repeat=_TIMES)) / _LOOK_UPS * 1e9
    return found


if __name__ == "__main__":
    print(json.dumps(measure()))
