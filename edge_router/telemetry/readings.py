"""What is read at scrape rather than counted: the states of the engine and its trunks, as numbers at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class TrunkReading(NamedTuple):
    """A trunk: its calls each way, and by URI whether each of its targets is taken to be up.

    ``emergencies`` says whether calls from it may be emergencies; ``registered`` whether we are registered there, None
    where it doesn't want us to be.
    """

    name: str
    calls_in: int
    calls_out: int
    targets: Mapping[str, bool]
    emergencies: bool = False
    registered: bool | None = None


class RouterReading(NamedTuple):
    """The engine. Retransmissions are counted since the start, and so is what went wrong on our side, by what."""

    transactions: int = 0
    dialogs: int = 0
    retransmissions_in: int = 0
    retransmissions_out: int = 0
    faults: Mapping[str, int] = MappingProxyType({})
