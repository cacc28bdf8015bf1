"""The JSON Schema: it is the one in docs/, it says something of every key, and it takes what the router takes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_router.config.loading import examine_bytes
from edge_router.config.schema import PLACE, schema, text

SCHEMA = schema()

GOOD = (
    Path("examples/edge-router.yaml").read_text(),
    """
listen: [{name: a, address: "[::1]:5060", advertise: "edge.example.com"}]
trunks:
  t:
    targets: ["sip:192.0.2.1", {uri: "sip:192.0.2.2", weight: 0}]
    accepts: [refer, refer]
    connect_timeout: 500ms
    progress_timeout: 1.5
    final_503: pass
    hunt_on: [404, "500-504", timeout]
    limits: {max_cps: 0.5}
dial_peers:
  - {name: in, incoming: [{called: 911}, {calling: ["1", 2]}], policy: p}
  - {name: out, outgoing: {trunk: t}}
policies: {p: {rules: [{name: r, when: true, to: [out, {peer: out, by: refer}], stale: skip}], otherwise: {to: out}}}
state: {stale_after: 1m, queues: {Q: {longest_wait: 10s, estimated_wait: -1, age: 0}}}
""",
)
BAD: tuple[dict[str, Any], ...] = (
    {},
    {"listen": []},
    {"listen": None},
    {"listen": [{"name": "a"}]},
    {"listen": [{"name": "a", "address": "x", "transport": "sctp"}]},
    {"listen": [{"name": "a", "address": "x"}], "ties": "any"},
    {"listen": [{"name": "a", "address": "x"}], "lisen": 1},
    {"listen": [{"name": "a", "address": "x"}], "state": {"stale_after": "5 s"}},
    {"listen": [{"name": "a", "address": "x"}], "limits": {"max_cps": 0}},
    {"listen": [{"name": "a", "address": "x"}], "on_no_match": 200},
    {"listen": [{"name": "a", "address": "x"}], "trunks": {"t": {"identity": {"accept": "yes"}}}},
)
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def fits(value: Any, part: dict[str, Any]) -> bool:
    """Judge by as much of JSON Schema as ours uses."""
    if "$ref" in part and not fits(value, SCHEMA["$defs"][part["$ref"].removeprefix("#/$defs/")]):
        return False
    if "anyOf" in part and not any(fits(value, choice) for choice in part["anyOf"]):
        return False
    if "type" in part and (
        not isinstance(value, TYPES[part["type"]]) or (isinstance(value, bool) and part["type"] != "boolean")
    ):
        return False
    if ("const" in part and value != part["const"]) or ("enum" in part and value not in part["enum"]):
        return False
    if isinstance(value, str) and not re.search(part.get("pattern", ""), value):
        return False
    if isinstance(value, (int, float)) and not in_range(value, part):
        return False
    if isinstance(value, list):
        return len(value) >= part.get("minItems", 0) and all(fits(item, part.get("items", {})) for item in value)
    return not isinstance(value, dict) or map_fits(value, part)


def in_range(value: float, part: dict[str, Any]) -> bool:
    low, high = part.get("minimum", value), part.get("maximum", value)
    return bool(low <= value <= high and value > part.get("exclusiveMinimum", value - 1))


def map_fits(value: dict[str, Any], part: dict[str, Any]) -> bool:
    known, others = part.get("properties", {}), part.get("additionalProperties", True)
    if not set(part.get("required", ())) <= set(value):
        return False
    for key, item in value.items():
        rule = known.get(key, others)
        if rule is False or (rule is not True and not fits(item, rule)):
            return False
    return True


def properties(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        yield from part.get("properties", {}).items()
        for inner in part.values():
            yield from properties(inner)


def test_the_file_in_docs_is_current() -> None:
    assert Path("docs", PLACE.name).read_text(encoding="utf-8") == text(), "make schema writes it"


def test_every_key_is_described() -> None:
    assert len(list(properties(SCHEMA))) > 60
    assert [key for key, part in properties(SCHEMA) if not part.get("description")] == []


def test_no_key_may_be_null() -> None:
    assert "null" not in json.dumps(SCHEMA)


@pytest.mark.parametrize("good", GOOD)
def test_what_the_router_takes_the_schema_takes(good: str) -> None:
    assert examine_bytes(good.encode(), "f").faults == ()
    assert fits(yaml.safe_load(good), SCHEMA)


@pytest.mark.parametrize("bad", BAD, ids=str)
def test_what_the_schema_refuses_the_router_refuses(bad: dict[str, Any]) -> None:
    assert not fits(bad, SCHEMA)
    assert examine_bytes(yaml.safe_dump(bad).encode(), "f").faults
