"""The files that a configuration names: where they are, and what is wrong with them.

A name without a leading slash is seen from the directory of the configuration, wherever the router was started.
"""

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final

from edge_router.admission.tokens import MOST_OCTETS, BadTokens, Tokens, read_tokens, token_good_for
from edge_router.config.faults import Kind, Path, quoted
from edge_router.config.finding import Finding
from edge_router.config.models import Config, Listen
from edge_router.config.state_model import State
from edge_router.net.security import Expected, Files, Security, pem_fault
from state_client.regular_file import read_regular
from state_client.webex.destination import secret_fault
from state_client.webex.secret import FROM_ENVIRONMENT, SecretError, SecretFile

_TOKENS: Final[Path] = ("http", "tokens_file")
_WEBHOOK: Final[Path] = ("state", "webex", "webhook", "secret_file")


def beside(configuration: str | FilePath, name: str) -> FilePath:
    """Where a file is that a configuration names."""
    return FilePath(configuration).parent / name


def tokens_of(config: Config, configuration: str | FilePath) -> Tokens:
    """Read the tokens that a configuration names; raises OSError, UnicodeError or BadTokens."""
    return read_tokens(_text_of_tokens(config, configuration))


def token_for(config: Config, configuration: str | FilePath, scope: str) -> str | None:
    """Give a token that a configuration names and that is good for a scope, None if there is none; raises the same."""
    return token_good_for(_text_of_tokens(config, configuration), scope)


def _text_of_tokens(config: Config, configuration: str | FilePath) -> str:
    if config.http is None or config.http.tokens_file is None:
        return ""
    octets = read_regular(beside(configuration, config.http.tokens_file), MOST_OCTETS + 1)
    if len(octets) > MOST_OCTETS:
        raise BadTokens([(1, f"the file is larger than {MOST_OCTETS // 1024} KB, which no file of tokens is")])
    return octets.decode()


def secret_at(configuration: str | FilePath, place: str) -> SecretFile:
    """Give the place of a secret that a configuration names: a file beside it, or `env:NAME`."""
    return SecretFile(place if place.startswith(FROM_ENVIRONMENT) else beside(configuration, place))


def tls_files(listen: Listen, configuration: str | FilePath) -> Files | None:
    """Give the files of a TLS listener, None for another one."""
    if listen.certificate is None or listen.private_key is None:
        return None

    def at(name: str | None) -> str | None:
        return None if name is None else str(beside(configuration, name))

    certificate, key = (str(beside(configuration, name)) for name in (listen.certificate, listen.private_key))
    return Files(certificate, key, at(listen.client_ca), at(listen.ca))


def _of_tls(config: Config, configuration: str | FilePath) -> Iterator[Finding]:
    for index, listen in enumerate(config.listen):
        files = tls_files(listen, configuration)
        unreadable = False
        for key, path in files._asdict().items() if files is not None else ():
            if path is not None and (why := pem_fault(path)):
                unreadable = True
                yield Finding(("listen", index, key), f"{quoted(getattr(listen, key))} {why}")
        if files is not None and not unreadable:
            try:
                Security(files, lambda _: Expected())
            except OSError as error:
                why = f"can't be used with its private_key and the others: {error.strerror or error}"
                yield Finding(("listen", index, "certificate"), f"{quoted(str(listen.certificate))} {why}")


def findings_in_files(config: Config, configuration: str | FilePath) -> Iterator[Finding]:
    """Give all that is wrong with the files that a configuration names."""
    yield from _of_tokens(config, configuration)
    yield from _of_tls(config, configuration)
    for path, place in _secrets(config.state):
        try:
            secret = secret_at(configuration, place).read()
        except SecretError as error:
            yield Finding(path, str(error))
            continue
        if path == _WEBHOOK and (fault := secret_fault(secret)):
            yield Finding(path, f"{quoted(place)}: {fault}; make one with `openssl rand -hex 32`")


def _secrets(state: State) -> Iterator[tuple[Path, str]]:
    """Give the secrets that must be there. The refresh token is none of them: `webex login` brings it."""
    if state.source == "peer" and state.peer_token_file is not None:
        yield ("state", "peer_token_file"), state.peer_token_file
    if state.source == "webex" and state.webex is not None:
        yield ("state", "webex", "client_secret_file"), state.webex.client_secret_file
        if state.webex.webhook is not None:
            yield _WEBHOOK, state.webex.webhook.secret_file


def doubts_in_files(config: Config, configuration: str | FilePath) -> Iterator[Finding]:
    """Give what is to be done about files before the router can do all that it should."""
    webex = config.state.webex
    if config.state.source == "webex" and webex is not None:
        try:
            secret_at(configuration, webex.refresh_token_file).read()
        except SecretError as error:
            message = f"{error}; run `edge-router webex login`, which writes it"
            yield Finding(("state", "webex", "refresh_token_file"), message, Kind.WARNING)


def _of_tokens(config: Config, configuration: str | FilePath) -> Iterator[Finding]:
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
