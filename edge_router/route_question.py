"""The question that `edge-router route` asks: a call of its own making, put to a configuration.

What the command line says of the state is put here in the place of what the configuration states.
"""

import time
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Final

from pydantic import ValidationError

from edge_router.b2bua.routing.routing import Routing
from edge_router.config.build import build, picture_of
from edge_router.config.document import plain
from edge_router.config.faults import nothing_called, quoted
from edge_router.config.listening import listeners_of
from edge_router.config.models import Config
from edge_router.config.state_model import Queue
from edge_router.config.tables import Tables
from edge_router.config.words import in_words
from edge_router.explain import Explanation, explain
from edge_router.made_up_call import MadeUpCall, arrive, ways_in
from edge_router.policy.surroundings import Surroundings
from edge_router.sip.names import key_of
from state_client.picture import AGENT_STATES, GROUPS, TELEPHONY, Picture, Team

_FORM: Final = "NAME:KEY=VALUE,KEY=VALUE, such as Support:length=3,agents_available=0"
_TEAM_FORM: Final = "NAME:STATE=NUMBER,STATE=NUMBER, such as Sales:available=3,idle=1"
_ASKED: Final = "asked"
"""The source of what the contact centre would say."""


class BadOption(ValueError):
    """An option by which no question can be put; the text says why."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call and the state that it is asked about, as the command line says it.

    `queues`, `teams`, `latches` and `headers` are the values of these options; `at` is a time as ISO 8601 writes it.
    """

    calling: str
    called: str
    trunk: str | None = None
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    latches: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    at: str | None = None


def answer(config: Config, tables: Tables, asked: Question) -> Explanation:
    """Explain what would be done with a call. Raises BadOption and ImpossibleCall."""
    if asked.trunk is not None and asked.trunk not in config.trunks:
        raise BadOption(f"--trunk: {nothing_called('trunk', asked.trunk, config.trunks)}")
    headers = tuple(_header(text) for text in asked.headers)
    stated = config.state.queues
    config, now, wall = _with_queues(config, asked.queues), monotonic(), _time(asked.at)
    picture = picture_of(config, now)
    for name in config.state.queues.keys() - stated.keys():
        _make_the_clouds(picture, name, now)
    for text in asked.teams:
        _add_team(config, picture, text, now)

    def at_that_time(surroundings: Surroundings) -> Surroundings:
        return replace(surroundings, wall=lambda: wall)

    routing = build(config, lambda: now, picture=picture, tables=tables, adapted=at_that_time)
    routing.latches.look(now)
    for text in asked.latches:
        _set_latch(routing, text, now)
    trunks = ways_in(routing) if asked.trunk is None else (asked.trunk,)
    call = MadeUpCall(asked.calling, asked.called, headers)
    return explain(arrive(routing, call, trunks, config.listen[0].name, now), listeners_of(config))


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not key_of(name):
        raise BadOption(f"--header {quoted(text)}: write NAME: VALUE, such as X-Level: gold")
    return key_of(name), value.strip()


def _time(text: str | None) -> float:
    if text is None:
        return time.time()
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        message = f"--at {quoted(text)}: write 2026-12-24T18:30, in this machine's time, or 2026-12-24T18:30-06:00"
        raise BadOption(message) from None


def _make_the_clouds(picture: Picture, name: str, now: float) -> None:
    """A queue that the configuration doesn't have is one of the contact centre's, and as old as was said."""
    queue = picture.queue(name)
    if queue is not None:
        for group in GROUPS:
            stamp = queue.stamp(group)
            stamp.doubt(_ASKED)
            stamp.renew(now - queue.static_age, _ASKED)


def _add_team(config: Config, picture: Picture, text: str, now: float) -> None:
    name, colon, values = text.rpartition(":")
    if not colon:
        raise BadOption(f"--team {quoted(text)}: write {_TEAM_FORM}")
    if config.state.source == "static":
        raise BadOption("--team: with state.source static there are no teams")
    team = Team(name, name)
    for pair in values.split(","):
        state, _, number = pair.partition("=")
        if state.strip() not in AGENT_STATES:
            raise BadOption(f"--team {name}: {nothing_called('state', state.strip(), AGENT_STATES)}")
        if not number.strip().isdecimal():
            raise BadOption(f"--team {quoted(text)}: write {_TEAM_FORM}")
        team.counts[TELEPHONY][state.strip()] = int(number)
    team.of_agents.renew(now, _ASKED)
    picture.add_team(team, name)


def _set_latch(routing: Routing, text: str, now: float) -> None:
    name, _, state = text.rpartition("=")
    if state not in ("on", "off") or not name:
        raise BadOption(f"--latch {quoted(text)}: write NAME=on or NAME=off")
    latch = routing.latches.latches.get(name)
    if latch is None:
        raise BadOption(f"--latch: {nothing_called('latch', name, routing.latches.latches)}")
    latch.stand(state == "on", latch.since, now)


def _with_queues(config: Config, stated: tuple[str, ...]) -> Config:
    queues = dict(config.state.queues)
    for text in stated:
        name, colon, values = text.rpartition(":")
        if not colon:
            raise BadOption(f"--queue {quoted(text)}: write {_FORM}")
        if config.state.source != "static":  # whatever the cloud will have
            queues.setdefault(name, Queue())
        if name not in queues:
            raise BadOption(f"--queue: {nothing_called('queue', name, queues)}")
        queues[name] = _changed(queues[name], name, values)
    return config.model_copy(update={"state": config.state.model_copy(update={"queues": queues})})


def _changed(queue: Queue, name: str, values: str) -> Queue:
    changed = queue.model_dump(exclude_unset=True) | {"source": "static"}  # one that others push is as was said
    for pair in values.split(","):
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadOption(f"--queue {quoted(f'{name}:{values}')}: write {_FORM}")
        changed[key.strip()] = plain(value.strip())
    try:
        return Queue.model_validate(changed)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        _, message = in_words(details, ("state", "queues", name, *details["loc"]))
        raise BadOption(f"--queue {name}: {details['loc'][0]}: {message}") from None
