"""The command `edge-router switch`: how the switches of the router that runs are, and setting one."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from edge_router.ask_router import NotAsked, ask_router, reached_at
from edge_router.http.asker import LOGIN
from edge_router.http.switches_api import PATH

if TYPE_CHECKING:
    from edge_router.config.models import Config


def switches(config: Config, path: Path, token_file: str | None = None) -> dict[str, Any]:
    """Give all switches as the router tells them. Raises NotAsked."""
    return _ask(config, path, PATH, token_file)


def switch(
    config: Config, path: Path, kind: str, name: str, state: str | None = None, token_file: str | None = None
) -> dict[str, Any]:
    """Set a switch where there is a state to set it to, and give it as it then is. Raises NotAsked."""
    where = f"{PATH}/{quote(kind, safe='')}/{quote(name, safe='')}"
    return _ask(config, path, where, token_file, None if state is None else {"state": state})


def shown(found: list[dict[str, Any]]) -> str:
    """Switches in words, one a line, with who has set each and when."""
    rows = [("kind", "name", "state", "by", "at")]
    rows += [(one["kind"], one["name"], one["state"], one["who"], one["when"] or "") for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _login() -> str:
    """The name by which whoever runs the command has logged in, also where he has become another since; "" if none."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, ImportError, OSError):  # this user has no name on this machine
        return ""
    return re.sub(r"[^A-Za-z0-9._@+-]", "_", name)[:64]


def _ask(
    config: Config, path: Path, question: str, token_file: str | None, change: dict[str, str] | None = None
) -> dict[str, Any]:
    headers = {LOGIN: login} if change is not None and (login := _login()) else {}
    found = ask_router(config, path, question, token_file, change, headers)
    if found is None:
        if config.http is None:
            raise NotAsked("the configuration has no http: a router that runs by it can't be asked")
        raise NotAsked(f"no router answers at {reached_at(config.http.address)}; start it, or name its file with -c")
    return found
