"""Who asks: the name of the token that a request has, or where it comes from."""

from __future__ import annotations

from aiohttp import web

from edge_router.http.access import Access, bearer, is_loopback

LOOPBACK = "loopback"


def asker_of(access: Access, request: web.Request) -> str:
    """Give the token's name, else `loopback` or the address. The request was let in before."""
    name = _holder(access, request)
    if name is not None:
        return name
    peer = request.remote or ""
    return LOOPBACK if is_loopback(peer) else peer


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
