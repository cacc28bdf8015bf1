import pytest

from edge_router.http.access import is_loopback, is_ours, may_ask

OPEN = frozenset({"/metrics", "/healthz"})


def ask(path: str = "/v1/calls", peer: str = "127.0.0.1", listening: str = "127.0.0.10", **headers: str) -> bool:
    named = {"Host": "127.0.0.10:8080"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return may_ask(path, peer, named, OPEN, listening)


def test_this_machine_may_ask_anything() -> None:
    assert ask()
    assert ask(peer="::1", Host="[::1]:8080")


def test_others_may_ask_the_open_paths_only() -> None:
    assert ask("/metrics", "192.0.2.7")
    assert ask("/healthz", "192.0.2.7")
    assert not ask("/readyz", "192.0.2.7")
    assert not ask("/metrics/x", "192.0.2.7")
    assert not ask(peer="192.0.2.7")
    assert not ask(peer="")


@pytest.mark.parametrize(
    "header", ["Forwarded", "X_Forwarded_For", "x_forwarded_host", "X_FORWARDED_PROTO", "X_Forwarded_Whatever"]
)
def test_who_speaks_for_another_is_no_longer_this_machine(header: str) -> None:
    assert not ask(**{header: "for=127.0.0.1"})
    assert ask("/metrics", **{header: "for=127.0.0.1"})


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "10.0.0.1:8080", "["]
)
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    assert not ask(Host=host)
    assert ask("/metrics", Host=host)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.9.9.9:1", "[::1]:8080", "192.0.2.1:80"]
)
def test_hosts_that_are_ours(host: str) -> None:
    assert is_ours(host, "192.0.2.1")


def test_an_ipv6_address_that_we_listen_on_is_ours() -> None:
    assert is_ours("[2001:db8::1]:8080", "2001:db8::1")
    assert not is_ours("[2001:db8::2]:8080", "2001:db8::1")


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("127.0.0.1", True),
        ("127.200.3.4", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.1", False),
        ("192.0.2.1", False),
        ("fe80::1%lo", False),
        ("unix", False),
    ],
)
def test_loopback(peer: str, expected: bool) -> None:
    assert is_loopback(peer) is expected
