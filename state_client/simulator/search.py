"""The search: rows of the world, filtered, counted and paged as a query asks.

Sans-IO. The cloud's rules are held to: times are epoch milliseconds, pages have a fixed size, a filter may not have too
many arguments. A page's cursor leads on in the rows that were found at first, whatever has become of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from state_client.simulator.graphql import BadQuery, Field, read_query
from state_client.simulator.ledger import AGENT_SHAPE, TASK_SHAPE, Row, Shape
from state_client.simulator.refusal import Refusal
from state_client.simulator.world import World

PAGE = 250
PAGE_OF_COUNTS = 1000
MOST_ARGUMENTS = 1000
MOST_GROUPS = 10
LONGEST_MS = 400 * 86_400_000  # 13 months
OLDEST_MS = 3 * 366 * 86_400_000  # 36 months
OPEN_SEARCHES = 64
"""How many searches can be led on by their cursors; older ones have to begin anew."""

Test = Callable[[Row], bool]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda have, want: bool(have == want),
    "notEquals": lambda have, want: bool(have != want),
    "in": lambda have, want: have in want,
    "notin": lambda have, want: have not in want,
    "gt": lambda have, want: have is not None and have > want,
    "gte": lambda have, want: have is not None and have >= want,
    "lt": lambda have, want: have is not None and have < want,
    "lte": lambda have, want: have is not None and have <= want,
}
ROWS = {"taskDetails": "tasks", "task": "tasks", "agentSession": "agentSessions"}
"""Where a root's rows are in the answer."""

SHAPES = {"tasks": TASK_SHAPE, "agentSessions": AGENT_SHAPE}
COUNTS: Shape = {"aggregation": {"name": None, "value": None}}
BY_NAME = frozenset({"stringGlobalVariables"})
"""Fields of which a row shows the one thing that is asked for by its name."""

PAGE_INFO: Shape = {"hasNextPage": None, "endCursor": None}


class Search:
    """Answers what `POST /search` is asked. Raises Refusal for what the cloud answers with 400."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: OrderedDict[str, list[Row]] = OrderedDict()
        self._serial = 0

    def answer(self, body: Any, now: float) -> dict[str, Any]:
        """The answer to a request's body: ``{"data": …}``, or ``{"errors": …}`` for a query that is none."""
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            raise Refusal(400, "query is required")
        variables = {} if body.get("variables") is None else body["variables"]
        if not isinstance(variables, dict):
            raise Refusal(400, "variables must be an object")
        try:
            query = read_query(body["query"], variables)
            return {"data": {root.name: self._root(root, now) for root in query.fields}}
        except BadQuery as fault:
            return {
                "errors": [{"message": str(fault), "extensions": {"classification": "ValidationError"}}],
                "data": None,
            }

    def _root(self, root: Field, now: float) -> Row:
        if root.name not in ROWS:
            raise BadQuery(f"Validation error (FieldUndefined@[{root.name}]) : Field '{root.name}' is undefined")
        name = ROWS[root.name]
        aggregations = root.arguments.get("aggregations") or []
        shape = SHAPES[name] | (COUNTS if aggregations else {})
        _check_selection(root.name, root.fields, {name: shape, "pageInfo": PAGE_INFO})
        _check_filter(root.arguments.get("filter"), shape)
        asked = {each.name: each for each in root.fields}
        fields = asked[name].fields if name in asked else []
        rows, page = self._page(root, fields, aggregations, now)
        answer: Row = {}
        if name in asked:
            answer[name] = rows
        if "pageInfo" in asked:
            answer["pageInfo"] = _select(page, asked["pageInfo"].fields)
        return answer

    def _page(self, root: Field, fields: list[Field], aggregations: list[Row], now: float) -> tuple[list[Row], Row]:
        """The rows from the cursor on, and where the next ones are."""
        arguments = root.arguments
        size = PAGE_OF_COUNTS if aggregations else PAGE
        cursor = (arguments.get("pagination") or {}).get("cursor", "NA")
        if cursor == "NA":
            self._serial += 1
            number, start = str(self._serial), 0
            found = self._find(root.name, arguments, now)
            if aggregations:
                found = _count(found, [each for each in fields if each.name != "aggregation"], aggregations)
            self._open[number] = found
            if len(self._open) > OPEN_SEARCHES:
                self._open.popitem(last=False)
        else:
            number, _, place = str(cursor).partition("-")
            if number not in self._open or not place.isdecimal():
                raise BadQuery("the cursor is not one that was given, or is too old")
            found, start = self._open[number], int(place)
        more = start + size < len(found)
        if not more:
            self._open.pop(number, None)
        rows = [_select(row, fields) for row in found[start : start + size]]
        return rows, {"hasNextPage": more, "endCursor": f"{number}-{start + size}" if more else ""}

    def _find(self, root: str, arguments: Mapping[str, Any], now: float) -> list[Row]:
        begin, end = _span(arguments, now)
        if root == "agentSession":
            rows = self._world.agent_rows(now)
            rows = [row for row in rows if row["startTime"] <= end and (row["isActive"] or row["startTime"] >= begin)]
        else:
            rows = [row for row in self._world.task_rows(now) if begin <= row["createdTime"] <= end]
        filtering = arguments.get("filter")
        if not filtering:
            return rows
        if _arguments(filtering) > MOST_ARGUMENTS:
            raise BadQuery(f"the filter has more than {MOST_ARGUMENTS} arguments")
        test = _test(filtering)
        return [row for row in rows if test(row)]


def _span(arguments: Mapping[str, Any], now: float) -> tuple[int, int]:
    begin, end = arguments.get("from"), arguments.get("to")
    if not isinstance(begin, int) or not isinstance(end, int):
        raise Refusal(400, "from and to are required, in epoch milliseconds")
    end = min(end, int(now * 1000))
    if begin > 10_000_000_000 and begin < now * 1000 - OLDEST_MS:  # seconds give an empty answer, not an error
        raise Refusal(400, "from must not be older than 36 months")
    if end - begin > LONGEST_MS:
        raise Refusal(400, "from and to must not be more than 13 months apart")
    return begin, end


def _arguments(filtering: Any) -> int:
    """How many values a filter compares with."""
    if isinstance(filtering, dict):
        return sum(_arguments(value) for value in filtering.values())
    if isinstance(filtering, list):
        return sum(_arguments(value) for value in filtering)
    return 1


def _test(filtering: Any) -> Test:
    """A filter as a function of a row. All that stands in one object must hold."""
    if not isinstance(filtering, dict) or not filtering:
        raise BadQuery("Validation error (WrongType@filter) : a filter is an object with something in it")
    return _every([_part(name, value) for name, value in filtering.items()])


def _part(name: str, value: Any) -> Test:
    if name in ("and", "or"):
        if not isinstance(value, list):
            raise BadQuery(f"Validation error (WrongType@filter/{name}) : it is not a list")
        tests = [_test(each) for each in value]
        return _every(tests) if name == "and" else lambda row: any(test(row) for test in tests)
    if not isinstance(value, dict):
        raise BadQuery(f"Validation error (WrongType@filter/{name}) : it is not an object")
    if set(value) <= set(COMPARE):
        tests = [_comparison(name, COMPARE[word], want) for word, want in value.items()]
        return _every(tests)
    inner = _test(value)
    return lambda row: any(inner(each) for each in _inside(row, name))


def _comparison(name: str, compare: Callable[[Any, Any], bool], want: Any) -> Test:
    def test(row: Row) -> bool:
        return compare(row[name], want)

    return test


def _every(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)


def _inside(row: Row, name: str) -> list[Row]:
    inner = row[name]
    if isinstance(inner, list):
        return inner
    return [inner] if isinstance(inner, dict) else []


def _check_selection(path: str, fields: list[Field], shape: Shape) -> None:
    """What is asked for must be there, also where no row is found."""
    for asked in fields:
        place = f"{path}/{asked.name}"
        if asked.name not in shape:
            raise BadQuery(f"Validation error (FieldUndefined@[{place}]) : Field '{asked.name}' is undefined")
        if asked.name in BY_NAME and not isinstance(asked.arguments.get("name"), str):
            raise BadQuery(f"Validation error (MissingFieldArgument@[{place}]) : Missing field argument 'name'")
        inner = shape[asked.name]
        if bool(inner) != bool(asked.fields):
            raise BadQuery(f"Validation error (SubselectionRequired@[{place}]) : it has fields of its own, or has none")
        if inner:
            _check_selection(place, asked.fields, inner)


def _check_filter(filtering: Any, shape: Shape) -> None:
    """What is filtered by must be there. Whether it is a filter at all is seen later."""
    if isinstance(filtering, list):
        for each in filtering:
            _check_filter(each, shape)
    elif isinstance(filtering, dict):
        for name, value in filtering.items():
            if name in ("and", "or"):
                _check_filter(value, shape)
            elif name not in shape:
                raise BadQuery(f"Validation error (WrongType@filter) : '{name}' is not a field to filter by")
            elif shape[name]:
                _check_filter(value, shape[name])


def _select(row: Row, fields: list[Field]) -> Row:
    """Of a row what is asked for."""
    chosen: Row = {}
    for asked in fields:
        value = row[asked.name]
        if asked.name in BY_NAME:
            value = next((each for each in value if each["name"] == asked.arguments["name"]), None)
        if isinstance(value, list):
            chosen[asked.name] = [_select(each, asked.fields) for each in value]
        elif isinstance(value, dict):
            chosen[asked.name] = _select(value, asked.fields)
        else:
            chosen[asked.name] = value
    return chosen


def _count(rows: list[Row], groups: list[Field], aggregations: list[Row]) -> list[Row]:
    """One row for each combination of the fields that are asked for, with how many rows have it."""
    if len(groups) > MOST_GROUPS:
        raise BadQuery(f"rows can be grouped by {MOST_GROUPS} fields at most")
    for each in aggregations:
        if each.get("type") != "count" or not each.get("field"):
            raise BadQuery("the simulator knows no aggregation but count")
    found: dict[str, Row] = {}
    counts: dict[str, int] = {}
    for row in rows:
        for chosen in _unwound(_select(row, groups)):
            key = repr(chosen)
            found.setdefault(key, chosen)
            counts[key] = counts.get(key, 0) + 1
    return [
        {**chosen, "aggregation": [{"name": each.get("name", "count"), "value": counts[key]} for each in aggregations]}
        for key, chosen in found.items()
    ]


def _unwound(row: Row) -> Iterator[Row]:
    """A row once for each thing in its list, as things in a list are counted one by one."""
    name = next((name for name, value in row.items() if isinstance(value, list)), None)
    if name is None:
        yield row
    else:
        for each in row[name]:
            yield {**row, name: [each]}
