"""Values that are right: what becomes of each way to write them, and the defaults."""

import pytest

from edge_router.config.addresses import Address, address, advertised, source, target_uri
from edge_router.config.loading import examine_bytes
from edge_router.config.models import Config
from edge_router.config.values import seconds
from tests.config.wrong import TRUNKS

MINIMAL = 'listen: [{name: a, address: "127.0.0.1:5060"}]\n'


def loaded(text: str) -> Config:
    examined = examine_bytes(text.encode(), "f")
    assert [str(fault) for fault in examined.faults] == []
    assert examined.config is not None
    return examined.config


@pytest.mark.parametrize(
    ("written", "amount"),
    [("500ms", 0.5), ("2s", 2.0), ("1.5s", 1.5), ("5m", 300.0), ("4h", 14400.0), (7, 7.0), (0.25, 0.25), (0, 0.0)],
)
def test_durations(written: object, amount: float) -> None:
    assert seconds(written) == amount


@pytest.mark.parametrize(
    "written",
    ["", "s", "5", "5 s", " 5s", "5S", "-5s", "+5s", ".5s", "5.s", "1e3s", "5d", "5s\n", "\u0665s", True, None, []],
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        seconds(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("127.0.0.10:5060", Address("127.0.0.10", 5060)),
        ("[::1]:65535", Address("::1", 65535)),
        ("[2001:DB8:0::1]:1", Address("2001:db8::1", 1)),
    ],
)
def test_addresses(written: str, read: Address) -> None:
    assert address(written) == read
    assert address(str(read)) == read


@pytest.mark.parametrize(
    "written", ["1.2.3.4:", "1.2.3.4:0", "1.2.3.4:+1", "1.2.3.4:\uff11", "1.2.3.4:123456", "[::1]5060", ":5060"]
)
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        address(written)


@pytest.mark.parametrize("written", ["edge.example.com", "edge.example.com:5080", "192.0.2.1", "[2001:db8::1]:5060"])
def test_what_is_advertised(written: str) -> None:
    assert advertised(written) == written


@pytest.mark.parametrize("written", ["", "a:b", "a;lr", "a?b=c", "a\r\nb", "2001:db8::1"])
def test_what_is_not_advertised(written: str) -> None:
    with pytest.raises(ValueError, match="is no host and no host:port"):
        advertised(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("[2001:db8::1]", "2001:db8::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
    ],
)
def test_sources(written: str, read: str) -> None:
    assert source(written) == read


def test_targets() -> None:
    uri = target_uri("sip:[2001:db8::1]:5070;transport=UDP")
    assert (uri.host, uri.port) == ("2001:db8::1", 5070)


PEER = MINIMAL + TRUNKS + 'dial_peers: [{name: cloud, outgoing: {trunk: cloud}, called_number: "%s"}]'


@pytest.mark.parametrize("written", ["{called}", "{called}-{calling}-{called}", "9"])
def test_templates(written: str) -> None:
    assert loaded(PEER % written).dial_peers[0].called_number == written


@pytest.mark.parametrize(
    "written", ["{", "}", "}{", "{{called}}", "{called}}", "{}", "{called!r}", "{called.x}", "{0}"]
)
def test_what_is_no_template(written: str) -> None:
    (fault,) = examine_bytes((PEER % written).encode(), "edge.yaml").faults
    assert "brace" in fault.message or "placeholder" in fault.message


def test_defaults() -> None:
    config = loaded(MINIMAL + "trunks: {t: {sources: [192.0.2.1]}}\nstate: {queues: {Q: {}}}")
    trunk = config.trunks["t"]
    assert trunk.accepts == {"redirect", "refer"}
    assert (trunk.identity.accept, trunk.identity.send) == (False, False)
    assert (trunk.hunt, trunk.listen, trunk.targets, trunk.pass_headers) == ("preference", None, (), ())
    assert (trunk.connect_timeout, trunk.progress_timeout, trunk.answer_timeout) == (2.0, 6.0, 60.0)
    assert (trunk.hunt_on, trunk.next_peer_on, trunk.final_503) == ((408, "5xx", "timeout"), None, 500)
    assert (trunk.redirects, trunk.error_map) == ("follow", {})
    assert trunk.limits.model_dump(exclude_none=True) == {"inbound": {}, "outbound": {}}
    assert config.limits.model_dump(exclude_none=True) == {}
    assert (config.on_no_match, config.ties, config.http) == (404, "stable", None)
    assert (config.log.level, config.log.format) == ("info", "auto")
    assert (config.state.source, config.state.stale_after) == ("static", 60.0)
    assert config.state.queues["Q"].model_dump(exclude_none=True) == {
        "source": "static",
        "length": 0,
        "longest_wait": 0.0,
        "total_wait": 0.0,
        "agents_available": 0,
        "agents_signed_on": 0,
        "estimated_wait": -1,
        "age": 0.0,
    }
    assert config.listen[0].transport == "udp"
    assert config.node


def test_one_or_many() -> None:
    config = loaded(
        MINIMAL
        + """\
trunks: {t: {targets: ["sip:192.0.2.1", {uri: "sip:192.0.2.2:5070", preference: 2, weight: 7}]}}
dial_peers:
- {name: a, incoming: {called: 911, calling: ["1", 2]}, policy: p}
- {name: b, incoming: [{called: "1"}, {calling: "2"}], destinations: [c, d]}
- {name: c, outgoing: {trunk: t}}
- {name: d, outgoing: {trunk: t}}
policies:
  p:
    rules:
    - {name: one, when: true, to: c, by: refer}
    - {name: map, to: {peer: c, by: redirect}}
    - {name: list, to: [c, {peer: d}]}
"""
    )
    assert [(str(t.uri), t.preference, t.weight) for t in config.trunks["t"].targets] == [
        ("sip:192.0.2.1", 0, 100),
        ("sip:192.0.2.2:5070", 2, 7),
    ]
    first, second = config.dial_peers[:2]
    assert [pattern.text for pattern in first.incoming[0].called] == ["911"]
    assert [pattern.text for pattern in first.incoming[0].calling] == ["1", "2"]
    assert len(second.incoming) == 2
    rules = config.policies["p"].rules
    assert [[(hop.peer, hop.by) for hop in rule.to or ()] for rule in rules] == [
        [("c", None)],
        [("c", "redirect")],
        [("c", None), ("d", None)],
    ]
    assert [(rule.when, rule.by) for rule in rules] == [("true", "refer"), (None, None), (None, None)]


def test_a_configuration_does_not_change() -> None:
    config = loaded(MINIMAL)
    with pytest.raises(ValueError, match="frozen"):
        config.node = "other"  # type: ignore[misc]
