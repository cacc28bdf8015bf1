"""One log line for each call attempt that is over: who called whom, what became of it, and why it was sent there."""

from __future__ import annotations

import logging

from edge_router.b2bua.reports.events import Silence
from edge_router.b2bua.reports.record import CallRecord, why
from edge_router.telemetry.logs import Event

_log = logging.getLogger("edge_router.calls")


class CallLog(Silence):
    """Writes the line at level info. Fields are named as the keys of a call record."""

    def ended(self, record: CallRecord) -> None:
        """Log the attempt."""
        if _log.isEnabledFor(logging.INFO):
            _log.info(CallLine(record))


class CallLine(Event):
    """The message of such a line: words for people by ``str()``, ``fields()`` for machines."""

    def __init__(self, record: CallRecord) -> None:
        self._record = record

    def __str__(self) -> str:
        numbers = numbers_out(self._record)
        left = "".join(f", {key.replace('_', ' ')} as {number or 'nobody'}" for key, number in numbers.items())
        return f"{self.headline()}{left}; {why(self._record)}"

    def headline(self) -> str:
        """Who called whom, and what became of it."""
        record = self._record
        return f"{record.calling or 'anonymous'} -> {record.called}: {what_became(record)}"

    def fields(self) -> dict[str, object]:
        """What is known of the call; moments are left out where they would be null, numbers out where they came so."""
        record, decision = self._record, self._record.decision
        return {
            "call_id": record.call_id,
            "ingress_call_id": record.ingress_call_id,
            "egress_call_id": record.egress_call_id,
            "session_id": record.session_id,
            "cisco_guid": record.cisco_guid,
            "webex_task_id": record.webex_task_id,
            "node": record.node,
            "calling": record.calling,
            "called": record.called,
            **numbers_out(record),
            "service": record.service,
            "ingress_trunk": record.ingress_trunk,
            "egress_trunk": record.egress_trunk,
            "target": record.target,
            "dial_peer_in": record.dial_peer_in,
            "dial_peer_out": record.dial_peer_out,
            "policy": decision and decision.policy,
            "rule": decision and decision.rule,
            "values": decision.values if decision else {},
            "state_age_s": decision and decision.age,
            "visits": record.visits,
            "method": record.method,
            "reason": why(record),
            "attempts": [
                {"dial_peer": each.dial_peer, "target": each.target, "code": each.code, "ms": each.ms}
                for each in record.attempts
            ],
            "transferred_to": record.transferred_to,
            "setup_ms": _milliseconds(record),
            "duration_s": _duration(record),
            "code": record.code,
            "cause": record.cause,
            "ended_by": record.ended_by,
            "outcome": record.outcome,
        }


def what_became(record: CallRecord) -> str:
    """The outcome in a few words, such as ``answered by premise, 3.2 s`` or ``failed 503``."""
    where = record.dial_peer_out or record.egress_trunk or ""
    match record.outcome:
        case "answered":
            duration = _duration(record)
            return f"answered by {where}" + ("" if duration is None else f", {duration:.1f} s")
        case "redirected" | "referred":
            return f"{record.outcome} to {where}"
        case _:
            return f"{record.outcome} {record.code}" if record.code else record.outcome


def numbers_out(record: CallRecord) -> dict[str, str]:
    """``calling_out`` and ``called_out`` of the last attempt, each where it is not what came in."""
    numbers = {}
    if record.calling_out is not None and record.calling_out != record.calling:
        numbers["calling_out"] = record.calling_out
    if record.called_out is not None and record.called_out != record.called:
        numbers["called_out"] = record.called_out
    return numbers


def _milliseconds(record: CallRecord) -> int | None:
    """The post-dial delay."""
    heard = record.ringing or record.answer
    return None if heard is None else max(0, round((heard - record.start) * 1000))


def _duration(record: CallRecord) -> float | None:
    """Seconds from answer to end."""
    if record.answer is None or record.end is None:
        return None
    return max(0.0, round(record.end - record.answer, 3))
