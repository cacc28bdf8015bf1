"""What is known of one inbound call attempt: the material of a CDR, a log line and a metric.

One record per attempt, also for calls that were redirected, refused or failed. Times are seconds since the epoch
(UTC), None where the moment never came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_router.policy.decision import Decision


@dataclass(slots=True)
class Attempt:
    """One try at a target: ``code`` is its final status, None for no answer in time; ``ms`` how long it took."""

    dial_peer: str
    target: str
    code: int | None
    ms: int


class CallRecord:
    """The facts of one attempt, named as the CDR's keys.

    ``method`` is redirect, refer, bridge, reject or none. ``ended_by`` is caller, callee or router. ``outcome`` is
    answered, redirected, referred, rejected (by us on purpose), failed, cancelled or interrupted. ``code`` is the
    final status that the caller got, ``cause`` the Q.850 cause of the end where one was given. ``service`` is the
    called number's in the table of services, None where it isn't there. ``visits`` is how often this call had been
    placed before where it was sent to last: 0 unless it has come back. A record begins with what is known when the call
    comes; the rest is written into it as it happens.
    """

    __slots__ = (
        "answer",
        "attempts",
        "call_id",
        "called",
        "called_out",
        "calling",
        "calling_out",
        "cause",
        "cisco_guid",
        "code",
        "decision",
        "dial_peer_in",
        "dial_peer_out",
        "egress_call_id",
        "egress_trunk",
        "emergency",
        "end",
        "ended_by",
        "ingress_call_id",
        "ingress_trunk",
        "method",
        "node",
        "outcome",
        "reason",
        "ringing",
        "service",
        "session_id",
        "start",
        "target",
        "transferred_to",
        "visits",
        "webex_task_id",
    )

    def __init__(
        self,
        call_id: str,
        ingress_call_id: str,
        node: str,
        calling: str,
        called: str,
        ingress_trunk: str,
        start: float,
    ) -> None:
        self.call_id = call_id
        self.ingress_call_id = ingress_call_id
        self.node = node
        self.calling = calling
        self.called = called
        self.ingress_trunk = ingress_trunk
        self.start = start
        self.egress_call_id: str | None = None
        self.session_id: str | None = None
        self.cisco_guid: str | None = None
        self.calling_out: str | None = None
        self.called_out: str | None = None
        self.egress_trunk: str | None = None
        self.target: str | None = None
        self.dial_peer_in: str | None = None
        self.dial_peer_out: str | None = None
        self.service: str | None = None
        self.decision: Decision | None = None
        self.method = "none"
        self.reason = ""
        self.attempts: tuple[Attempt, ...] = ()
        self.visits = 0
        self.transferred_to: str | None = None
        self.webex_task_id: str | None = None
        self.ringing: float | None = None
        self.answer: float | None = None
        self.end: float | None = None
        self.code = 0
        self.cause: int | None = None
        self.ended_by = ""
        self.emergency = False
        self.outcome = ""


def why(record: CallRecord) -> str:
    """The decision's own words, and what came otherwise than it was decided."""
    decision = record.decision
    if decision is None:
        return record.reason
    decided = decision.explain()
    return f"{decided}; {record.reason}" if record.reason else decided
