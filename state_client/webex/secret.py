"""Secrets: where they come from, how a new one is kept, and that none is ever seen.

A secret stands in a file of its own or in an environment variable, never in the configuration.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import tempfile
from html import escape
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

from state_client.regular_file import read_regular

LARGEST: Final = 16 * 1024
"""Octets of a secret's file; a larger file isn't one."""

SHORTEST_CODED: Final = 8
"""Characters of a secret in base64 or hexadecimal that are taken for it; fewer may stand anywhere."""

FROM_ENVIRONMENT: Final = "env:"


class SecretError(Exception):
    """A secret can't be read or kept; says where and why."""


class Secret:
    """A text that shows as ``***`` wherever it is written by mistake."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself, for the one place that sends or compares it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret can't be pickled")


class SecretFile:
    """One secret's place: a file's path, or ``env:NAME`` for an environment variable, which can only be read.

    Both calls block on the disk: an event loop makes them in a thread.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.place = os.fspath(path)
        self._variable = self.place[len(FROM_ENVIRONMENT) :] if self.place.startswith(FROM_ENVIRONMENT) else ""

    def __repr__(self) -> str:
        return f"SecretFile({self.place!r})"

    def read(self) -> Secret:
        """The secret, without the white space around it. Raises `SecretError` where there is none."""
        text = os.environ.get(self._variable, "").strip() if self._variable else self._read_file()
        if not text:
            raise SecretError(f"{self.place}: there is no secret in it")
        if not text.isprintable() or not text.isascii():
            raise SecretError(f"{self.place}: a secret is one line of printable ASCII, and this isn't")
        return Secret(text)

    def _read_file(self) -> str:
        try:
            octets = read_regular(self.place, LARGEST + 1)
        except OSError as error:
            raise SecretError(f"{self.place}: can't be read: {error.strerror}") from None
        if len(octets) > LARGEST:
            raise SecretError(f"{self.place}: larger than {LARGEST} octets, which is no secret")
        return octets.decode("utf-8", "replace").strip()

    def write(self, secret: Secret) -> None:
        """Keep ``secret`` instead of the old one, readable by us alone: whole or not at all, also when power fails.

        A symbolic link stays, and what it points to is replaced. Raises `SecretError`; the old one is still there then.
        """
        if self._variable:
            raise SecretError(f"{self.place}: comes from the environment, where a new one can't be kept: use a file")
        path = Path(os.path.realpath(self.place))
        temporary = ""
        try:
            descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mkstemp's mode is 0600
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(secret.reveal() + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            temporary = ""
            _sync_directory(path.parent)
        except OSError as error:
            raise SecretError(f"{self.place}: can't be written: {error.strerror}") from None
        finally:
            if temporary:
                Path(temporary).unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    """Make a renaming in it outlast a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keepable(secret: Secret) -> bool:
    """Whether a secret is one line of printable ASCII and not too long, so that it can be sent, kept and read again."""
    value = secret.reveal()
    return value.isascii() and value.isprintable() and value.strip() == value != "" and len(value) < LARGEST


def hide(text: str, *secrets: Secret | None) -> str:
    """``text`` with none of these in it: the cloud's words, where it gives back what it was sent, in whatever form."""
    for secret in secrets:
        if secret:
            for form in _forms(secret.reveal()):
                text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE)
    return text


def _forms(value: str) -> list[str]:
    """How a text may be written down: as it is, in a URL, in a form, in JSON, in HTML, and coded; longest first."""
    octets = value.encode("utf-8", "replace")
    # In base64 it may begin at each of three places; what follows it has a share in its last character.
    coded = [base64.b64encode(octets[start:]).decode()[: (len(octets) - start) * 8 // 6] for start in range(3)]
    coded += [octets.hex(), *(one.translate(str.maketrans("+/", "-_")) for one in coded)]
    plain = {value, quote(value, safe=""), quote(value), quote_plus(value), json.dumps(value)[1:-1], escape(value)}
    return sorted(plain | {one for one in coded if len(one) >= SHORTEST_CODED}, key=len, reverse=True)
