"""SIP, SIPS and TEL URIs (RFC 3261 §19.1 and §25.1, RFC 3966).

A URI here is a value: it is read once, checked character by character, and never changes. So `str(uri)` is
always the very text that it came from, and that text holds no space, no control character (CR and LF among
them), no `<`, `>` or double quote. To get another one, `SipUri.build` puts parts together and checks the
result in the same way.

Must not know: what a number means (`edge_router.dialplan`), or where a URI leads (`edge_router.net`).
"""

from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from edge_router.sip.remember import remembered

_ALPHA: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGIT: Final = "0123456789"
_HEX: Final = _DIGIT + "abcdefABCDEF"
_UNRESERVED: Final = _ALPHA + _DIGIT + "-_.!~*'()"
# `text.strip(ALLOWED)` is empty exactly when every character is allowed: the cheapest such test there is.
# By the letter of RFC 3261 a "#" in a user part has to be escaped, but phones send codes such as *21# bare.
_USER: Final = _UNRESERVED + "%&=+$,;?/#"
_PASSWORD: Final = _UNRESERVED + "%&=+$,"
_PARAM: Final = _UNRESERVED + "%[]/:&+$"
_HEADERS: Final = _UNRESERVED + "%[]/?:+$&="
_NUMBER: Final = _HEX + "+*#-.()"
_SCHEME: Final = _ALPHA + _DIGIT + "+-."
_ANY: Final = _UNRESERVED + "%;/?:@&=+$,[]#"
# "_" is no character of a host name, but names of containers and of Windows machines have it.
_HOST: Final = _ALPHA + _DIGIT + "-._"

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class BadUri(ValueError):
    """Not a URI: the text says in plain words what was wrong. A request to it gets 400."""


class UnsupportedScheme(BadUri):
    """A URI, but not sip, sips or tel. A request to it gets 416 (RFC 3261 §8.2.2.1)."""

    def __init__(self, scheme: str) -> None:
        """Remember the scheme, in lower case."""
        super().__init__(f"scheme {scheme!r} is not supported: use sip, sips or tel")
        self.scheme = scheme


class SipUri:
    """A sip or sips URI. Read-only.

    scheme    `sip` or `sips`
    user      as written, escapes and parameters of a number included (`+18005551234;npdi`), or None
    password  as written, or None
    host      lower case; an IPv6 address without its brackets and in its short form
    port      1 to 65535, or None where the URI names none
    params    name in lower case -> value as written, escapes included; "" where there is none, as in `;lr`
    headers   the text after `?`, as written; "" if there is none
    """

    __slots__ = ("_text", "headers", "host", "params", "password", "port", "scheme", "user")

    def __init__(
        self,
        text: str,
        scheme: str,
        user: str | None,
        password: str | None,
        host: str,
        port: int | None,
        params: Mapping[str, str],
        headers: str,
    ) -> None:
        """Take parts that were checked; only `parse_uri` calls this."""
        self._text = text
        self.scheme = scheme
        self.user = user
        self.password = password
        self.host = host
        self.port = port
        self.params = params
        self.headers = headers

    @staticmethod
    def build(
        host: str,
        port: int | None = None,
        user: str | None = None,
        params: Mapping[str, str] = _NOTHING,
        scheme: str = "sip",
    ) -> "SipUri":
        """Put a URI together from parts in the form in which they stand in a `SipUri`; raises BadUri."""
        text = f"{scheme}:{user}@{host_port(host, port)}" if user is not None else f"{scheme}:{host_port(host, port)}"
        if params:
            text += "".join(f";{name}={value}" if value else f";{name}" for name, value in params.items())
        uri = parse_uri(text)
        # A part that held a delimiter would have been read as something else.
        if not isinstance(uri, SipUri) or uri.user != user or uri.port != port or uri.params != params or uri.headers:
            raise BadUri(f"these parts make no URI: {text!r}")
        return uri

    @property
    def host_port(self) -> str:
        """Host and port as they stand in a URI or a Via: `[2001:db8::1]:5060`, `example.com`."""
        return host_port(self.host, self.port)

    def __str__(self) -> str:
        """Give the text that the URI was read from."""
        return self._text

    def __repr__(self) -> str:
        """Show the URI as it is written."""
        return f"SipUri({self._text!r})"


class TelUri:
    """A tel URI (RFC 3966). Read-only.

    user      the number as written, with its visual separators: `+1-800-555-1234`. In a SIP URI the same text
              stands in the user part, hence the name
    params    as in `SipUri`. A local number must have `phone-context`; carriers leave it out, so it may miss
    """

    __slots__ = ("_text", "params", "user")
    scheme: Final = "tel"

    def __init__(self, text: str, user: str, params: Mapping[str, str]) -> None:
        """Take parts that were checked; only `parse_uri` calls this."""
        self._text = text
        self.user = user
        self.params = params

    def __str__(self) -> str:
        """Give the text that the URI was read from."""
        return self._text

    def __repr__(self) -> str:
        """Show the URI as it is written."""
        return f"TelUri({self._text!r})"


def parse_uri(text: str) -> SipUri | TelUri:
    """Read a URI without the `<` and `>` around it; raises BadUri, or UnsupportedScheme for other schemes."""
    scheme, colon, rest = text.partition(":")
    if scheme != "sip":
        scheme = scheme.lower()
        if not colon:
            raise BadUri(f"{shown(text)} has no scheme: sip:, sips: or tel: is missing")
        if scheme == "tel":
            return _parse_tel(text, rest)
        if scheme not in ("sip", "sips"):
            _check_other(scheme, rest)
            raise UnsupportedScheme(scheme)
    user = password = None
    # "@" stands in no other part of a SIP URI: a second one is an error, found when the host is checked.
    userinfo, at, after = rest.partition("@")
    if at:
        user, password = _parse_userinfo(userinfo)
        rest = after
    headers = ""
    if "?" in rest:
        rest, _, headers = rest.partition("?")
        if not headers or headers.strip(_HEADERS) or not _escapes_are_good(headers):
            raise BadUri(f"headers {shown(headers)} are malformed")
    params = _NOTHING
    if ";" in rest:
        rest, _, param_text = rest.partition(";")
        params = _parse_params(param_text)
    host, port = _parse_host_port(rest)
    return SipUri(text, scheme, user, password, host, port, params, headers)


def host_port(host: str, port: int | None = None) -> str:
    """Write a host and a port as a URI and a Via have them: an IPv6 address gets its brackets."""
    if ":" in host:
        host = f"[{host}]"
    return host if port is None else f"{host}:{port}"


def escape_user(text: str) -> str:
    """%-escape what must not stand bare in a user part; text that is escaped already stays as it is."""
    if not _escapes_are_good(text):
        text = text.replace("%", "%25")
    return quote(text, safe=_USER, errors="surrogateescape") if text.strip(_USER) else text


def shown(text: str) -> str:
    """Quote what a stranger sent for an error or a log line: no control characters, not long."""
    return ascii(text) if len(text) <= 80 else ascii(text[:77] + "...")


def _escapes_are_good(text: str) -> bool:
    """Tell whether two hexadecimal digits follow every `%`."""
    if "%" not in text:
        return True
    return all(len(piece) >= 2 and not piece[:2].strip(_HEX) for piece in text.split("%")[1:])


def _parse_userinfo(text: str) -> tuple[str, str | None]:
    # A colon is not allowed in a user part: the first one begins the password.
    user, colon, password = text.partition(":")
    if not user or user.strip(_USER) or not _escapes_are_good(user):
        raise BadUri(f"user part {shown(user)} is empty or has a character that must be %-escaped")
    if not colon:
        return user, None
    if password.strip(_PASSWORD) or not _escapes_are_good(password):
        raise BadUri("password has a character that must be %-escaped")
    return user, password


@remembered(1_024)  # a few hosts stand in nearly all URIs
def _parse_host_port(text: str) -> tuple[str, int | None]:
    if text[:1] != "[":
        host, colon, port_text = text.partition(":")
        return _host(host), _port(port_text) if colon else None
    host, bracket, port_text = text[1:].partition("]")
    if not bracket or (port_text and port_text[0] != ":"):
        raise BadUri(f"host {shown(text)} is malformed: an IPv6 address is [address] or [address]:port")
    return _ipv6(host), _port(port_text[1:]) if port_text else None


def _parse_tel(text: str, rest: str) -> TelUri:
    number, semicolon, param_text = rest.partition(";")
    if number.strip(_NUMBER) or not number.strip("+-.()") or "+" in number[1:]:
        raise BadUri(f"{shown(number)} is not a telephone number")
    if number[0] == "+" and number.strip(_DIGIT + "+-.()"):
        raise BadUri(f"{shown(number)} is not a global telephone number: only digits follow the +")
    return TelUri(text, number, _parse_params(param_text) if semicolon else _NOTHING)


def _check_other(scheme: str, rest: str) -> None:
    if not scheme or scheme.strip(_SCHEME) or scheme[0] not in _ALPHA:
        raise BadUri(f"{shown(scheme)} is not a scheme")
    if not rest or rest.strip(_ANY):
        raise BadUri(f"{shown(rest)} after {scheme}: is malformed")


def _parse_params(text: str) -> Mapping[str, str]:
    params: dict[str, str] = {}
    for param in text.split(";"):
        name, equals, value = param.partition("=")
        if not name or name.strip(_PARAM) or value.strip(_PARAM) or (equals and not value):
            raise BadUri(f"URI parameter {shown(param)} is malformed")
        if "%" in param:
            if not _escapes_are_good(param):
                raise BadUri(f"URI parameter {shown(param)} has a % without two hexadecimal digits")
            name = _unescaped_name(name)
        name = name.lower()
        if name in params:
            raise BadUri(f"URI parameter {shown(name)} is there twice")
        params[name] = value
    return params


def _unescaped_name(name: str) -> str:
    """`%6C%72` is `lr` (RFC 3261 §19.1.4). What must be escaped stays so: no delimiter gets into a name."""
    first, *pieces = name.split("%")
    text = first
    for piece in pieces:
        character = chr(int(piece[:2], 16))
        text += character + piece[2:] if character in _UNRESERVED else "%" + piece
    return text


def _port(text: str) -> int:
    # int() would take "+1", "1_0", " 1" and digits of other scripts; it is asked for 5 plain digits at most.
    port = int(text) if 0 < len(text) <= 5 and not text.strip(_DIGIT) else 0
    if not 0 < port <= 65535:
        raise BadUri(f"port {shown(text)} is not a number from 1 to 65535")
    return port


def _host(text: str) -> str:
    """Check a host name or IPv4 address (RFC 3261 §25.1 `hostname`, `IPv4address`)."""
    if not text or text.strip(_HOST) or len(text) > 255:
        raise BadUri(f"host {shown(text)} is not a host name or an address")
    labels = text.removesuffix(".").split(".")
    if any(not label or len(label) > 63 or label[0] == "-" or label[-1] == "-" for label in labels):
        raise BadUri(f"host {shown(text)} is not a host name")
    if labels[-1][0] in _DIGIT:
        try:
            IPv4Address(text)
        except AddressValueError:
            raise BadUri(f"host {shown(text)} is neither a host name nor an IPv4 address") from None
    return text.lower()


def _ipv6(text: str) -> str:
    """Check what stands in brackets. A zone (`%eth0`) has no place in a SIP URI."""
    if ":::" in text and "." in text:
        # The grammar of RFC 3261 has a colon too many before an embedded IPv4 address (RFC 5118 §4.10).
        text = text.replace(":::", "::", 1)
    try:
        if "%" not in text:
            return str(IPv6Address(text))
    except AddressValueError:
        pass
    raise BadUri(f"host {shown(text)} is not an IPv6 address")
