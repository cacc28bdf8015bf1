"""Why an attempt came to nothing, and what the caller hears when nothing has taken his call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.b2bua.messages.causes import cause_for, cause_of, code_for, reasons_of
from edge_router.b2bua.set_up.redirection import is_passed, pass_to_caller
from edge_router.sip.reasons import reason_phrase

if TYPE_CHECKING:
    from edge_router.b2bua.call.call import Call
    from edge_router.b2bua.call.callee import CalleeLeg
    from edge_router.dialplan.trunk import Trunk
    from edge_router.sip.message import Response

LOOP_DETECTED: Final = 482
"""What a caller gets whose call goes round in a circle (RFC 3261 §16.3 item 4)."""
IN_A_CIRCLE: Final = "the call goes round in a circle, and nothing else is left"
_NO_CIRCUIT: Final = 34  # Q.850: no circuit or channel available
_EXCHANGE_ROUTING_ERROR: Final = 25  # Q.850
_RECOVERY_ON_TIMER: Final = 102  # Q.850
# A challenge and a session interval are between the target and us, and not the caller's to answer.
_CODES_FOR_CALLER: Final = {401: 403, 407: 403, 422: 500}


class Failure:
    """How an attempt at a target ended: the final status, None if none came, and the response that bore it.

    A status without a response is our own: what could not be sent.
    """

    __slots__ = ("callee", "code", "response")

    def __init__(self, callee: CalleeLeg, code: int | None, response: Response | None = None) -> None:
        self.callee = callee
        self.code = code
        self.response = response

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
        code = _code_for_caller(failure.callee.trunk.trunk, 408, None)
        call.refuse(code, reason_phrase(code), "failed", cause=_RECOVERY_ON_TIMER)
    elif failure.response is not None and is_passed(call, failure):
        pass_to_caller(call, failure, failure.response)
    elif failure.response is None:
        call.refuse(failure.code, reason_phrase(failure.code), "failed")
    else:
        _pass_on(call, failure.callee, failure.code, failure.response)


def _refuse(call: Call, code: int, cause: int) -> None:
    call.refuse(code, reason_phrase(code), "failed", f"Reason: Q.850;cause={cause}\r\n", cause)


def _pass_on(call: Call, callee: CalleeLeg, code: int, response: Response) -> None:
    trunk, cause, made = callee.trunk.trunk, cause_of(response), ""
    given = _code_for_caller(trunk, code, cause)
    if trunk.error_map is not None and cause is None:  # a status may be changed once more on its way, a cause stays
        cause = cause_for(code)
        made = f"Reason: Q.850;cause={cause}\r\n"
    if given != code or call.caller.answered:
        # Retry-After, a body and such belong to the status that they came with.
        call.refuse(given, reason_phrase(given), "failed", reasons_of(response) + made, cause)
    else:
        headers = call.crossing_back(callee, response) + made
        call.refuse(given, response.reason or reason_phrase(given), "failed", headers, cause, response.body)


def _code_for_caller(trunk: Trunk, code: int, cause: int | None) -> int:
    """The status that the caller gets for a target's: by the trunk's `error_map`, else one that does no harm.

    Where that leads to a 503 by way of the cause, it is as if the target had said 503.
    """
    if trunk.error_map is not None and code in trunk.error_map.codes:
        told = trunk.error_map.codes[code]
        if told is not None:
            return told
        if cause is not None:
            code = code_for(cause)
    if code < 400:
        return 480  # where a target sends its callers is not where ours may be sent
    if code == 503 and trunk.final_503 is not None:
        return trunk.final_503
    return _CODES_FOR_CALLER.get(code, code)
