"""The question that `edge-router route` asks: a call of its own making, put to a configuration.

What the command line leaves out is found here: by which trunk the call comes in, and on which listener.
"""

from time import monotonic
from typing import Final

from pydantic import ValidationError

from edge_router.b2bua.incoming import call_facts
from edge_router.config.build import build
from edge_router.config.document import plain
from edge_router.config.faults import nothing_called, quoted
from edge_router.config.models import Config
from edge_router.config.state_model import Queue
from edge_router.config.words import in_words
from edge_router.dialplan.number import normalise
from edge_router.explain import Explanation, explain

_FORM: Final = "NAME:KEY=VALUE,KEY=VALUE, such as Support:length=3,agents_available=0"


class BadQuestion(ValueError):
    """A question that can't be put; the text says why."""


def answer(config: Config, calling: str, called: str, trunk: str | None, queues: list[str]) -> Explanation:
    """Explain what would be done with a call; `queues` are the values of `--queue`. Raises BadQuestion."""
    came_by = _trunk(config, trunk)
    listen = config.trunks[came_by].listen or config.listen[0].name
    call = call_facts(calling, normalise(called), came_by)
    routing = build(_with_queues(config, queues), monotonic)
    return explain(routing, call, listen, monotonic())


def _trunk(config: Config, asked: str | None) -> str:
    if asked is not None:
        if asked not in config.trunks:
            raise BadQuestion(f"--trunk: {nothing_called('trunk', asked, config.trunks)}")
        return asked
    named = {one.trunk for peer in config.dial_peers for one in peer.incoming}
    # A dial-peer that names no trunk takes the calls of all of them.
    possible = sorted(config.trunks if None in named else (name for name in named if name))
    if len(possible) == 1:
        return possible[0]
    if not possible:
        raise BadQuestion("no dial-peer has incoming: no call can come in by this configuration")
    raise BadQuestion(f"the call may come in by several trunks; name one with --trunk: {', '.join(possible)}")


def _with_queues(config: Config, stated: list[str]) -> Config:
    queues = dict(config.state.queues)
    for text in stated:
        name, colon, values = text.rpartition(":")
        if not colon:
            raise BadQuestion(f"--queue {quoted(text)}: write {_FORM}")
        if config.state.source != "static":  # whatever the cloud will have
            queues.setdefault(name, Queue())
        if name not in queues:
            raise BadQuestion(f"--queue: {nothing_called('queue', name, queues)}")
        queues[name] = _changed(queues[name], name, values)
    return config.model_copy(update={"state": config.state.model_copy(update={"queues": queues})})


def _changed(queue: Queue, name: str, values: str) -> Queue:
    changed = queue.model_dump(exclude_unset=True)
    for pair in values.split(","):
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadQuestion(f"--queue {quoted(f'{name}:{values}')}: write {_FORM}")
        changed[key.strip()] = plain(value.strip())
    try:
        return Queue.model_validate(changed)
    except ValidationError as error:
        details = error.errors(include_url=False)[0]
        _, message = in_words(details, ("state", "queues", name, *details["loc"]))
        raise BadQuestion(f"--queue {name}: {details['loc'][0]}: {message}") from None
