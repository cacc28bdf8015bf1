"""Who may ask: authorisation codes, access tokens and refresh tokens.

Sans-IO: it is told the time. Lifetimes are in seconds. A refresh gives a new refresh token, and the old one is no good
from then on, which is the worst that a cloud may do to a client that doesn't keep the new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from state_client.simulator.refusal import Refusal

CODE_LIFE = 300.0
READ = frozenset(("cjp:config", "cjp:config_read"))
WRITE = frozenset(("cjp:config", "cjp:config_write"))
SCOPES = "cjp:config cjp:config_read cjp:config_write cjp:user"
"""What a client has that was never asked to authorise itself."""


class Grant:
    """What a token is good for, and until when. ``code_for`` is the redirect URI of an authorisation code."""

    __slots__ = ("code_for", "expires", "scopes")

    def __init__(self, scopes: str, expires: float, code_for: str = "") -> None:
        self.scopes = frozenset(scopes.split())
        self.expires = expires
        self.code_for = code_for


class Tokens:
    """The tokens of one client. ``administrator`` is whether who authorised it is one: without, writing is refused."""

    def __init__(
        self,
        org_id: str,
        client_id: str = "simulated-client",
        client_secret: str = "simulated-secret",
        refresh_token: str = "simulated-refresh-token",
        lifetime: float = 1_209_600.0,
        refresh_lifetime: float = 7_776_000.0,
        seed: int = 1,
    ) -> None:
        self.client_id = client_id
        self.org_id = org_id
        self.lifetime = lifetime
        self.refresh_lifetime = refresh_lifetime
        self.administrator = True
        self.refuse_refresh = False
        self._secret = client_secret
        self._rng = Random(seed)
        self._codes: dict[str, Grant] = {}
        self._access: dict[str, Grant] = {}
        self._refresh: dict[str, Grant] = {refresh_token: Grant(SCOPES, float("inf"))}

    def authorise(self, query: Mapping[str, str], now: float) -> str:
        """A code for who asks to be authorised; raises Refusal 400 for one who asks wrongly."""
        if query.get("response_type") != "code":
            raise Refusal(400, "response_type must be code")
        if query.get("client_id") != self.client_id:
            raise Refusal(400, "The client_id is not known")
        if not query.get("redirect_uri"):
            raise Refusal(400, "redirect_uri is missing")
        code = self._new("code")
        self._codes[code] = Grant(query.get("scope", ""), now + CODE_LIFE, query["redirect_uri"])
        return code

    def exchange(self, form: Mapping[str, str], now: float) -> dict[str, Any]:
        """The tokens for a code or a refresh token; raises Refusal 400 or 401."""
        if form.get("client_id") != self.client_id or form.get("client_secret") != self._secret:
            raise Refusal(401, "The client_id or client_secret is wrong")
        match form.get("grant_type"):
            case "authorization_code":
                grant = self._codes.pop(form.get("code", ""), None)
                if grant is None or grant.expires <= now or grant.code_for != form.get("redirect_uri"):
                    raise Refusal(400, "The authorization code is invalid or has expired")
            case "refresh_token":
                token = form.get("refresh_token", "")
                grant = self._refresh.get(token)
                if grant is None or grant.expires <= now or self.refuse_refresh:
                    raise Refusal(400, "The refresh token provided is expired, revoked, malformed, or invalid")
                del self._refresh[token]
            case _:
                raise Refusal(400, "The grant_type must be authorization_code or refresh_token")
        return self._give(" ".join(sorted(grant.scopes)), now)

    def check(self, authorization: str, needed: frozenset[str], now: float) -> str:
        """The client whose request has that header; raises Refusal 400, 401 or 403."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Refusal(400, "The Authorization header is missing or has no bearer token")
        grant = self._access.get(token)
        if grant is None or grant.expires <= now:
            raise Refusal(401, "The access token is invalid or has expired")
        if not grant.scopes & needed:
            raise Refusal(403, f"One of these scopes is needed: {', '.join(sorted(needed))}")
        if needed is WRITE and not self.administrator:
            raise Refusal(403, "Only an administrator may do that")
        return self.client_id

    def expire(self) -> None:
        """No access token is good any longer; refresh tokens are."""
        self._access.clear()

    def _give(self, scopes: str, now: float) -> dict[str, Any]:
        self._access = {token: grant for token, grant in self._access.items() if grant.expires > now}
        access, refresh = self._new("access"), self._new("refresh")
        self._access[access] = Grant(scopes, now + self.lifetime)
        self._refresh[refresh] = Grant(scopes, now + self.refresh_lifetime)
        return {
            "access_token": access,
            "expires_in": int(self.lifetime),
            "refresh_token": refresh,
            "refresh_token_expires_in": int(self.refresh_lifetime),
            "token_type": "Bearer",
            "scope": scopes,
        }

    def _new(self, kind: str) -> str:
        return f"{kind}{self._rng.getrandbits(160):040x}_SIM1_{self.org_id}"
