"""User names and passwords of trunks: what is wrong with them, and what their files hold."""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from edge_router.config.faults import Kind, quoted
from edge_router.config.files import secret_at
from edge_router.config.finding import Finding
from edge_router.config.models import Config
from edge_router.config.outline import Outline
from edge_router.config.trunk_model import Trunk
from edge_router.dialplan.trunk import Login
from state_client.webex.secret import FROM_ENVIRONMENT, Secret, SecretError


def logins_in_two_minds(outline: Outline) -> Iterator[Finding]:
    """Give what stands without what it needs."""
    for path, trunk in outline.trunks:
        for key, other in (("username", "password_file"), ("password_file", "username"), ("realm", "username")):
            if key in trunk and other not in trunk:
                yield Finding((*path, key), f"goes with {other}, which this trunk has not; add it", on_key=True)


def read_passwords(config: Config, configuration: str | FilePath, passwords: dict[str, Secret]) -> Iterator[Finding]:
    """Read the passwords of trunks into `passwords`; gives what can't be read."""
    for name, trunk in config.trunks.items():
        if trunk.password_file is not None:
            try:
                passwords[name] = secret_at(configuration, trunk.password_file).read()
            except SecretError as error:
                yield Finding(("trunks", name, "password_file"), str(error))


def open_passwords(config: Config, configuration: str | FilePath) -> Iterator[Finding]:
    """Warn of files with passwords that everybody on this machine can read."""
    for name, trunk in config.trunks.items():
        place = trunk.password_file
        if place is None or place.startswith(FROM_ENVIRONMENT):
            continue
        try:
            mode = FilePath(secret_at(configuration, place).place).stat().st_mode
        except OSError:
            continue  # which is a fault, and told as one
        if mode & stat.S_IROTH:
            message = f"{quoted(place)} can be read by everybody on this machine; chmod 600 takes that away"
            yield Finding(("trunks", name, "password_file"), message, Kind.WARNING)


def login_of(name: str, entry: Trunk, passwords: Mapping[str, Secret]) -> Login | None:
    """Make what a trunk is shown, None where its password wasn't read."""
    password = passwords.get(name)
    if entry.username is None or password is None:
        return None
    return Login(entry.username, password, entry.realm)
