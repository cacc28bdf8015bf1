import pytest

from state_client.webex.destination import LONGEST_SECRET, SHORTEST_SECRET, secret_fault, url_fault
from state_client.webex.secret import Secret


@pytest.mark.parametrize(
    "url",
    [
        "https://edge.example.com/",
        "https://edge.example.com/webhooks/webex",
        "https://edge.example.com:443/webhooks/webex",
        "https://EDGE.Example.COM/a%20b",
        "https://xn--bcher-kva.example.xn--p1ai/",
    ],
)
def test_a_public_https_url_will_do(url: str) -> None:
    assert url_fault(url) == ""


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "a path"),
        ("edge.example.com/webhooks", "a path"),
        ("https://edge.example.com", "a path"),
        ("http://edge.example.com/", "https"),
        ("ftp://edge.example.com/", "https"),
        ("https://edge.example.com:8443/", "port 443"),
        ("https://edge.example.com:80/", "port 443"),
        ("https://edge.example.com:0/", "port 443"),
        ("https://edge.example.com:x/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://user:word@edge.example.com/", "no user, query or fragment"),
        ("https://@edge.example.com/", "no user, query or fragment"),
        ("https://edge.example.com/?key=word", "no user, query or fragment"),
        ("https://edge.example.com/?", "no user, query or fragment"),
        ("https://edge.example.com/#top", "no user, query or fragment"),
        ("https://edge.example.com/#", "no user, query or fragment"),
        ("https://bücher.example.com/", "ASCII"),
        ("https://edge.example.com/a b", "ASCII"),
        ("https://edge.example.com/\x7f", "ASCII"),
        ("https://edge.example.com\\@evil.com/", "ASCII"),
        ("https://edge/", "not edge"),
        ("https:///webhooks", "not none"),
        ("https://192.0.2.1/", "not 192.0.2.1"),
        ("https://[2001:db8::1]/", "not 2001:db8::1"),
        ("https://edge..com/", "not edge..com"),
        ("https://-edge.example.com/", "not -edge.example.com"),
        ("https://edge_1.example.com/", "not edge_1.example.com"),
        ("https://edge.example.com./", "not edge.example.com."),
        ("https://edge.c/", "not edge.c"),
        ("https://edge.site.local/", ".local is none"),
        ("https://edge.lan/", ".lan is none"),
        ("https://localhost/", "not localhost"),
        ("https://127.0.0.1/", "not 127.0.0.1"),
        ("http://127.0.0.1:8080/", "https"),
    ],
)
def test_what_the_cloud_refuses_says_why(url: str, why: str) -> None:
    assert why in url_fault(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/webhooks/webex", "http://localhost:1/", "https://[::1]:8443/"])
def test_a_simulated_cloud_posts_to_this_machine(url: str) -> None:
    assert url_fault(url)
    assert url_fault(url, allow_loopback=True) == ""


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "ftp://127.0.0.1/", "http://192.0.2.1:8080/", "http://127.0.0.1:8080/?x"]
)
def test_and_to_no_other(url: str) -> None:
    assert url_fault(url, allow_loopback=True)


@pytest.mark.parametrize(
    ("length", "good"), [(SHORTEST_SECRET - 1, False), (SHORTEST_SECRET, True), (LONGEST_SECRET, True), (257, False)]
)
def test_a_secret_has_32_to_256_characters(length: int, good: bool) -> None:
    fault = secret_fault(Secret("s" * length))
    assert (fault == "") is good
    assert "sss" not in fault
