import pytest
from multidict import CIMultiDict

from edge_router.admission.tokens import read_tokens
from edge_router.http.access import Access, Question, is_loopback, is_ours

OPEN = frozenset({"/metrics", "/healthz"})


TOKENS = """
# token name scopes
reader-reader-reader wallboard read
decider-decider-decider ccx decide
administrator-token ops admin
"""


def answer(
    path: str = "/v1/calls", peer: str = "127.0.0.1", listening: str = "127.0.0.10", method: str = "GET", **headers: str
) -> int:
    """The status of the refusal, or 200."""
    access = Access(OPEN, read_tokens(TOKENS), listening)
    named = {"Host": "127.0.0.10:8080"} | {name.replace("_", "-"): value for name, value in headers.items()}
    refusal = access.refusal(Question(method, path, peer, CIMultiDict(named)))
    return refusal.status if refusal else 200


def ask(path: str = "/v1/calls", peer: str = "127.0.0.1", listening: str = "127.0.0.10", **headers: str) -> bool:
    return answer(path, peer, listening, **headers) == 200


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
    "header",
    ["Forwarded", "X_Forwarded", "X_Forwarded_For", "x_forwarded_host", "X_FORWARDED_PROTO", "X_Forwarded_Whatever"],
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


# ------------------------------------------------------------------------------------------------ tokens


@pytest.mark.parametrize(
    ("token", "method", "path", "status"),
    [
        ("reader-reader-reader", "GET", "/v1/queues", 200),
        ("reader-reader-reader", "PUT", "/v1/queues/Support", 403),
        ("reader-reader-reader", "POST", "/v1/decisions", 403),
        ("decider-decider-decider", "GET", "/v1/decisions", 200),
        ("decider-decider-decider", "POST", "/v1/decisions", 200),
        ("decider-decider-decider", "GET", "/v1/queues", 403),
        ("administrator-token", "GET", "/v1/queues", 200),
        ("administrator-token", "PUT", "/v1/queues/Support", 200),
        ("administrator-token", "POST", "/v1/decisions", 200),
        ("somebody-elses-token", "GET", "/v1/queues", 401),
        ("", "GET", "/v1/queues", 401),
    ],
)
@pytest.mark.parametrize("peer", ["192.0.2.7", "127.0.0.1"])
def test_a_token_is_good_for_its_scopes(token: str, method: str, path: str, status: int, peer: str) -> None:
    assert answer(path, peer, method=method, Authorization=f"Bearer {token}") == status
    assert answer(path, peer, method=method, authorization=f"bearer  {token}") == status


def test_a_token_works_through_a_proxy_too() -> None:
    assert answer(peer="192.0.2.7", X_Forwarded_For="10.0.0.1", Authorization="Bearer reader-reader-reader") == 200


def test_another_kind_of_authorization_is_no_token() -> None:
    assert answer(peer="127.0.0.1", Authorization="Basic reader-reader-reader") == 401


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("http://127.0.0.10:8080", "127.0.0.10:8080", 200),
        ("HTTP://LOCALHOST:8080", "localhost:8080", 200),
        ("https://edge.example.com", "edge.example.com", 200),
        ("http://evil.example", "127.0.0.10:8080", 403),
        ("http://127.0.0.10:8081", "127.0.0.10:8080", 403),
        ("null", "127.0.0.10:8080", 403),
        ("file://127.0.0.10:8080", "127.0.0.10:8080", 403),
    ],
)
def test_a_browser_may_change_things_from_our_own_page_only(origin: str, host: str, status: int) -> None:
    headers = {"Origin": origin, "Host": host, "Authorization": "Bearer administrator-token"}
    for method in ("PUT", "POST", "DELETE", "PATCH"):
        assert answer(method=method, **headers) == status
    assert answer(method="GET", **headers) == 200
    del headers["Authorization"]
    if host.startswith(("127", "localhost")):
        assert answer(method="PUT", **headers) == status
