"""A carrier that asks who we are: challenges, and the credentials that come for them, reckoned by plain formulas."""

import hashlib
import re
from typing import Any, Final

from tests.end_to_end.wire import Wire

USERNAME: Final = "edge"
PASSWORD: Final = "correct horse"
REALM: Final = "carrier.example"
FILES: Final = {"password": f"{PASSWORD}\n"}
LOGIN: Final[dict[str, Any]] = {"username": USERNAME, "password_file": "password"}


def asking(nonce: str = "n1", *more: str, realm: str = REALM, proxy: bool = False) -> str:
    """The header line of a challenge by MD5 with qop; ``more`` are parameters."""
    name = "Proxy-Authenticate" if proxy else "WWW-Authenticate"
    return f'{name}: Digest realm="{realm}", ' + ", ".join([f'nonce="{nonce}"', 'qop="auth"', *more])


def shown_in(request: Wire, header: str = "Authorization") -> dict[str, str]:
    """What a request says to a challenge, by parameter; nothing where it has no such header."""
    value = request.headers and dict(request.headers).get(header, "")
    return {name: plain or quoted for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^",]+))', value or "")}


def assert_answers(
    request: Wire, nonce: str = "n1", count: int = 1, realm: str = REALM, header: str = "Authorization"
) -> dict[str, str]:
    """It bears the right answer to a challenge, as the ``count``th of its nonce."""
    shown = shown_in(request, header)
    assert shown, f"no {header} in\n{request}"
    realms = [value for name, value in request.headers if name == header and f'realm="{realm}"' in value]
    assert len(realms) == 1, f"not one answer to {realm} in\n{request}"
    assert (shown["username"], shown["realm"], shown["nonce"]) == (USERNAME, realm, nonce)
    assert (shown["qop"], shown["nc"], shown["uri"]) == ("auth", f"{count:08x}", request.uri)
    key = _md5(f"{USERNAME}:{realm}:{PASSWORD}")
    asked = _md5(f"{request.method}:{request.uri}")
    assert shown["response"] == _md5(f"{key}:{nonce}:{shown['nc']}:{shown['cnonce']}:auth:{asked}")
    return shown


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
