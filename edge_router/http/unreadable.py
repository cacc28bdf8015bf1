"""What can't be read as HTTP: it is answered in our own words, and not in aiohttp's, which show what came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

UNREADABLE: Final = "this is no HTTP that can be read; in a URL, what isn't ASCII is written as %XX (RFC 3986 §2.1)"


def connection_kind(unreadable: Callable[[str], web.Response]) -> type[RequestHandler]:
    """The class of connections on which ``unreadable`` answers what can't be read, given all that is known of it.

    That is what aiohttp says, which makes its connections itself and takes no class for them: give it to them after.
    """

    class Connection(RequestHandler):
        __slots__ = ()

        def handle_error(
            self,
            request: web.BaseRequest,
            status: int = 500,
            exc: BaseException | None = None,
            message: str | None = None,
        ) -> web.StreamResponse:
            if status != 400 or request.writer.output_size > 0:
                return super().handle_error(request, status, exc, message)
            response = unreadable(message or "")
            response.force_close()
            return response

    return Connection
