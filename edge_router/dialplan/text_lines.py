"""Files that users write line by line: their lines, and what must not stand in any of them.

It must not know what a line means.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MOST_OCTETS: Final = 32 * 1024 * 1024
"""The largest file that is read."""
LONGEST_LINE: Final = 16_384
MOST_FAULTS: Final = 100
"""How many faults of one file are told: who made a mistake in every line learns no more from the rest."""
STOPPED: Final = f"there are {MOST_FAULTS} faults up to here; put these right to see what else there is"


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    r"""Every line that isn't blank with its number from 1; a byte order mark and `\r\n` are no part of any."""
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        stripped = line.strip(" \t\r")
        if stripped:
            yield number, stripped


def unfit(line: str) -> str:
    """Say what no line may hold: "" if nothing of it is there."""
    if len(line) > LONGEST_LINE:
        return f"the line has {len(line)} characters; {LONGEST_LINE} are allowed"
    if line.isprintable():
        return ""
    # Numbers that were copied from a mail or an address book often bring marks for the direction of writing.
    hidden = next(character for character in line if not character.isprintable())
    return f"holds the invisible character U+{ord(hidden):04X}; take it out, or type the line anew"
