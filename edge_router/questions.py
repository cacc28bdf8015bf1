"""What is asked over HTTP where it matters who asks: decisions, and switches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from edge_router.decisions import Decisions
from edge_router.http.asker import asker_of, budget_of
from edge_router.http.decisions_api import DecisionsApi
from edge_router.http.switches_api import SwitchesApi

if TYPE_CHECKING:
    from aiohttp import web

    from edge_router.b2bua.routing.routing import Routing
    from edge_router.http.access import Access
    from edge_router.standing import Standing


def question_routes(
    access: Access, routing: Callable[[], Routing], listener: str, standing: Standing
) -> Iterator[web.AbstractRouteDef]:
    """Give the routes; ``listener`` names the one that calls come by, where their trunk says none."""
    decisions = Decisions(routing, listener)
    yield from DecisionsApi(decisions.decide, decisions.safe, partial(budget_of, access)).routes()
    yield from SwitchesApi(standing.ledger.switches, standing.switch, partial(asker_of, access)).routes()
