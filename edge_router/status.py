"""What the exit status of a command says."""

from enum import IntEnum


class Status(IntEnum):
    """Done; could not run, as where a port is taken; bad usage or a bad configuration."""

    DONE = 0
    COULD_NOT_RUN = 1
    BAD = 2
