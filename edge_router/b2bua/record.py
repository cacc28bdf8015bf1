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
    final status that the caller got, ``cause`` the Q.850 cause of the end where one was given. A record begins with
    what is known when the call comes; the rest is written into it as it happens.
    """

    egress_call_id: str | None = None
    session_id: str | None = None
    cisco_guid: str | None = None
    calling_out: str | None = None
    called_out: str | None = None
    egress_trunk: str | None = None
    target: str | None = None
    dial_peer_in: str | None = None
    dial_peer_out: str | None = None
    decision: Decision | None = None
    method: str = "none"
    reason: str = ""
    attempts: tuple[Attempt, ...] = ()
    transferred_to: str | None = None
    ringing: float | None = None
    answer: float | None = None
    end: float | None = None
    code: int = 0
    cause: int | None = None
    ended_by: str = ""
    outcome: str = ""

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
