"""The names in certificates, and whom they fit."""

from typing import Any

import pytest

from edge_router.net.security import fits, names_in

SUBJECT = ((("commonName", "Common.Example.com"),),)


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        ({"subject": SUBJECT, "subjectAltName": (("DNS", "SBC.Example.com"),)}, {"sbc.example.com"}),
        ({"subjectAltName": (("URI", "sip:example.com"), ("DNS", "a.example.com"))}, {"example.com", "a.example.com"}),
        ({"subjectAltName": (("URI", "sip:user@example.com"), ("URI", "https://example.com"))}, set()),
        ({"subjectAltName": (("IP Address", "192.0.2.1"), ("IP Address", "2001:DB8:0:0:0:0:0:1"))},
         {"192.0.2.1", "2001:db8::1"}),
        ({"subject": SUBJECT}, {"common.example.com"}),
        ({"subject": SUBJECT, "subjectAltName": (("email", "a@b"),)}, set()),
        ({}, set()),
    ],
)  # fmt: skip
def test_names(certificate: dict[str, Any], names: set[str]) -> None:
    assert names_in(certificate) == names


@pytest.mark.parametrize(
    ("wanted", "name", "fit"),
    [
        ("sbc.example.com", "sbc.example.com", True),
        ("SBC.example.com", "sbc.example.com", True),
        ("sbc.example.com", "example.com", False),
        ("*.example.com", "sbc.example.com", True),
        ("*.example.com", "a.sbc.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", "*.example.com", True),
        ("sbc.example.com", "*.example.com", True),
        ("a.sbc.example.com", "*.example.com", False),
        ("*.com", "example.com", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("*.example.com", "sbc.example.com.evil.net", False),
    ],
)
def test_fitting(wanted: str, name: str, fit: bool) -> None:
    assert fits(wanted, [name]) is fit
    assert not fits(wanted, [])
