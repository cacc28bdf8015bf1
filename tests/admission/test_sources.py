import pytest

from edge_router.admission.sources import (
    MAX_REMEMBERED,
    Claim,
    SourceConflict,
    SourceError,
    SourceTable,
    conflicts,
    parse_source,
)


def table(*claims: tuple[str | None, str, str]) -> SourceTable:
    return SourceTable(["pstn", "inside"], [Claim(*claim) for claim in claims])


def test_a_stranger_has_no_trunk() -> None:
    sources = table((None, "192.0.2.7", "carrier"))
    assert sources.trunk_of("pstn", "192.0.2.7") == "carrier"
    assert sources.trunk_of("pstn", "192.0.2.8") is None
    assert sources.trunk_of("nowhere", "192.0.2.7") is None
    assert sources.trunk_of("pstn", "not an address") is None


def test_a_trunk_with_a_listener_has_its_sources_there_only() -> None:
    sources = table(("pstn", "192.0.2.7", "carrier"), ("inside", "192.0.2.7", "pbx"), ("inside", "192.0.2.0/24", "lan"))
    assert sources.trunk_of("pstn", "192.0.2.7") == "carrier"
    assert sources.trunk_of("inside", "192.0.2.7") == "pbx"
    assert sources.trunk_of("inside", "192.0.2.8") == "lan"
    assert sources.trunk_of("pstn", "192.0.2.8") is None


def test_the_longest_prefix_wins() -> None:
    sources = table(
        (None, "0.0.0.0/0", "anyone"),
        (None, "10.0.0.0/8", "wide"),
        (None, "10.1.0.0/16", "narrow"),
        (None, "10.1.2.3", "one"),
        (None, "2001:db8::/32", "six"),
        (None, "2001:db8::7", "one-six"),
    )
    hosts = ["10.1.2.3", "10.1.2.4", "10.2.0.1", "11.0.0.1", "2001:db8::7", "2001:db8::8", "2001:db9::1"]
    expected = ["one", "narrow", "wide", "anyone", "one-six", "six", None]
    for _ in range(2):  # the second time from memory
        assert [sources.trunk_of("pstn", host) for host in hosts] == expected


@pytest.mark.parametrize("host", ["2001:0DB8:0:0::7", "2001:db8::7%eth0", "2001:db8::0:7"])
def test_an_address_in_any_spelling(host: str) -> None:
    assert table((None, "2001:DB8::0007", "six")).trunk_of("pstn", host) == "six"


def test_ipv4_in_the_clothes_of_ipv6() -> None:
    assert table((None, "192.0.2.7", "four")).trunk_of("pstn", "::ffff:192.0.2.7") == "four"
    assert table((None, "::ffff:192.0.2.7", "four")).trunk_of("pstn", "192.0.2.7") == "four"
    assert table((None, "::ffff:192.0.2.0/120", "four")).trunk_of("pstn", "192.0.2.9") == "four"
    assert table((None, "::/0", "six")).trunk_of("pstn", "192.0.2.9") is None


def test_however_many_strangers_come_little_is_remembered() -> None:
    sources = table((None, "192.0.2.7", "carrier"), (None, "10.0.0.0/8", "wide"))
    remembered = sources._listeners["pstn"]
    for stranger in range(3 * MAX_REMEMBERED):
        sources.trunk_of("pstn", f"172.16.{stranger // 256}.{stranger % 256}")
        assert len(remembered.remembered) <= MAX_REMEMBERED + 1
    assert sources.trunk_of("pstn", "192.0.2.7") == "carrier"
    assert sources.trunk_of("pstn", "10.0.0.1") == "wide"


def test_two_trunks_with_one_source_on_one_listener() -> None:
    with pytest.raises(SourceConflict) as caught:
        table(("pstn", "192.0.2.7", "a"), (None, "192.0.2.7/32", "b"))
    conflict = caught.value
    assert (conflict.first, conflict.second, conflict.listen) == ("a", "b", "pstn")
    assert str(conflict).startswith('192.0.2.7 is a source of trunk "a" and of trunk "b" on listener "pstn"; let one')


def test_one_trunk_may_name_a_source_twice() -> None:
    assert table((None, "192.0.2.7", "a"), ("pstn", "192.0.2.7", "a")).trunk_of("pstn", "192.0.2.7") == "a"


def test_every_conflict_once() -> None:
    claims = [
        Claim(None, "192.0.2.0/24", "a"),
        Claim(None, "192.0.2.0/24", "b"),
        Claim("inside", "2001:db8::1", "b"),
        Claim("inside", "2001:db8:0::1", "c"),
        Claim("pstn", "2001:db8::1", "d"),
    ]
    found = conflicts(["pstn", "inside"], claims)
    assert [(one.first, one.second, str(one.network), one.listen) for one in found] == [
        ("a", "b", "192.0.2.0/24", "pstn"),
        ("b", "c", "2001:db8::1/128", "inside"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sbc.example.com", '"sbc.example.com" is no address or network; write one such as 192.0.2.7'),
        ("192.0.2.0/33", "is no address or network"),
        ("192.0.2.300", "is no address or network"),
        ("", "is no address or network"),
        ("192.0.2.7/24", '"192.0.2.7/24" begins in the middle of a network; write 192.0.2.0/24'),
    ],
)
def test_says_what_is_no_source(text: str, says: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_source(text)
    assert says in str(caught.value)
