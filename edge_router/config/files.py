"""The files that a configuration names: where they are, and what is wrong with them.

A name without a leading slash is seen from the directory of the configuration, wherever the router was started.
"""

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final

from edge_router.admission.tokens import MOST_OCTETS, BadTokens, Tokens, read_tokens
from edge_router.config.faults import Path, quoted
from edge_router.config.models import Config
from edge_router.config.outline import Finding

_TOKENS: Final[Path] = ("http", "tokens_file")


def beside(configuration: str | FilePath, name: str) -> FilePath:
    """Where a file is that a configuration names."""
    return FilePath(configuration).parent / name


def tokens_of(config: Config, configuration: str | FilePath) -> Tokens:
    """Read the tokens that a configuration names; raises OSError, UnicodeError or BadTokens."""
    if config.http is None or config.http.tokens_file is None:
        return Tokens()
    with beside(configuration, config.http.tokens_file).open("rb") as file:
        octets = file.read(MOST_OCTETS + 1)
    if len(octets) > MOST_OCTETS:
        raise BadTokens([(1, f"the file is larger than {MOST_OCTETS // 1024} KB, which no file of tokens is")])
    return read_tokens(octets.decode())


def findings_in_files(config: Config, configuration: str | FilePath) -> Iterator[Finding]:
    """Give all that is wrong with the files that a configuration names."""
    name = quoted(str(config.http.tokens_file)) if config.http else ""
    try:
        tokens_of(config, configuration)
    except OSError as error:
        yield Finding(_TOKENS, f"{name} can't be read: {error.strerror}")
    except UnicodeError:
        yield Finding(_TOKENS, f"{name} is no UTF-8 text; write `token name scope,scope` on each line")
    except BadTokens as bad:
        for line, why in bad.faults:
            yield Finding(_TOKENS, f"{name} line {line}: {why}")
