"""How the process ends although something in it doesn't: a thread that waits for a disk that is gone, say.

Python waits at its end for every thread, and those that wait for a disk can't be told to stop.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

from edge_router.status import Status

WITHIN: Final = 10.0
"""Seconds that everything has to come to its end, once the last call is over."""


def end_within(seconds: float = WITHIN) -> None:
    """End the process after so many seconds, if it is still there then, with status 1 and a word about it."""
    timer = threading.Timer(seconds, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    print(
        "edge-router: something doesn't end, perhaps a disk doesn't answer; going without it",
        file=sys.stderr,
        flush=True,
    )
    os._exit(Status.COULD_NOT_RUN)
