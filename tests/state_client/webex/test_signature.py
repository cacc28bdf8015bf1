import ast
import inspect

import pytest

from state_client.webex import signature
from state_client.webex.secret import Secret
from state_client.webex.signature import WINDOW, same_time, sign, timely, verify

SECRET = Secret("Jefe")
BODY = b"what do ya want for nothing?"
SIGNATURE = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
"""RFC 4231, test case 2."""

NOW = 1_700_000_000.0


def test_it_is_hmac_sha256_in_lower_case_hexadecimal() -> None:
    assert sign(SECRET, BODY) == SIGNATURE


@pytest.mark.parametrize("header", [SIGNATURE, SIGNATURE.upper(), f" {SIGNATURE} "])
def test_a_good_signature_is_good(header: str) -> None:
    assert verify(SECRET, BODY, header)


@pytest.mark.parametrize(
    "header", ["", "0" * 64, SIGNATURE[:-1], SIGNATURE + "0", "sha256=" + SIGNATURE, "é", "\udcff"]
)
def test_anything_else_is_not(header: str) -> None:
    assert not verify(SECRET, BODY, header)


def test_another_body_or_secret_has_another_signature() -> None:
    assert not verify(SECRET, BODY + b" ", SIGNATURE)
    assert not verify(Secret("jefe"), BODY, SIGNATURE)


def test_no_secret_signs_nothing() -> None:
    assert not verify(Secret(""), BODY, sign(Secret(""), BODY))


@pytest.mark.parametrize(
    ("sent_ms", "header", "same"),
    [
        (1_700_000_000_123, "1700000000123", True),
        (1_700_000_000_123, " 1700000000123 ", True),
        (1_700_000_000_123, "1700000000124", False),
        (1_700_000_000_123, "now", False),
        (1_700_000_000_123, "", True),
        (0, "1700000000123", True),
        (0, "", True),
    ],
)
def test_the_header_says_the_body_s_time(sent_ms: int, header: str, same: bool) -> None:
    assert same_time(sent_ms, header) is same


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


@pytest.mark.parametrize("late", [0.0, WINDOW, -WINDOW])
@pytest.mark.parametrize("in_body", [True, False])
def test_what_is_within_the_window_is_timely(late: float, in_body: bool) -> None:
    sent = milliseconds(NOW - late)
    assert timely(sent if in_body else 0, str(sent), NOW)


@pytest.mark.parametrize("late", [WINDOW + 0.001, -WINDOW - 0.001, 1e9])
@pytest.mark.parametrize("in_body", [True, False])
def test_what_is_outside_on_either_side_is_not(late: float, in_body: bool) -> None:
    sent = milliseconds(NOW - late)
    assert not timely(sent if in_body else 0, str(sent), NOW)


def test_a_header_can_t_make_an_old_body_new() -> None:
    assert not timely(milliseconds(NOW - 1000), str(milliseconds(NOW)), NOW)
    assert not timely(milliseconds(NOW - 1000), "", NOW)


def test_v1_says_no_time_and_is_timely() -> None:
    assert timely(0, "", NOW)


@pytest.mark.parametrize("header", ["now", "-1", "1e12", "1" * 400, "١٢"])
def test_a_header_that_is_no_time_is_not_timely(header: str) -> None:
    assert not timely(0, header, NOW)


def test_signatures_are_compared_in_a_time_that_tells_nothing() -> None:
    """No test can measure it reliably, so that this looks at how it is done: by compare_digest and no operator."""
    tree = ast.parse(inspect.getsource(signature.verify))
    called = {
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) if isinstance(node.func, ast.Attribute)
    }
    assert "compare_digest" in called
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
