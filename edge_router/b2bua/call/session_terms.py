"""What a leg and its peer agree on for the session timer (RFC 4028 §7 to §9), and what is refused.

Lives here: what our INVITE asks for, what our 2xx answers, the 422. Must not know: what becomes of it in time, which is
session_timer.py's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.call.session_timer import SessionTimer
from edge_router.b2bua.messages.capabilities import WITHOUT_PRACK
from edge_router.b2bua.messages.crossing import IN_DIALOG, crossing
from edge_router.b2bua.messages.screening import Refusal
from edge_router.b2bua.messages.shown_sdp import CALLER
from edge_router.sip.session_expires import LONGEST, SHORTEST, min_se, names, session_expires

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.callee import CalleeLeg
    from edge_router.b2bua.call.leg import Leg
    from edge_router.dialplan.trunk import Trunk
    from edge_router.sip.message import Request, Response
    from edge_router.sip.transaction import ServerTransaction

_MOST_LONGER: Final = 2  # times that one target may ask for a longer interval than the last


# We are the server of an INVITE or UPDATE


def too_brief(request: Request, trunk: Trunk) -> Refusal | None:
    """The 422 for an interval below the trunk's ``min_se`` (§9), None where there is nothing to say against it.

    Who doesn't speak of timers himself can't be told: a proxy between has put the interval in.
    """
    asked = session_expires(request)
    if asked is None or asked.interval >= trunk.min_se or not _speaks(request):
        return None
    return Refusal(422, "Session Interval Too Small", f"Min-SE: {trunk.min_se}\r\n")


def answer_lines(leg: Leg, request: Request) -> str:
    """What our 2xx to an INVITE or UPDATE of his says of his session's timer, which from now on is so (§9)."""
    timer, call = leg.session, leg.call
    if timer is None and "session-expires" not in request.first and leg.trunk.trunk.session_expires is None:
        return ""
    if call is None or not call.caller.answered:  # an UPDATE in an early dialog: there is no session yet
        return ""
    agreed = _agreed(leg, timer, request)
    if agreed is None:
        if timer is not None:
            timer.stop()
        return ""
    interval, ours = agreed
    if timer is None:
        timer = leg.session = SessionTimer(leg)
    timer.least = max(min_se(request), timer.least)
    timer.agree(request, interval, ours)
    if ours:
        return f"Session-Expires: {interval};refresher=uas\r\n"
    return f"Session-Expires: {interval};refresher=uac\r\nRequire: timer\r\n"


def _agreed(leg: Leg, timer: SessionTimer | None, request: Request) -> tuple[int, bool] | None:
    """The interval, and whether we refresh; None for no timer.

    The answer may shorten what is asked for, but neither lengthen it nor go below the request's Min-SE. He refreshes
    if he can, since he has asked for it.
    """
    wanted = leg.trunk.trunk.session_expires
    asked = session_expires(request)
    least = min_se(request)
    refresher = ""
    if asked is None:
        if timer is not None and (timer.ours or wanted is not None):
            interval, refresher = timer.interval, "uas" if timer.ours else ""
        elif timer is None and wanted is not None:
            interval = wanted
        else:
            return None
        interval = max(interval, least)
    elif asked.interval < SHORTEST:  # no interval that may be; who doesn't speak of timers has none with us
        return None
    else:
        interval = asked.interval if wanted is None else min(asked.interval, max(wanted, least))
        refresher = asked.refresher
    return interval, refresher == "uas" or not _speaks(request)


def refreshed_here(call: Call, leg: Leg, request: Request, transaction: ServerTransaction) -> bool:
    """Answers an UPDATE that does nothing but refresh his own session: the other side has one of its own.

    What says more goes on, and refreshes on the way.
    """
    callee = call.callee
    stands = call.caller.answered and (leg is call.caller or (leg is callee and callee is not None and callee.answered))
    if request.body or "session-expires" not in request.first or not stands:
        return False
    other = call.other_than(leg)
    if other is not None:
        crossed = crossing(request, IN_DIALOG, leg.trunk.trunk, other.trunk.trunk, other.listener.advertised)
        if any(not line.startswith("Session-ID:") for line in crossed.splitlines()):
            return False
    leg.dialog.refresh(request)
    ours = f"Contact: {leg.contact}\r\n{WITHOUT_PRACK}"
    leg.answer(transaction, 200, "OK", ours + answer_lines(leg, request))
    return True


def _speaks(request: Request) -> bool:
    return names(request, "supported", "timer") or names(request, "require", "timer")


# We are the client of an INVITE


def terms_for(trunk: Trunk, least: int) -> tuple[int, int] | None:
    """Interval and Min-SE that an INVITE asks for (§7.1): by its trunk's ``session_timer``, or ``least`` seconds."""
    if trunk.session_expires is None and not least:
        return None
    least = max(least, trunk.min_se)
    return max(trunk.session_expires or 0, least), least


def lines_of(terms: tuple[int, int]) -> str:
    """The lines that ask for it."""
    interval, least = terms
    line = f"Min-SE: {least}\r\n" if least > SHORTEST else ""
    return f"Session-Expires: {interval}\r\n{line}"


def longer_for(callee: CalleeLeg, response: Response | None, asked: int) -> int:
    """The interval that a 422 wants in the next INVITE (§7.3), 0 where there is none to be sent.

    ``asked`` counts how often the target has wanted one.
    """
    if response is None or response.code != 422 or asked >= _MOST_LONGER:
        return 0
    least = min_se(response, 0)
    return least if callee.session_asked is None or least > callee.session_asked[0] else 0


def begin(call: Call, callee: CalleeLeg, answer: Response, invite: Request) -> None:
    """A callee has answered and is to be connected: from now on the time of his session runs."""
    asked = callee.session_asked
    if asked is not None or ("session-expires" in answer.first and session_expires(answer) is not None):
        interval, least = asked or (LONGEST, SHORTEST)
        timer = callee.session = SessionTimer(callee, interval, least)
        timer.heard(answer)
        if invite.body:
            callee.own(CALLER, f"Content-Type: {invite.first.get('content-type', '')}\r\n", invite.body)
