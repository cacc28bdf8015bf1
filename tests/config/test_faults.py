"""Faults as a whole: all at once, in the file's order, written as one line each."""

from pathlib import Path

import pytest

from edge_router.config.faults import ConfigFaults, Fault, Kind, key_path, nearest, nothing_called, quoted
from edge_router.config.loading import examine_bytes, load


def test_all_faults_are_named_at_once_in_the_order_of_the_file() -> None:
    text = """\
nod: edge-1
listen: [{name: pstn, address: "127.0.0.10:5060", transport: sctp}]
trunks:
  a: {sources: [192.0.2.1], hunt: roundrobin}
  b: {sources: [192.0.2.1, 300.0.0.1]}
dial_peers:
  - {name: in, incoming: {trunk: c, called: "["}, policy: p}
  - {nam: out, outgoing: {trunk: a}}
policies:
  p:
    rules: [{name: r, when: call.caled == "1", to: out, reject: 100}]
    share: {}
ties: x
ties: y
http:
"""
    examined = examine_bytes(text.encode(), "f")
    assert [(fault.line, fault.key, fault.kind) for fault in examined.faults] == [
        (1, "nod", Kind.UNKNOWN_KEY),
        (2, "listen[0].transport", Kind.VALUE),
        (4, "trunks.a.hunt", Kind.VALUE),
        (5, "trunks.b.sources[0]", Kind.CONFLICT),
        (5, "trunks.b.sources[1]", Kind.VALUE),
        (7, "dial_peers[0].incoming.trunk", Kind.REFERENCE),
        (7, "dial_peers[0].incoming.called", Kind.VALUE),
        (8, "dial_peers[1].name", Kind.MISSING),
        (8, "dial_peers[1].nam", Kind.UNKNOWN_KEY),
        (8, "dial_peers[1].outgoing.trunk", Kind.REFERENCE),
        (11, "policies.p.rules[0].when", Kind.RULE),
        (11, "policies.p.rules[0].to", Kind.REFERENCE),
        (11, "policies.p.rules[0].reject", Kind.CONFLICT),
        (11, "policies.p.rules[0].reject", Kind.VALUE),
        (12, "policies.p.share.of", Kind.MISSING),
        (13, "ties", Kind.VALUE),
        (14, "ties", Kind.CONFLICT),
        (15, "http", Kind.VALUE),
    ]


def test_what_a_fault_looks_like() -> None:
    fault = Fault("edge.yaml", 3, 7, "trunks.a", "is wrong", Kind.VALUE)
    assert str(fault) == "edge.yaml:3:7: trunks.a: is wrong"
    assert str(Fault("f", 1, 1, "", "is wrong", Kind.SYNTAX)) == "f:1:1: is wrong"
    assert str(Fault("f", 1, 1, "a", "is odd", Kind.WARNING)) == "f:1:1: a: warning: is odd"


def test_no_fault_begins_a_line_of_its_own() -> None:
    assert str(Fault("f\n", 1, 1, "k", "a\x1b[31m\r\nb", Kind.VALUE)) == "f\\n:1:1: k: a\\x1b[31m\\r\\nb"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a", "b", 0, "c"), "a.b[0].c"),
        (("a", "b.c", "d e", ""), 'a."b.c"."d e".""'),
    ],
)
def test_key_path(path: tuple[str | int, ...], text: str) -> None:
    assert key_path(path) == text


def test_quoted_text_is_short_and_on_one_line() -> None:
    assert quoted("a\nb") == '"a\\nb"'
    assert quoted("x" * 100) == '"' + "x" * 77 + '..."'


def test_the_nearest_name() -> None:
    assert nearest("SUPORT", ["Support", "Sales"]) == "Support"
    assert nearest("zzz", ["Support", "Sales"]) is None
    assert nothing_called("queue", "q", "abcdefgh") == 'there is no queue "q"; there is a, b, c, d, e, f, ...'


def test_load_raises_every_fault(tmp_path: Path) -> None:
    file = tmp_path / "edge.yaml"
    file.write_text("lisen: 1\nties: x\n")
    with pytest.raises(ConfigFaults) as caught:
        load(file)
    assert str(caught.value).splitlines() == [
        f'{file}:1:1: lisen: there is no key "lisen"; did you mean "listen"?',
        f"{file}:1:1: listen: is missing; it is required",
        f'{file}:2:7: ties: expected stable or random, got the text "x"',
    ]
    assert [fault.key for fault in caught.value.faults] == ["lisen", "listen", "ties"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match="the file can't be read: No such file or directory"):
        load(tmp_path / "none.yaml")
    with pytest.raises(ConfigFaults, match="the file can't be read: it is a directory; name a file"):
        load(tmp_path)
