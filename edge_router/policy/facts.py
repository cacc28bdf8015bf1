"""What a policy may know of a call: the values behind `call.*` in a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping


def _no_header(name: str) -> str:
    """Stand in for the headers of a call that has none, as in `edge-router route`."""
    return ""


def _no_visit(call: CallFacts, peer: str, now: float) -> int:
    """Stand in for the places where a call has been before, of one that is nowhere yet."""
    return 0


class CallFacts:
    """One call, as rules see it. Numbers are normalised; what the call doesn't have is an empty string.

    `called` and `calling` are the numbers as they are now, `called_received` and `calling_received` as they came.
    `trunk` names the trunk that the call came in by, `source` is the address it came from. `headers(name)` gives the
    first value of a header of the INVITE by any spelling of its name, "" if there is none; it is called only when a
    rule reads a header. `service` are the cells of the called number's row in the table of services, by column; None
    where no row has the number. `visits(call, dial-peer, now)` says how often the call was placed there already.
    `session_id` is its Session-ID header (RFC 7989), "" if it has none. No rule is asked of an `emergency` call.
    """

    __slots__ = (
        "anonymous",
        "call_id",
        "called",
        "called_received",
        "calling",
        "calling_received",
        "diverted_from",
        "emergency",
        "headers",
        "service",
        "session_id",
        "source",
        "trunk",
        "visits",
    )

    def __init__(
        self,
        calling: str,
        called: str,
        called_received: str = "",
        trunk: str = "",
        source: str = "",
        anonymous: bool = False,
        diverted_from: str = "",
        call_id: str = "",
        headers: Callable[[str], str] = _no_header,
        service: Mapping[str, str] | None = None,
        visits: Callable[[CallFacts, str, float], int] = _no_visit,
    ) -> None:
        self.calling = calling
        self.calling_received = calling
        self.called = called
        self.called_received = called_received or called
        self.trunk = trunk
        self.source = source
        self.anonymous = anonymous
        self.diverted_from = diverted_from
        self.call_id = call_id
        self.headers = headers
        self.service = service
        self.visits = visits
        self.emergency = False
        self.session_id = ""

    @property
    def identity(self) -> tuple[str, str, str, bool]:
        """What a call is known by when it comes back: Session-ID, calling number ("" for nobody's), called number.

        And whether its headers say that somebody has sent it on.
        """
        calling = self.calling if not self.anonymous else "anonymous" if self.emergency else ""
        return self.session_id, calling, self.called_received, self.retargeted

    @property
    def retargeted(self) -> bool:
        """Whether its headers say that somebody has sent it on."""
        return bool(self.diverted_from or self.headers("history-info"))
