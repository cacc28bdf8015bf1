"""What must hold of any text taken for a URI."""

from __future__ import annotations

from typing import Final

from edge_router.b2bua.messages.identity import lasting_params, user_of
from edge_router.sip.remember import forget_readings
from edge_router.sip.uri import BadUri, SipUri, TelUri, escape_user, parse_uri

_DELIMITERS: Final = frozenset(' <>"')


def check_uri(data: bytes) -> bool:
    """Whether it could be read; raises AssertionError where something doesn't hold."""
    forget_readings()
    text = data.decode("utf-8", "surrogateescape")
    _check_escaping(text)
    try:
        uri = parse_uri(text)
    except BadUri as error:
        assert str(error).isprintable()
        return False
    assert str(uri) == text
    assert text.isprintable()
    assert not _DELIMITERS & set(text)
    if isinstance(uri, TelUri):
        assert text[4:].startswith(uri.user)
        _check_escaping(text[4:])
    else:
        _check_sip(uri)
    return True


def _check_escaping(text: str) -> None:
    """Whatever the text, it can be made a user part, and that but once."""
    user = escape_user(text)
    assert escape_user(user) == user
    if user:
        read = parse_uri(f"sip:{user}@h")
        assert isinstance(read, SipUri)
        assert (read.user, read.host, read.params, read.headers) == (user, "h", {}, "")


def _check_sip(uri: SipUri) -> None:
    assert user_of(str(uri)) == (uri.user or "")
    again = SipUri.build(uri.host, uri.port, uri.user, uri.params, uri.scheme)
    assert (again.host, again.port, again.user, again.params) == (uri.host, uri.port, uri.user, uri.params)
    alone = parse_uri(f"sip:{uri.host_port}")
    assert isinstance(alone, SipUri)
    assert (alone.host, alone.port) == (uri.host, uri.port)
    lasting = parse_uri(f"sip:h{lasting_params(uri)}")
    assert isinstance(lasting, SipUri)
    assert lasting.params.items() <= uri.params.items()
