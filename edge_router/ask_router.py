"""Asks the router that runs by a configuration, over its HTTP API, from its own machine.

It is asked directly, whatever proxy the environment names, and without a token first: at a loopback address it needs
none. A token goes to an edge router only, not to whoever else has its port.
"""

from __future__ import annotations

import http.client
from ipaddress import ip_address
from pathlib import Path
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
_HOW: Final = "name a file with a token whose scope is read by --token-file"


class NotAsked(Exception):
    """A router runs there but doesn't answer the question; says why, and what would help."""


class _Answer(NamedTuple):
    status: int
    content: dict[str, Any]

    @property
    def error(self) -> str:
        return f"{self.status}: {self.content.get('error', '')}"


def ask_router(config: Config, path: Path, question: str, token_file: str | None = None) -> dict[str, Any] | None:
    """Give the router's answer to GET ``question``, None where no router answers.

    Where it wants a token, that of ``token_file`` is taken, else one of the configuration's ``tokens_file`` that is
    good for reading. Raises NotAsked.
    """
    if config.http is None:
        return None
    address = reached_at(config.http.address)
    answer = _get(address, question)
    if answer is not None and answer.status == 401:
        answer = _get(address, question, _token(config, path, address, token_file))
        if answer is not None and answer.status in (401, 403):
            known = "" if token_file else "; the router reads its tokens_file at its start and at SIGHUP"
            raise NotAsked(f"the router at {address} answers {answer.error}{known}")
    if answer is None:
        return None
    if answer.status != 200:
        raise NotAsked(f"the router at {address} answers {answer.error}")
    return answer.content


def reached_at(listening: Address) -> Address:
    """Where one on the same machine reaches who listens there: on all addresses is on loopback too."""
    if not ip_address(listening.host).is_unspecified:
        return listening
    return Address("::1" if ":" in listening.host else "127.0.0.1", listening.port)


def _token(config: Config, path: Path, address: Address, token_file: str | None) -> str:
    """A token that is good for reading. No message has it in it."""
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
    try:
        found = token_for(config, path, "read")
    except (OSError, UnicodeError, BadTokens) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise NotAsked(f"{wanted}, and {name} can't be read: {why}; {_HOW}") from None
    if found is None:
        raise NotAsked(f"{wanted}, and {name} has none with the scope read; add one, or {_HOW}")
    return found


def _get(address: Address, question: str, token: str = "") -> _Answer | None:
    """One request; None where no edge router answers."""
    connection = http.client.HTTPConnection(address.host, address.port, timeout=PATIENCE)
    try:
        connection.request("GET", question, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        if response.getheader("Server") != "edge-router":
            return None
        content = orjson.loads(response.read(_LARGEST))
    except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
        return None
    finally:
        connection.close()
    return _Answer(response.status, content) if isinstance(content, dict) else None
