"""REFERs that pass from one side of a call to the other, for trunks that say so, and what follows them.

That is the NOTIFYs that come back, and a SUBSCRIBE by which the transferor has more of them or no more.
The two sides have dialogs of their own: so a Refer-To that leads to us or to one of our trunks is given our address on
the other side, a Replaces in it that names a dialog of ours the names that this has on its far side, and the id of a
NOTIFY the number that the REFER came with, that of a SUBSCRIBE the number that it went on with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from edge_router.b2bua.call.handover import Passed
from edge_router.b2bua.in_call.exchange import Exchange
from edge_router.b2bua.in_call.glare import pass_on, why_not
from edge_router.b2bua.messages.capabilities import ALLOW_EVENTS_LINE
from edge_router.b2bua.messages.identity import lasting_params
from edge_router.b2bua.routing.aim import aim_at, is_here
from edge_router.b2bua.transfer.replaces import far_side_of
from edge_router.sip.headers import param, parse_cseq
from edge_router.sip.refer_to import parse_replaces
from edge_router.sip.uri import TelUri

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.leg import Leg
    from edge_router.sip.message import Request, Response
    from edge_router.sip.refer_to import ReferTo
    from edge_router.sip.transaction import ClientTransaction, ServerTransaction

_MOST: Final = 10  # REFERs of a call whose NOTIFYs are known
_IN_URI: Final = "-_.!~*'()[]/?:+$"  # unreserved and hnv-unreserved (RFC 3261 §25.1), besides letters and digits


class PassedRefer(Exchange):
    """A REFER on its way to the other side; ``refer_to`` is the header as that is to see it."""

    __slots__ = ("_refer_to", "passed")

    def __init__(self, asker: Leg, other: Leg, request: Request, transaction: ServerTransaction, refer_to: str) -> None:
        super().__init__(asker, other, request, transaction, False)
        self._refer_to = refer_to
        self.passed: Passed | None = None

    def headers_on(self, request: Request) -> str:
        """The header lines that it goes on with."""
        return super().headers_on(request) + f"Refer-To: <{self._refer_to}>\r\n"

    def on_response(self, transaction: ClientTransaction, response: Response) -> None:
        """Its answer; where it is sent again with credentials, it is known there by another number (ClientUser)."""
        super().on_response(transaction, response)
        if self.passed is not None:
            self.passed.number_there = self.number


class OfPassedRefer(Exchange):
    """A NOTIFY of such a REFER, or a SUBSCRIBE for them; ``event`` is the header as the other side is to see it."""

    __slots__ = ("_event",)

    def __init__(self, asker: Leg, other: Leg, request: Request, transaction: ServerTransaction, event: str) -> None:
        super().__init__(asker, other, request, transaction, False)
        self._event = event

    def headers_on(self, request: Request) -> str:
        """The header lines that it goes on with."""
        came = f"Event: {request.first['event']}\r\n"
        headers = super().headers_on(request).replace(came, f"Event: {self._event}\r\n")
        lasts = request.first.get("expires") if self.method == "SUBSCRIBE" else None
        return headers if lasts is None else f"{headers}Expires: {lasts}\r\n"

    def _lost(self, code: int | None) -> None:
        """Who knows of no such subscription, or doesn't answer, has the call for all that (RFC 5057 §5.1)."""


def pass_refer(call: Call, leg: Leg, request: Request, transaction: ServerTransaction, refer_to: ReferTo) -> None:
    """Sends a REFER on to the other side."""
    refusal, other = why_not(call, leg, request, False), call.other_than(leg)
    if refusal is not None or other is None:
        leg.answer(transaction, *(refusal or (481, "Call/Transaction Does Not Exist")))
        return
    exchange = PassedRefer(leg, other, request, transaction, _seen_from(other, refer_to))
    leg.open += (exchange,)
    exchange.go_on()
    number = parse_cseq(request.first["cseq"]).number
    exchange.passed = Passed(leg, number, other, exchange.number)
    call.passed = (*call.passed[1 - _MOST :], exchange.passed)


def take_notify(call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> bool:
    """Answers a NOTIFY or sends it on; whether it tells how the caller fares whom the router has REFERred."""
    event = event_of(request)[0]
    if event not in ("refer", ""):
        pass_on(call, leg, request, transaction)
    elif not event:
        leg.answer(transaction, 489, "Bad Event", ALLOW_EVENTS_LINE)
    elif call.passed and _pass_notify(call, leg, request, transaction):
        pass
    elif call.setup is None or leg is not call.caller:
        leg.answer(transaction, 481, "Subscription Does Not Exist")
    else:
        leg.answer(transaction, 200, "OK")
        return True
    return False


def _pass_notify(call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> bool:
    """Sends a NOTIFY of such a REFER back to who sent it; whether it is one."""
    ways = [(each.other, each.number_there, each.asker, each.number) for each in call.passed]
    return _pass_along(call, leg, request, transaction, ways)


def pass_subscribe(call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> bool:
    """Sends a SUBSCRIBE for such a REFER's NOTIFYs after it; whether it is one."""
    ways = [(each.asker, each.number, each.other, each.number_there) for each in call.passed]
    return _pass_along(call, leg, request, transaction, ways)


def _pass_along(
    call: Call, leg: Leg, request: Request, transaction: ServerTransaction, ways: list[tuple[Leg, int, Leg, int]]
) -> bool:
    """Sends on what belongs to a REFER that has passed; without an id in its Event it is the latest.

    ``ways`` has of each REFER its number on this side and on that, behind the leg that it is counted on.
    """
    number = event_of(request)[1]
    found = [way for way in ways if way[0] is leg and (not number or str(way[1]) == number)]
    if not found:
        return False
    _, _, other, number_there = found[-1]
    if call.other_than(leg) is not other:
        return False
    _pass(call, leg, other, request, transaction, number_there if number else 0)
    return True


def _pass(call: Call, leg: Leg, other: Leg, request: Request, transaction: ServerTransaction, number: int) -> None:
    refusal = why_not(call, leg, request, False)
    if refusal is not None:
        leg.answer(transaction, *refusal)
        return
    event = f"refer;id={number}" if number else "refer"
    exchange = OfPassedRefer(leg, other, request, transaction, event)
    leg.open += (exchange,)
    exchange.go_on()


def event_of(request: Request) -> tuple[str, str | None]:
    """The package that an Event header names, in lower case, and its id; "" and None where there are none."""
    package, _, params = request.first.get("event", "").partition(";")
    return package.strip(" \t").lower(), param(f";{params}", "id")


def _seen_from(other: Leg, refer_to: ReferTo) -> str:
    """A Refer-To's URI for the other side."""
    uri, router = refer_to.uri, other.router
    if isinstance(uri, TelUri):
        return refer_to.text
    text, headers = refer_to.text, uri.headers
    far = far_side_of(router, parse_replaces(refer_to.replaces)) if refer_to.replaces else None
    if far is not None:
        dialog = far.dialog
        value = f"{dialog.call_id};to-tag={dialog.remote_tag};from-tag={dialog.local_tag}"
        others = [each for each in headers.split("&") if each.partition("=")[0].lower() != "replaces"]
        headers = "&".join([f"Replaces={quote(value, safe=_IN_URI)}", *others])
        text = dialog.target.partition("?")[0]
    elif is_here(router, uri) or aim_at(router.routing, uri) is not None:
        scheme, _, ours = other.contact[1:-1].partition(":")  # with its transport: the one that he reaches us by
        user = f"{uri.user}@" if uri.user else ""
        text = f"{scheme}:{user}{ours}{lasting_params(uri)}"
    return f"{text}?{headers}" if headers else text
