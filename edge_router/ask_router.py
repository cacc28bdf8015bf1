"""Asks the router that runs by a configuration, over its HTTP API, from its own machine.

It is asked directly, whatever proxy the environment names, and without a token first: at a loopback address it needs
none. A token goes to an edge router only, not to whoever else has its port.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from edge_router.admission.tokens import BadTokens
from edge_router.config.addresses import Address
from edge_router.config.files import token_for
from state_client.webex.secret import SecretError, SecretFile

if TYPE_CHECKING:
    from edge_router.config.models import Config

PATIENCE: Final = 15.0
"""Seconds that the router may take to answer."""
_LARGEST: Final = 16 * 1024 * 1024


class NotAsked(Exception):
    """The router doesn't answer the question; says why, and what would help."""


class CannotBe(NotAsked):
    """The router has understood, and what is asked for can't be: there is no such thing, or no such state."""


class _Answer(NamedTuple):
    status: int
    content: dict[str, Any]

    @property
    def error(self) -> str:
        return f"{self.status}: {self.content.get('error', '')}"


def ask_router(
    config: Config,
    path: Path,
    question: str,
    token_file: str | None = None,
    change: Mapping[str, object] | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any] | None:
    """Give the router's answer to GET ``question``, or to PUT where there is a ``change``; None where none answers.

    Where it wants a token, that of ``token_file`` is taken, else one of the configuration's ``tokens_file`` that is
    good for that. Raises NotAsked, or CannotBe.
    """
    if config.http is None:
        return None
    address = reached_at(config.http.address)
    answer = _ask(address, question, change, headers)
    if answer is not None and answer.status == 401:
        scope = "read" if change is None else "admin"
        token = _token(config, path, address, token_file, scope)
        answer = _ask(address, question, change, {**headers, "Authorization": f"Bearer {token}"})
        if answer is not None and answer.status in (401, 403):
            known = "" if token_file else "; the router reads its tokens_file at its start and at SIGHUP"
            raise NotAsked(f"the router at {address} answers {answer.error}{known}")
    if answer is None:
        return None
    if answer.status != 200:
        kind = CannotBe if answer.status in (404, 422) else NotAsked
        raise kind(f"the router at {address} answers {answer.error}")
    return answer.content


def reached_at(listening: Address) -> Address:
    """Where one on the same machine reaches who listens there: on all addresses is on loopback too."""
    if not ip_address(listening.host).is_unspecified:
        return listening
    return Address("::1" if ":" in listening.host else "127.0.0.1", listening.port)


def _token(config: Config, path: Path, address: Address, token_file: str | None, scope: str) -> str:
    """A token that is good for ``scope``. No message has it in it."""
    wanted = f"the router at {address} wants a token"
    if token_file is not None:
        try:
            token = SecretFile(token_file).read().reveal()
        except SecretError as error:
            raise NotAsked(f"{wanted}: {error}") from None
        if " " in token:
            raise NotAsked(f"{wanted}: {token_file} holds more than that; write the token alone into it")
        return token
    assert config.http is not None  # else nobody would have been asked
    name = config.http.tokens_file
    if name is None:
        raise NotAsked(f"{wanted}, and the configuration has no tokens_file; add one and restart the router")
    how = f"name a file with a token whose scope is {scope} by --token-file"
    try:
        found = token_for(config, path, scope)
    except (OSError, UnicodeError, BadTokens) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise NotAsked(f"{wanted}, and {name} can't be read: {why}; {how}") from None
    if found is None:
        raise NotAsked(f"{wanted}, and {name} has none with the scope {scope}; add one, or {how}")
    return found


def _ask(
    address: Address, question: str, change: Mapping[str, object] | None, headers: Mapping[str, str]
) -> _Answer | None:
    """One request; None where no edge router answers."""
    body = None if change is None else orjson.dumps(change)
    connection = http.client.HTTPConnection(address.host, address.port, timeout=PATIENCE)
    try:
        connection.request("GET" if body is None else "PUT", question, body, headers)
        response = connection.getresponse()
        if response.getheader("Server") != "edge-router":
            return None
        content = orjson.loads(response.read(_LARGEST))
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
        return None
    finally:
        connection.close()
    return _Answer(response.status, content) if isinstance(content, dict) else None
