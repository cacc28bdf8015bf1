"""Why an attempt came to nothing, and what the caller hears when nothing has taken his call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge_router.b2bua.causes import cause_of, reasons_of
from edge_router.sip.reasons import reason_phrase

if TYPE_CHECKING:
    from edge_router.b2bua.call import Call
    from edge_router.b2bua.callee import CalleeLeg
    from edge_router.sip.message import Response

LOOP_DETECTED: Final = 482
"""What a caller gets whose call goes round in a circle (RFC 3261 §16.3 item 4)."""
IN_A_CIRCLE: Final = "the call goes round in a circle, and nothing else is left"
_NO_CIRCUIT: Final = 34  # Q.850: no circuit or channel available
_EXCHANGE_ROUTING_ERROR: Final = 25  # Q.850
_RECOVERY_ON_TIMER: Final = 102  # Q.850
# A challenge is between the target and us, and is not the caller's to answer.
_CODES_FOR_CALLER: Final = {401: 403, 407: 403}


class Failure(NamedTuple):
    """How an attempt at a target ended: the final status, None if none came, and the response that bore it.

    A status without a response is our own: what could not be sent.
    """

    callee: CalleeLeg
    code: int | None
    response: Response | None = None

    @property
    def word(self) -> str:
        """The status, or ``timeout``."""
        return "timeout" if self.code is None else str(self.code)


def give_back(call: Call, failure: Failure | None, last: str, looped: bool) -> None:
    """Refuses the caller with what the last attempt said, in a form that does no harm; None: nothing was tried.

    ``looped``: a destination that could have been tried was left out, since the call was there too often.
    """
    if failure is not None:
        call.remark(f"{last}: {failure.word}")
    if failure is None and looped:
        call.remark(IN_A_CIRCLE)
        _refuse(call, LOOP_DETECTED, _EXCHANGE_ROUTING_ERROR)
    elif failure is None:
        _refuse(call, 480, _NO_CIRCUIT)
    elif failure.code is None:
        call.refuse(408, reason_phrase(408), "failed", cause=_RECOVERY_ON_TIMER)
    elif failure.response is None:
        call.refuse(failure.code, reason_phrase(failure.code), "failed")
    else:
        _pass_on(call, failure.callee, failure.code, failure.response)


def _refuse(call: Call, code: int, cause: int) -> None:
    call.refuse(code, reason_phrase(code), "failed", f"Reason: Q.850;cause={cause}\r\n", cause)


def _pass_on(call: Call, callee: CalleeLeg, code: int, response: Response) -> None:
    given, cause = _code_for_caller(callee, code), cause_of(response)
    if given != code or call.caller.answered:
        # Retry-After, a body and such belong to the status that they came with.
        call.refuse(given, reason_phrase(given), "failed", reasons_of(response), cause)
    else:
        headers = call.crossing_back(callee, response)
        call.refuse(given, response.reason or reason_phrase(given), "failed", headers, cause, response.body)


def _code_for_caller(callee: CalleeLeg, code: int) -> int:
    """The status that the caller gets for a target's."""
    if code < 400:
        return 480  # where a target sends its callers is not where ours may be sent
    if code == 503 and callee.trunk.trunk.final_503 is not None:
        return callee.trunk.trunk.final_503
    return _CODES_FOR_CALLER.get(code, code)


def retry_after(response: Response | None) -> int:
    """The seconds of a Retry-After (RFC 3261 §20.33), 0 where there is none that can be read; an hour at most."""
    text = response.first.get("retry-after", "") if response is not None else ""
    seconds = text.partition("(")[0].partition(";")[0].strip(" \t")
    return min(int(seconds), 3600) if seconds.isascii() and seconds.isdigit() and len(seconds) < 10 else 0
