"""The description of the HTTP API (OpenAPI 3.1): what can be asked, and what answers look like.

The tests ask everything that it describes, and more, and hold the answers against it.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from aiohttp import web

from edge_router.http.answer import FORMATS
from edge_router.http.operation_views import ANSWERED, RINGING, TRYING
from edge_router.http.state_api import SETTABLE, PushedQueue
from edge_router.switches import STATES
from state_client.picture import AGENT_STATES
from state_client.task import RANKS

# `Any` in here: JSON Schema has no better type.
Schema = dict[str, Any]


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
_AGE: Final[Schema] = {
    "type": ["number", "null"],
    "minimum": 0,
    "description": "Seconds; null where there is no telling.",
}

_QUEUE: Final[Schema] = {
    "id": _TEXT,
    "name": _TEXT,
    "type": _TEXT,
    "channel": _TEXT,
    "length": _COUNT | {"description": "Calls that wait."},
    "expected": _COUNT | {"description": "The length, and calls sent there that the cloud doesn't show yet."},
    "total_wait_secs": _SECONDS,
    "longest_wait_secs": _SECONDS,
    "calls": _COUNT | {"description": "Calls that an agent has or is being offered."},
    "agents_available": _COUNT,
    "agents_signed_on": _COUNT,
    "estimated_wait_secs": {"type": "number", "minimum": -1, "description": "-1: unknown."},
    "age_secs": _AGE,
    "tasks_age_secs": _AGE | {"description": "How old length and waits are."},
    "agents_age_secs": _AGE,
    "estimate_age_secs": _AGE,
    "fresh": _FLAG | {"description": "Whether a rule may rely on it."},
    "source": _TEXT | {"description": "event, confirm, reconcile, pushed, static, peer, stored or awaited."},
}
_TEAM: Final[Schema] = {
    "id": _TEXT,
    "name": _TEXT,
    "agents_signed_on": _COUNT,
    **{f"agents_{state}": _COUNT for state in AGENT_STATES},
    "age_secs": _AGE,
    "fresh": _FLAG,
    "source": _TEXT,
}
_AGENT: Final[Schema] = {
    **dict.fromkeys(("id", "name", "team", "channel", "state", "idle_code", "task"), _TEXT),
    "state_secs": _AGE,
}
_TASK: Final[Schema] = {
    **dict.fromkeys(("id", "state", "queue", "channel", "direction", "origin", "destination", "agent"), _TEXT),
    "call_id": _TEXT,
    "callback": _FLAG,
    "doubted": _FLAG,
    "parked_secs": _AGE,
}
_TASK_EVENT: Final[Schema] = {
    **dict.fromkeys(("id", "queue", "channel", "direction", "origin", "destination", "call_id"), _TEXT),
    "state": {"type": "string", "enum": list(RANKS)},
    "began_secs": _AGE | {"description": "How many seconds ago it began; null where nobody knows."},
}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_MAYBE: Final[Schema] = {"type": ["string", "null"]}
_CALL: Final[Schema] = {
    **dict.fromkeys(("call_id", "calling", "called", "ingress_trunk"), _TEXT),
    **dict.fromkeys(("egress_trunk", "dial_peer_in", "dial_peer_out"), _MAYBE),
    "state": _TEXT | {"enum": [TRYING, RINGING, ANSWERED]},
    "since": _TIME | {"description": "When it came to be in this state."},
    "start": _TIME,
    "method": _TEXT | {"description": "redirect, refer, bridge or none."},
    **dict.fromkeys(("policy", "rule", "service", "transferred_to", "webex_task_id"), _MAYBE),
    "reason": _TEXT | {"description": "The decision in words, as the log has it; then what came otherwise."},
    "values": {"type": "object", "description": "What the rule read."},
}
_TARGET: Final[Schema] = {
    "uri": _TEXT,
    "address": _TEXT | {"description": "Address and port; empty where its name leads nowhere."},
    "up": _FLAG,
    "reason": _TEXT | {"description": "What is wrong with its name; empty where nothing is."},
}
_TRUNK: Final[Schema] = {
    "name": _TEXT,
    "up": _FLAG | {"description": "Whether any of its targets is."},
    "state": _TEXT
    | {"enum": ["up", "partial", "down"], "description": "Whether all its targets are up, some, or none."},
    "registered": {"type": ["boolean", "null"], "description": "Whether we are, null where it doesn't want it."},
    "unregistered_reason": _TEXT | {"description": "Why we aren't; empty where we are."},
    "targets": {"type": "array", "items": _object(_TARGET)},
    **dict.fromkeys(("calls", "calls_in", "calls_out"), _COUNT),
    "cps": {"type": "number", "minimum": 0, "description": "Calls within the last second."},
    **{f"{way}max_calls": {"type": ["integer", "null"]} for way in ("", "inbound_", "outbound_")},
    **{f"{way}max_cps": {"type": ["number", "null"]} for way in ("", "inbound_", "outbound_")},
}
_READY: Final[Schema] = {"ok": _FLAG, "status": _TEXT, "degraded": _FLAG, "reason": _TEXT}
_ENVELOPE: Final[Schema] = {"ok": _FLAG, "error": _TEXT}
_DECISION: Final[Schema] = {
    "ok": _FLAG | {"description": "Whether this was decided; else it is the safe answer, and error says why."},
    "target": _TEXT | {"description": "The dial-peer."},
    "method": {"type": "string", "enum": ["redirect", "refer", "bridge", "reject", "none"]},
    "number": _TEXT | {"description": "What is dialled there."},
    "uri": _TEXT,
    **dict.fromkeys(("service", "policy", "rule", "reason"), _TEXT),
    "age_secs": _AGE | {"description": "How old the oldest state is that was read; null where none was."},
    "code": {"type": "integer", "description": "What the caller would get where he is refused; else 0."},
    "error": _TEXT,
}
_HEADERS: Final[Schema] = {"type": "object", "additionalProperties": _TEXT, "description": "Headers of the INVITE."}
_SWITCH: Final[Schema] = {
    "kind": {"type": "string", "enum": list(STATES)},
    "name": _TEXT,
    "state": _TEXT | {"description": "on, off or auto; of hours open, closed or auto."},
    "who": _TEXT | {"description": "The name of the token, or where it was set from."},
    "when": {"type": ["string", "null"], "format": "date-time"},
}


def route(version: str) -> web.RouteDef:
    """Give the route by which it is told."""
    octets = orjson.dumps(description(version))

    async def tell(request: web.Request) -> web.Response:
        return web.Response(body=octets, content_type="application/json")

    return web.get("/v1/openapi.json", tell)


def description(version: str) -> Schema:
    """Give the whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Edge router",
            "version": version,
            "description": "What the contact centre is doing now, as the router's rules see it.",
        },
        "security": [{}, {"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Queue": _object(_ENVELOPE | _QUEUE),
                "NoQueue": _nothing(_QUEUE),
                "TaskEvent": _object(_TASK_EVENT),
                "TasksEvent": _object({"total": _COUNT}),
                "PushedQueue": PushedQueue.model_json_schema() | {"anyOf": [_with(key) for key in SETTABLE]},
            },
        },
        "paths": {
            "/healthz": {"get": _get("Whether the process is alive", {"200": _answer(_object(_READY))})},
            "/readyz": {
                "get": _get(
                    "Whether it takes calls",
                    {"200": _answer(_object(_READY)), "503": _answer(_object(_READY), "Not now; the reason says why.")},
                )
            },
            "/v1/queues": {"get": _list("Every queue", "queues", _QUEUE)},
            "/v1/queues/{name}": _queue_paths(),
            "/v1/teams": {"get": _list("Every team", "teams", _TEAM)},
            "/v1/agents": {"get": _list("Signed-on agents, one object for each channel", "agents", _AGENT)},
            "/v1/tasks": {"get": _list("Interactions in progress", "tasks", _TASK)},
            **_operation_paths(),
            "/v1/decisions": _decision_paths(),
            **_switch_paths(),
            "/v1/webex": {
                "get": _get(
                    "How the connection to Webex Contact Center stands",
                    {
                        "200": _answer({"type": "object", "required": ["ok", "error", "subscriptions"]}),
                        "404": _answer(_object(_ENVELOPE), "This router follows no contact centre in the cloud."),
                    },
                )
            },
            "/v1/events": {
                "get": _get(
                    "What changes, as server-sent events: `queue`, `task`, `tasks`, `decision` and `beat`",
                    {"200": {"description": "A stream without an end.", "content": {"text/event-stream": {}}}},
                )
            },
        },
    }


def _operation_paths() -> Schema:
    task = {"name": "task", "in": "query", "schema": _TEXT, "description": "Only the calls that are this task there."}
    calls = {"total": _COUNT, "truncated": _FLAG, "calls": {"type": "array", "items": _object(_CALL)}}
    faults = {"faults": {"type": "array", "items": _TEXT}}
    wrong = _answer(_object(_ENVELOPE | faults), "The configuration has faults; the one that was in force stays.")
    many = {"calls_in_progress": _COUNT}
    return {
        "/v1/calls": {"get": _whole("Calls in progress, the oldest 1,000", calls) | {"parameters": [task]}},
        "/v1/trunks": {"get": _list("Every trunk", "trunks", _TRUNK)},
        "/v1/reload": {"post": _whole("Read the configuration anew", faults, {"422": wrong})},
        "/v1/drain": {"post": _whole("Take no more calls; those in progress go on", many)},
    }


def _decision_paths() -> Schema:
    texts = dict.fromkeys(("called", "calling", "trunk", "session_id"), _TEXT)
    form = {"type": "string", "enum": list(FORMATS)}
    asked = {"type": "object", "required": ["called"], "properties": texts | {"headers": _HEADERS, "format": form}}
    query = {**texts, "format": form, "header": {"type": "array", "items": _TEXT, "description": "Name: value"}}
    parameters = [{"name": name, "in": "query", "schema": schema} for name, schema in query.items()]
    answer = _object(_DECISION)
    answers = {
        "200": _answer(answer, "What would be done; where it isn't ok, the safe answer."),
        "400": _answer(answer, "It is no HTTP."),
        "415": _answer(answer, "The body has a Content-Encoding."),
        "429": _answer(answer, "Too many requests; Retry-After says when to ask again."),
    }
    words = "What would be done with a call; nothing is counted"
    body = {"content": {f"application/{kind}": {"schema": asked} for kind in ("json", "x-www-form-urlencoded")}}
    asking: Schema = {"get": {"parameters": parameters}, "post": {"requestBody": body}}
    operations = {method: _get(words, answers, answer) | question for method, question in asking.items()}
    for operation in operations.values():
        for each in operation["responses"].values():
            each["content"] |= {"application/xml": {}, "text/plain": {}}
    return operations


def _switch_paths() -> Schema:
    every = {"get": _list("Every switch, also those that nobody has set", "switches", _SWITCH)}
    return {"/v1/switches": every} | {f"/v1/switches/{kind}/{{which}}": _one_switch(kind) for kind in STATES}


def _one_switch(kind: str) -> Schema:
    which = {"name": "which", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    one, none = _answer(_object(_ENVELOPE | _SWITCH)), _nothing(_SWITCH)
    state = {"type": "string", "enum": list(STATES[kind])}
    sent = _object({key: {} for key in ("ok", "error", *_SWITCH)} | {"state": state}) | {"required": ["state"]}
    missing = {"404": _answer(none, "There is no such switch.")}
    refused = {
        "400": _answer(none, "The body is no JSON."),
        "413": _answer(none, "The body is too large."),
        "422": _answer(none, "A switch of this kind has no such state."),
    }
    return {
        "parameters": [which],
        "get": _get("One switch", {"200": one, **missing}, none),
        "put": _get("Set a switch", {"200": one, **missing, **refused}, none)
        | {"requestBody": {"content": {"application/json": {"schema": sent}}, "required": True}},
    }


def _queue_paths() -> Schema:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    one = _answer({"$ref": "#/components/schemas/Queue"})
    none = {"$ref": "#/components/schemas/NoQueue"}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/PushedQueue"}}}, "required": True}
    missing = {"404": _answer(none, "There is no such queue.")}
    refused = {
        "400": _answer(none, "The body is no JSON."),
        "409": _answer(none, "The queue's values come from elsewhere."),
        "413": _answer(none, "The body is too large."),
        "422": _answer(none, "The body says something that can't be."),
    }
    return {
        "parameters": [name],
        "get": _get("One queue, by its name or id", {"200": one, **missing}, none),
        "put": _get("Set a queue's values from outside", {"200": one, **missing, **refused}, none)
        | {"requestBody": body},
    }


def _with(key: str) -> Schema:
    return {"required": [key], "properties": {key: {"type": "number"}}}


def _answer(schema: Schema, words: str = "As asked.") -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _nothing(properties: Schema) -> Schema:
    """The answer of who refuses: all the keys, and nothing in them."""
    return _object(_ENVELOPE | {key: {"type": "null"} for key in properties})


def _get(summary: str, responses: Schema, failure: Schema | None = None) -> Schema:
    """An operation; ``failure`` is what an answer looks like that refuses it."""
    words = {
        "401": "A token is needed.",
        "403": "The token lacks the scope, or a page of another origin asks.",
        "405": "The path takes other methods.",
        "503": "It took too long.",
    }
    refused = {status: _answer(failure or _object(_ENVELOPE), why) for status, why in words.items()}
    return {"summary": summary, "responses": refused | responses}


def _whole(summary: str, properties: Schema, responses: Schema | None = None) -> Schema:
    """An operation whose answer has these keys, whatever comes of it."""
    done = {"200": _answer(_object(_ENVELOPE | properties))}
    return _get(summary, done | (responses or {}), _nothing(properties))


def _list(summary: str, name: str, properties: Schema) -> Schema:
    return _whole(summary, {name: {"type": "array", "items": _object(properties)}})
