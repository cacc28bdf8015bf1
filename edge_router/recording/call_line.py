"""What one line of a recording says, as plain data: a call as rules saw it, and how it was decided.

A key whose value would be "", false or empty is left out.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from edge_router.b2bua.reports.record import CallRecord
    from edge_router.policy.facts import CallFacts

Line = dict[str, object]
"""A line of a recording, before it is written."""

LONGEST_HEADER = 1_000
"""Characters of a header's value that are recorded."""


def call_line(record: CallRecord, facts: CallFacts, listen: str, headers: Collection[str]) -> Line:
    """Write down a call that was just decided. `headers` are those that rules read."""
    decision = record.decision
    line: Line = {
        "t": record.start,
        "call_id": record.call_id,
        "calling": facts.calling,
        "called": facts.called,
        "trunk": facts.trunk,
        "listen": listen,
        "source": facts.source,
        "sip_call_id": facts.call_id,
    }
    if facts.called_received != facts.called:
        line["called_received"] = facts.called_received
    if facts.calling_received != facts.calling:
        line["calling_received"] = facts.calling_received
    if facts.anonymous:
        line["anonymous"] = True
    if facts.diverted_from:
        line["diverted_from"] = facts.diverted_from
    if facts.session_id:
        line["session_id"] = facts.session_id
    if headers:
        found = {name: value[:LONGEST_HEADER] for name in headers if (value := facts.headers(name))}
        if found:
            line["headers"] = found
    if facts.service is not None:
        line["service"] = facts.service.get("service", "")
    if record.dial_peer_in is not None:
        line["dial_peer_in"] = record.dial_peer_in
    if decision is not None:
        line["policy"] = decision.policy
        line["rule"] = decision.rule
        line["action"] = decision.action()
        line["to"] = [hop.peer for hop in decision.to]
    return line


def written(line: Line) -> bytes:
    """A line as it stands in the file, with its line end. Text that is no Unicode is made so."""
    try:
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # half characters, which octets outside UTF-8 leave behind
        return orjson.dumps(_whole(line), option=orjson.OPT_APPEND_NEWLINE)


def _whole(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole(part) for part in value]
    return value
