"""SIPp's scenario files read as templates, so that the replay sends what SIPp would send.

Of SIPp's keywords only those that the load scenarios use are known: plain values, and `[last_Name:]`, which takes over
the header lines of the message that is answered.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path

_KEYWORD = re.compile(r"\[([^\]]+)\]")


class Template:
    """One message of a scenario."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.strip().splitlines()]
        end = lines.index("") if "" in lines else len(lines)
        self._head = [_KEYWORD.split(line) for line in lines[:end]]
        self._body = _KEYWORD.split("".join(f"{line}\r\n" for line in lines[end + 1 :]))

    def render(self, values: Mapping[str, str], answered: Mapping[str, list[str]] | None = None) -> bytes:
        """The datagram. `answered` gives the header lines that `[last_Name:]` takes over, by name."""
        body = _filled(self._body, values)
        known = {**values, "len": str(len(body.encode()))}
        lines: list[str] = []
        for parts in self._head:
            if len(parts) > 1 and parts[1].startswith("last_"):
                name = parts[1].removeprefix("last_").removesuffix(":")
                lines += (line + _filled(parts[2:], known) for line in (answered or {}).get(name.lower(), []))
            else:
                line = _filled(parts, known)
                if line:  # a keyword that stands for nothing takes its line away
                    lines.append(line)
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _filled(parts: list[str], values: Mapping[str, str]) -> str:
    """Text and keywords in turn, as re.split gives them."""
    return "".join(part if index % 2 == 0 else values[part] for index, part in enumerate(parts))


def templates(path: Path) -> list[Template]:
    """The messages that a scenario sends, in order."""
    return [Template(send.text or "") for send in ElementTree.parse(path).getroot().iter("send")]


def header_lines(datagram: bytes) -> dict[str, list[str]]:
    """The header lines of a message as they stand, by lower-case name. For messages of our own making: no folding."""
    found: dict[str, list[str]] = {}
    for line in datagram.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
        found.setdefault(line.partition(":")[0].strip().lower(), []).append(line)
    return found
