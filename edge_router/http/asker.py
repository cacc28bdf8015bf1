"""Who asks: the name of the token that a request has, or where it comes from."""

from __future__ import annotations

from aiohttp import web

from edge_router.http.access import Access, bearer, is_loopback

LOOPBACK = "loopback"


def asker_of(access: Access, request: web.Request) -> str:
    """Give the token's name, else `loopback` or the address. The request was let in before."""
    token = bearer(request.headers)
    holder = access.tokens.holder(token) if token else None
    if holder is not None:
        return holder.name
    peer = request.remote or ""
    return LOOPBACK if is_loopback(peer) else peer
