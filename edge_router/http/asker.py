"""Who asks: the name of the token that a request has, or where it comes from."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import web

from edge_router.http.access import Access, bearer, is_loopback

LOOPBACK: Final = "loopback"
LOGIN: Final = "Edge-Router-Login"
"""The header in which a program on this machine says for whom it asks: the name by which he has logged in."""
_LOGIN: Final = re.compile(r"[A-Za-z0-9._@+-]{1,64}")


def asker_of(access: Access, request: web.Request) -> str:
    """Give the token's name, else `loopback:LOGIN`, `loopback` or the address. The request was let in before.

    A login is what a program on this machine says, and nothing that is proved. A token says more, and goes before it.
    """
    name = _holder(access, request)
    if name is not None:
        return name
    peer = request.remote or ""
    if not is_loopback(peer):
        return peer
    login = request.headers.get(LOGIN, "")
    return f"{LOOPBACK}:{login}" if _LOGIN.fullmatch(login) else LOOPBACK


def budget_of(access: Access, request: web.Request) -> str:
    """Say with whom a request shares how often he may ask: those with a token of this name, else its address.

    Each address of this machine has a budget of its own: a script that asks without end takes nothing from another that
    asks from another address. No name of a token is an address, whatever it looks like.
    """
    name = _holder(access, request)
    return f"token {name}" if name is not None else request.remote or ""


def _holder(access: Access, request: web.Request) -> str | None:
    token = bearer(request.headers)
    holder = access.tokens.holder(token) if token else None
    return None if holder is None else holder.name
