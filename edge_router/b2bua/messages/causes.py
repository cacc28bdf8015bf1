"""Why something ended, as a message says it: the Reason header (RFC 3326), and the Q.850 causes in it; Retry-After.

The two tables have a SIP status for a cause, and a cause for a status, as a CUBE has them; what it leaves out is as in
RFC 4497 §8.4.4 and RFC 3398 §8.2.6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge_router.sip.headers import param

if TYPE_CHECKING:
    from edge_router.sip.message import Message, Response

NORMAL: Final = "Reason: Q.850;cause=16\r\n"
FAILURE: Final = "Reason: Q.850;cause=41\r\n"
RECOVERY_ON_TIMER: Final = "Reason: Q.850;cause=102\r\n"
_CAUSES: Final[dict[int, int]] = {
    401: 57,
    402: 21,
    403: 57,
    404: 1,
    405: 127,
    406: 127,
    407: 21,
    408: 102,
    409: 41,
    410: 1,
    415: 79,
    480: 18,
    482: 25,
    483: 25,
    484: 28,
    485: 1,
    486: 17,
    500: 41,
    501: 79,
    502: 38,
    503: 41,
    504: 102,
    600: 17,
    603: 21,
    604: 1,
    606: 58,
}
_INTERWORKING: Final = 127
_CODES: Final[dict[int, int]] = {
    1: 404,
    2: 404,
    3: 404,
    17: 486,
    18: 480,
    19: 480,
    20: 480,
    21: 403,
    22: 410,
    26: 404,
    27: 404,
    28: 484,
    29: 501,
    31: 404,
    34: 503,
    38: 503,
    41: 503,
    42: 503,
    47: 503,
    55: 403,
    57: 403,
    58: 501,
}


def reasons_of(message: Message) -> str:
    """The Reason lines of a message."""
    return "".join(f"Reason: {value}\r\n" for value in message.all("reason"))


def cause_of(message: Message) -> int | None:
    """The Q.850 cause of a Reason header, None if there is none."""
    for value in message.all("reason"):
        protocol, _, params = value.partition(";")
        if protocol.strip(" \t").upper() == "Q.850":
            cause = param(params, "cause") or ""
            if cause.isascii() and cause.isdigit() and len(cause) <= 3:
                return int(cause)
    return None


def cause_for(code: int) -> int:
    """The Q.850 cause that a refusal stands for; 127, interworking, for one that stands for none."""
    return _CAUSES.get(code, _INTERWORKING)


def code_for(cause: int) -> int:
    """The SIP status that a Q.850 cause stands for; 500 for one that stands for none."""
    return _CODES.get(cause, 500)


def retry_after(response: Response | None) -> int:
    """The seconds of a Retry-After (RFC 3261 §20.33), 0 where there is none that can be read; an hour at most."""
    text = response.first.get("retry-after", "") if response is not None else ""
    seconds = text.partition("(")[0].partition(";")[0].strip(" \t")
    return min(int(seconds), 3600) if seconds.isascii() and seconds.isdigit() and len(seconds) < 10 else 0
