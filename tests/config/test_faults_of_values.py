"""Values that are wrong in themselves: where it is shown, of which kind it is, and the very words."""

import pytest

from edge_router.config.faults import Kind
from tests.config.wrong import LISTEN, Wrong, assert_only_fault

CASES = [
    Wrong(
        "syntax",
        Kind.SYNTAX,
        "listen: [",
        "2:1: a value is missing here",
    ),
    Wrong("empty file", Kind.MISSING, "", "1:1: listen: is missing; it is required"),
    Wrong("not a map", Kind.VALUE, "- a", "1:1: expected a map, got a list"),
    Wrong(
        "unknown key",
        Kind.UNKNOWN_KEY,
        LISTEN + 'trunks:\n  a: {targets: ["sip:192.0.2.1"], acepts: []}',
        '3:35: trunks.a.acepts: there is no key "acepts"; did you mean "accepts"?',
    ),
    Wrong(
        "unknown key like none",
        Kind.UNKNOWN_KEY,
        LISTEN + "log: {zzz: 1}",
        '2:7: log.zzz: there is no key "zzz"; there is format, level',
    ),
    Wrong(
        "key without a value",
        Kind.VALUE,
        LISTEN + "trunks:\n",
        "2:8: trunks: has no value; give it one or take it out",
    ),
    Wrong(
        "key twice",
        Kind.CONFLICT,
        LISTEN + "ties: stable\nties: random",
        "3:1: ties: stands here twice; the first is in line 2, take one out",
    ),
    Wrong(
        "key missing",
        Kind.MISSING,
        'listen:\n  - address: "127.0.0.1:5060"',
        "2:5: listen[0].name: is missing; it is required",
    ),
    Wrong(
        "text wanted",
        Kind.VALUE,
        LISTEN + "node: 7",
        "2:7: node: expected text, got the number 7; put it in quotes",
    ),
    Wrong("map wanted", Kind.VALUE, LISTEN + "http: [a]", "2:7: http: expected a map, got a list"),
    Wrong("list wanted", Kind.VALUE, "listen: pstn", '1:9: listen: expected a list, got the text "pstn"'),
    Wrong(
        "whole number wanted",
        Kind.VALUE,
        LISTEN + "limits: {max_calls: 2.5}",
        "2:21: limits.max_calls: expected a whole number, got the number 2.5",
    ),
    Wrong(
        "number wanted",
        Kind.VALUE,
        LISTEN + "limits: {max_cps: many}",
        '2:19: limits.max_cps: expected a number, got the text "many"',
    ),
    Wrong(
        "true or false wanted",
        Kind.VALUE,
        LISTEN + 'trunks: {a: {sources: ["::1"], identity: {accept: yes}}}',
        '2:51: trunks.a.identity.accept: expected true or false, got the text "yes"',
    ),
    Wrong(
        "one of few words wanted",
        Kind.VALUE,
        LISTEN + "ties: stabel",
        '2:7: ties: expected stable or random, got the text "stabel"; did you mean "stable"?',
    ),
    Wrong(
        "too small",
        Kind.VALUE,
        LISTEN + "limits: {max_calls: -1}",
        "2:21: limits.max_calls: is -1; it must be at least 0",
    ),
    Wrong(
        "too great",
        Kind.VALUE,
        LISTEN + "on_no_match: 700",
        "2:14: on_no_match: is 700; it must be at most 699",
    ),
    Wrong(
        "not above",
        Kind.VALUE,
        LISTEN + "limits: {max_cps: 0}",
        "2:19: limits.max_cps: is 0; it must be more than 0",
    ),
    Wrong("empty list", Kind.VALUE, "listen: []", "1:9: listen: is empty; give at least one"),
    Wrong(
        "name with a line break",
        Kind.VALUE,
        LISTEN + 'trunks: {"a\\nb": {sources: ["::1"]}}',
        '2:10: trunks."a\\nb": holds the invisible character U+000A; take it out',
    ),
    Wrong(
        "empty name",
        Kind.VALUE,
        'listen: [{name: "", address: "127.0.0.1:5060"}]',
        "1:17: listen[0].name: is empty; give it a name",
    ),
    Wrong(
        "node",
        Kind.VALUE,
        LISTEN + 'node: "edge 1"',
        '2:7: node: "edge 1" can\'t name a node; use letters, digits and - . _',
    ),
    Wrong("long node", Kind.VALUE, LISTEN + f"node: {'e' * 65}", "2:7: node: is longer than 64 characters; shorten it"),
    Wrong(
        "duration",
        Kind.VALUE,
        LISTEN + "state: {stale_after: 5 min}",
        '2:22: state.stale_after: "5 min" is no duration; write 500ms, 2s, 5m, 4h or a number of seconds',
    ),
    Wrong(
        "duration of another type",
        Kind.VALUE,
        LISTEN + "state: {stale_after: true}",
        "2:22: state.stale_after: expected a duration such as 500ms, 2s, 5m or 4h, got true",
    ),
    Wrong(
        "negative duration",
        Kind.VALUE,
        LISTEN + "state: {stale_after: -1}",
        "2:22: state.stale_after: a duration can't be negative, as -1 is",
    ),
    Wrong(
        "no duration at all",
        Kind.VALUE,
        LISTEN + "state: {stale_after: 0s}",
        "2:22: state.stale_after: is 0; a duration here must be longer than that",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_fault(case: Wrong) -> None:
    assert_only_fault(case)
