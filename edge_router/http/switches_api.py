"""Switches over HTTP: how they are, and setting one. Flat objects, the same keys on success and failure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import orjson
from aiohttp import web

from edge_router.http.server import json_answer
from edge_router.switches import NoSuchState, NoSuchSwitch, Switch, Switches

PATH: Final = "/v1/switches"
_ONE: Final = PATH + "/{kind}/{name:(?s:.+)}"
KEYS: Final = ("kind", "name", "state", "who", "when")
REFUSED: Final = {PATH: ("switches",), f"{PATH}/": KEYS}
"""The keys of an answer to who may not ask."""

SetSwitch = Callable[[str, str, str, str], Switch]
"""Sets a switch: kind, name, state and who. Raises NoSuchSwitch and NoSuchState."""


class SwitchesApi:
    """``switches`` are read, ``set_switch`` sets one and sees to it that it is kept; ``asker`` says who asks."""

    def __init__(self, switches: Switches, set_switch: SetSwitch, asker: Callable[[web.Request], str]) -> None:
        self._switches = switches
        self._set_switch = set_switch
        self._asker = asker

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Give what an application is to serve."""
        return (web.get(PATH, self._all), web.get(_ONE, self._get), web.put(_ONE, self._put))

    async def _all(self, request: web.Request) -> web.Response:
        return json_answer(200, ok=True, error="", switches=[switch_view(one) for one in self._switches.all()])

    async def _get(self, request: web.Request) -> web.Response:
        try:
            return _one(self._switches.get(*_named(request)))
        except NoSuchSwitch as error:
            return _failed(404, str(error))

    async def _put(self, request: web.Request) -> web.Response:
        try:
            state = _state_of(await request.read())
            return _one(self._set_switch(*_named(request), state, self._asker(request)))
        except NoSuchSwitch as error:
            return _failed(404, str(error))
        except web.HTTPRequestEntityTooLarge:
            return _failed(413, "the body is larger than any state")
        except orjson.JSONDecodeError:
            return _failed(400, 'the body is no JSON; write {"state": "off"} for instance')
        except (NoSuchState, _BadBody) as error:
            return _failed(422, str(error))


class _BadBody(ValueError):
    """What isn't right with a body that is JSON, in words."""


def switch_view(switch: Switch) -> dict[str, object]:
    """One switch as it is told; `when` is RFC 3339, None where nobody has set it."""
    when = None if switch.when is None else f"{datetime.fromtimestamp(switch.when, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"kind": switch.kind, "name": switch.name, "state": switch.state, "who": switch.who, "when": when}


def _named(request: web.Request) -> tuple[str, str]:
    return request.match_info["kind"], request.match_info["name"]


def _state_of(body: bytes) -> str:
    """The state that a body asks for. What GET gives besides is taken, so that its answer can be sent back."""
    found = orjson.loads(body)
    if not isinstance(found, dict) or not isinstance(found.get("state"), str):
        raise _BadBody('write {"state": "off"}, for instance')
    unknown = sorted(found.keys() - {"ok", "error", *KEYS})
    if unknown:
        raise _BadBody(f"there is no key {unknown[0]!r:.80}; the one to send is state")
    return str(found["state"])


def _one(switch: Switch) -> web.Response:
    return json_answer(200, ok=True, error="", **switch_view(switch))


def _failed(status: int, error: str) -> web.Response:
    return json_answer(status, ok=False, error=error, **dict.fromkeys(KEYS))
