"""The cloud's search: what is asked of it, word for word, and how its answers are read.

``POST /search`` is GraphQL. ``from`` and ``to`` are epoch milliseconds and choose by when a record was created; seconds
in their place give an empty answer and no error. A page holds 250 rows (1,000 of an aggregation), and the next one is
asked for by cursor. The cloud fills its index some seconds after the fact.
"""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from state_client.rows import AgentRow, TaskRow
from state_client.webex.errors import WebexError
from state_client.webex.fields import number, part, parts, seconds, text
from state_client.webex.rest import WebexApi

LOOKBACK: Final = 86400.0
"""Seconds in which what is still active has begun: a day, since records that the cloud forgot to close are older."""

ACTIVITY_LOOKBACK: Final = 86400.0 - 60.0
"""Seconds in which an activity that goes on has begun; the cloud takes less than 24 hours."""

ACTIVITY_PAGE: Final = 1000
MOST_ACTIVITIES: Final = 10_000
"""What the cloud gives of a window at most, the oldest first: beyond it, what goes on now would be missing."""

LOOKBACK_BY_ID: Final = 7 * 86400.0
"""Seconds in which an interaction that is asked for by name has begun."""

PAGE: Final = 250
"""Rows that the cloud gives at once."""

FIRST_CURSOR: Final = "NA"
MOST_PAGES: Final = 400
"""The cloud gives at most 100,000 rows of 250 a page."""

LONGEST_TEXT: Final = 256
"""Characters that are kept of an id, a name or an address."""

LONGEST_CALL: Final = 128
"""Characters that are kept of what a call is called outside."""

IDS_IN_ONE_QUESTION: Final = 100
"""The cloud refuses a filter with more than 1,000 arguments."""

ROWS_OF: Final = {"taskDetails": "tasks", "agentSession": "agentSessions"}
"""Where the rows of an answer are, by what was asked for."""

UNSURE: Final = ("isCallback",)
"""Fields that the cloud may not have, since no description of Cisco's names them: left out where they are refused."""

COUNT: Final = "count"
"""What the counts of an aggregation are called in its answer."""

TASK_FIELDS: Final = """
      id status channelType direction origin destination createdTime lastActivityTime isActive isCallback
      lastQueue { id name } lastTeam { id name } owner { id name }"""

VARIABLE: Final = "stringGlobalVariables"
"""Where an interaction has the global variables of its flow that are texts; each is asked for by its name."""

ACTIVE_TASKS: Final = f"""
query ActiveTasks($from: Long!, $to: Long!, $cursor: String!) {{
  taskDetails(
    from: $from, to: $to,
    filter: {{ and: [
      {{ channelType: {{ equals: telephony }} }}, {{ direction: {{ equals: "inbound" }} }},
      {{ isActive: {{ equals: true }} }}
    ] }},
    pagination: {{ cursor: $cursor }}
  ) {{
    tasks {{{TASK_FIELDS}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
"""Every inbound call in progress."""

PARKED_COUNTS: Final = f"""
query ParkedCounts($from: Long!, $to: Long!, $cursor: String!) {{
  taskDetails(
    from: $from, to: $to,
    filter: {{ and: [
      {{ channelType: {{ equals: telephony }} }}, {{ direction: {{ equals: "inbound" }} }},
      {{ isActive: {{ equals: true }} }}, {{ status: {{ equals: "parked" }} }}
    ] }},
    aggregations: [{{ field: "id", type: count, name: "{COUNT}" }}],
    pagination: {{ cursor: $cursor }}
  ) {{
    tasks {{
      lastQueue {{ id }}
      isCallback
      aggregation {{ name value }}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
"""How many calls wait in each queue, those who asked to be called back apart: they wait without a call."""

PARKED_TASKS: Final = f"""
query ParkedTasks($from: Long!, $to: Long!, $cursor: String!) {{
  taskDetails(
    from: $from, to: $to,
    filter: {{ and: [
      {{ channelType: {{ equals: telephony }} }}, {{ direction: {{ equals: "inbound" }} }},
      {{ isActive: {{ equals: true }} }}, {{ status: {{ equals: "parked" }} }}
    ] }},
    pagination: {{ cursor: $cursor }}
  ) {{
    tasks {{{TASK_FIELDS}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
"""Every call that waits, also of those who asked to be called back."""

AGENT_SESSIONS: Final = """
query AgentSessions($from: Long!, $to: Long!, $cursor: String!) {
  agentSession(
    from: $from, to: $to,
    filter: { and: [{ isActive: { equals: true } }] },
    pagination: { cursor: $cursor }
  ) {
    agentSessions {
      agentId agentName teamId teamName isActive
      channelInfo { channelType currentState lastActivityTime idleCodeName }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
"""Everybody who is signed on, with the state of each channel."""

AGENT_COUNTS: Final = f"""
query AgentCounts($from: Long!, $to: Long!, $cursor: String!) {{
  agentSession(
    from: $from, to: $to,
    filter: {{ and: [
      {{ isActive: {{ equals: true }} }}, {{ channelInfo: {{ channelType: {{ equals: "telephony" }} }} }}
    ] }},
    aggregations: [{{ field: "agentSessionId", type: count, name: "{COUNT}" }}],
    pagination: {{ cursor: $cursor }}
  ) {{
    agentSessions {{
      teamId
      channelInfo {{ channelType currentState }}
      aggregation {{ name value }}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
"""How many agents of each team are in which telephony state."""


_log = logging.getLogger(__name__)


def tasks_by_id_text(count: int) -> str:
    """The question for ``count`` interactions by name; their ids are the variables ``id0``, ``id1`` and so on."""
    declared = ", ".join(f"$id{n}: String!" for n in range(count))
    wanted = ", ".join(f"{{ id: {{ equals: $id{n} }} }}" for n in range(count))
    return f"""
query TasksById($from: Long!, $to: Long!, $cursor: String!, {declared}) {{
  taskDetails(
    from: $from, to: $to,
    filter: {{ or: [{wanted}] }},
    pagination: {{ cursor: $cursor }}
  ) {{
    tasks {{{TASK_FIELDS}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""


def with_variable(query: str, variable: str) -> str:
    """A question for interactions that asks for a global variable as well, "" for none: letters, digits and _."""
    return (
        query.replace(TASK_FIELDS, f'{TASK_FIELDS} {VARIABLE}(name: "{variable}") {{ name value }}')
        if variable
        else query
    )


async def active_tasks(api: WebexApi, now: float, variable: str = "") -> list[TaskRow]:
    """Every inbound call in progress. ``now`` is in seconds since the epoch, here as below.

    ``variable`` is the global variable in which the flow keeps what a call is called outside, here as below.
    """
    query = with_variable(ACTIVE_TASKS, variable)
    return [task async for task in _tasks(api, "ActiveTasks", query, _window(now, LOOKBACK))]


async def parked_tasks(api: WebexApi, now: float, variable: str = "") -> list[TaskRow]:
    """Every inbound call that waits."""
    query = with_variable(PARKED_TASKS, variable)
    return [task async for task in _tasks(api, "ParkedTasks", query, _window(now, LOOKBACK))]


async def tasks_by_id(api: WebexApi, ids: Iterable[str], now: float, variable: str = "") -> list[TaskRow]:
    """What the cloud knows of these interactions; one that it doesn't know has no row."""
    wanted = sorted(set(ids))
    tasks: list[TaskRow] = []
    for start in range(0, len(wanted), IDS_IN_ONE_QUESTION):
        some = wanted[start : start + IDS_IN_ONE_QUESTION]
        variables = _window(now, LOOKBACK_BY_ID) | {f"id{n}": task_id for n, task_id in enumerate(some)}
        query = with_variable(tasks_by_id_text(len(some)), variable)
        tasks += [task async for task in _tasks(api, "TasksById", query, variables)]
    return tasks


async def parked_counts(api: WebexApi, now: float) -> dict[str, int]:
    """How many calls wait in each queue, by the queue's id; without those who wait to be called back. 0 isn't there."""
    counts: dict[str, int] = {}
    async for row in _rows(api, "ParkedCounts", PARKED_COUNTS, _window(now, LOOKBACK)):
        queue_id = text(part(row, "lastQueue"), "id")
        if queue_id and row.get("isCallback") is not True:
            counts[queue_id] = counts.get(queue_id, 0) + _count(row)
    return counts


async def agent_sessions(api: WebexApi, now: float) -> list[AgentRow]:
    """A row for each agent who is signed on and each channel type: the latest where there are several."""
    latest: dict[tuple[str, str], AgentRow] = {}
    async for session in _rows(api, "AgentSessions", AGENT_SESSIONS, _window(now, LOOKBACK)):
        for row in read_session(session):
            known = latest.get((row.agent_id, row.channel))
            if known is None or known.since <= row.since:
                latest[row.agent_id, row.channel] = row
    return list(latest.values())


async def agent_counts(api: WebexApi, now: float) -> dict[tuple[str, str], int]:
    """How many agents of each team are in which telephony state, by team id and the cloud's word for the state."""
    counts: dict[tuple[str, str], int] = {}
    async for row in _rows(api, "AgentCounts", AGENT_COUNTS, _window(now, LOOKBACK)):
        team_id = text(row, "teamId")
        for channel in parts(row, "channelInfo"):
            state = text(channel, "currentState")
            if team_id and state and text(channel, "channelType").lower() == "telephony":
                counts[team_id, state] = counts.get((team_id, state), 0) + _count(row)
    return counts


async def activities(api: WebexApi, now: float, lookback: float = ACTIVITY_LOOKBACK) -> list[AgentRow]:
    """What each agent does now, by channel, from ``GET /v1/agents/activities``: another way than `agent_sessions`.

    It is all or an error, as a search is. Who has been doing the same for longer than ``lookback`` isn't in it.
    """
    latest: dict[tuple[str, str], AgentRow] = {}
    params = {name: str(value) for name, value in _window(now, lookback).items()} | {"orgId": api.org_id}
    seen = 0
    async for page in api.pages("activities", "/v1/agents/activities", params=params, size=ACTIVITY_PAGE):
        for row in page:
            agent = read_activity(row)
            if agent.active and agent.agent_id and agent.state:
                latest[agent.agent_id, agent.channel] = agent
        seen += len(page)
        if seen >= MOST_ACTIVITIES:
            raise WebexError("activities", 200, "", f"there are {MOST_ACTIVITIES} activities or more in {lookback:g} s")
    return list(latest.values())


def read_activity(row: Mapping[str, Any]) -> AgentRow:
    """An agent's activity from the cloud's form; it is active while it goes on."""
    return AgentRow(
        agent_id=text(row, "agentId"),
        state=text(row, "currentState"),
        channel=text(row, "channelType").lower() or "telephony",
        name=text(row, "agentName"),
        team_id=text(row, "teamId"),
        team_name=text(row, "teamName"),
        since=seconds(row, "startTime"),
        idle_code=text(row, "idleCodeName"),
        active=row.get("active") is True,
    )


def read_task(row: Mapping[str, Any]) -> TaskRow:
    """An interaction from the cloud's form. What isn't there stays as unknown as `TaskRow` has it."""
    queue, variables = part(row, "lastQueue"), parts(row, VARIABLE)
    return TaskRow(
        id=_short(row, "id"),
        status=_short(row, "status").lower(),
        queue_id=_short(queue, "id"),
        queue_name=_short(queue, "name"),
        team_id=_short(part(row, "lastTeam"), "id"),
        agent_id=_short(part(row, "owner"), "id"),
        channel=_short(row, "channelType").lower(),
        direction=_short(row, "direction").lower(),
        origin=_short(row, "origin"),
        destination=_short(row, "destination"),
        created=seconds(row, "createdTime"),
        active_at=seconds(row, "lastActivityTime"),
        active=row.get("isActive") is not False,
        callback=row.get("isCallback") is True,
        call=text(variables[0], "value").strip()[:LONGEST_CALL] if variables else "",
    )


def read_session(row: Mapping[str, Any]) -> list[AgentRow]:
    """A signed-on agent's channels from the cloud's form; one without an id or a state is left out."""
    agent_id = _short(row, "agentId")
    return [
        AgentRow(
            agent_id=agent_id,
            state=_short(channel, "currentState"),
            channel=_short(channel, "channelType").lower(),
            name=_short(row, "agentName"),
            team_id=_short(row, "teamId"),
            team_name=_short(row, "teamName"),
            since=seconds(channel, "lastActivityTime"),
            idle_code=_short(channel, "idleCodeName"),
            active=row.get("isActive") is not False,
        )
        for channel in parts(row, "channelInfo")
        if agent_id and _short(channel, "currentState") and _short(channel, "channelType")
    ]


def _short(row: Mapping[str, Any], name: str) -> str:
    """A text as long as one may be: a hundred thousand rows of any length wouldn't fit in memory."""
    return text(row, name)[:LONGEST_TEXT]


def _window(now: float, lookback: float) -> dict[str, Any]:
    return {"from": round((now - lookback) * 1000), "to": round(now * 1000)}


async def _tasks(api: WebexApi, operation: str, query: str, variables: Mapping[str, Any]) -> AsyncIterator[TaskRow]:
    """The interactions among the rows of a question; they are read page by page, while the next one is waited for."""
    async for row in _rows(api, operation, query, variables):
        task = read_task(row)
        if task.id:
            yield task


async def _rows(
    api: WebexApi, operation: str, query: str, variables: Mapping[str, Any]
) -> AsyncIterator[Mapping[str, Any]]:
    """The rows of a question, page after page. Half of them would look like the whole truth: it is all or an error."""
    cursor = FIRST_CURSOR
    for _ in range(MOST_PAGES):
        answer = await _ask(api, operation, query, {**variables, "cursor": cursor})
        name, root = _root(answer)
        for row in parts(root, ROWS_OF[name]):
            yield row
        page = part(root, "pageInfo")
        if page.get("hasNextPage") is not True:
            return
        last, cursor = cursor, text(page, "endCursor")
        if cursor in ("", last):
            raise WebexError(operation, 200, "", "there are more rows, and the cloud doesn't say where")
    raise WebexError(operation, 200, "", f"there are more than {MOST_PAGES} pages of rows")


async def _ask(api: WebexApi, operation: str, query: str, variables: Mapping[str, Any]) -> Any:
    """The answer to a question, in which nothing is asked for that this cloud was found not to have."""
    while True:
        asked = re.sub(rf"\b({'|'.join(api.lacks)})\b", "", query) if api.lacks else query
        body = {"query": asked, "variables": variables}
        try:
            return await api.call(operation, "POST", "/search", params={"orgId": api.org_id}, json=body, fault=_fault)
        except WebexError as error:
            lacks = {field for field in UNSURE if field in error.reason and field in asked}
            if not lacks:
                raise
            api.lacks |= lacks
            _log.warning("%s; it is left out from now on: who asked to be called back counts as waiting", error)


def _root(answer: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """What was asked for and its rows, ("", {}) if the answer has neither."""
    data = part(answer, "data")
    return next(((name, part(data, name)) for name in ROWS_OF if part(data, name)), ("", {}))


def _fault(answer: Any) -> str:
    """Why an answer with status 200 is none, "" if it is one."""
    if not isinstance(answer, dict):
        return "the answer is not an object"
    if answer.get("errors"):
        return "; ".join(text(error, "message") for error in parts(answer, "errors")) or "the search failed"
    name, root = _root(answer)
    return "" if name and isinstance(root.get(ROWS_OF[name], ""), list | None) else "the answer has no rows"


def _count(row: Mapping[str, Any]) -> int:
    return sum(round(number(value, "value")) for value in parts(row, "aggregation") if text(value, "name") == COUNT)
