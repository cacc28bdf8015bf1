"""Loading: a file into a `Config`, or into every fault that it has, all at once.

bytes ─ document ─┬─ models, with the names that the file defines ─ Config
                  └─ outline ─ checks between entries ─ faults, warnings
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from pydantic import ValidationError

from edge_router.config.checks import findings
from edge_router.config.document import MAX_BYTES, Document, Map, Unreadable, read
from edge_router.config.doubts import doubts
from edge_router.config.faults import ConfigFaults, Fault, Kind, in_order, key_path
from edge_router.config.files import doubts_in_files, findings_in_files
from edge_router.config.finding import Finding
from edge_router.config.logins import open_passwords, read_passwords
from edge_router.config.models import Config
from edge_router.config.outline import Outline
from edge_router.config.rule_checks import rule_findings
from edge_router.config.tables import Tables
from edge_router.config.words import faults_of
from state_client.regular_file import read_regular


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file turned out to be: a configuration, or else its faults; and warnings in any case.

    `tables` are what the files hold that it names.
    """

    file: str
    document: Document
    config: Config | None
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()
    tables: Tables = field(default_factory=Tables)

    def fault(self, finding: Finding) -> Fault:
        """Give a finding its place in the file."""
        return _placed(finding, self.document, self.file)


def load(path: str | FilePath) -> Config:
    """Read a configuration; raises ConfigFaults with everything that is wrong with it."""
    examined = examine(path)
    if examined.config is None:
        raise ConfigFaults(examined.faults)
    return examined.config


def examine(path: str | FilePath, files: bool = True) -> Examined:
    """Read a configuration and say all there is to say about it; raises nothing, also where there is no such file.

    Without ``files``, those that it names aren't looked at: for who needn't be able to read them.
    """
    try:
        raw = read_regular(path, MAX_BYTES + 1)
    except OSError as error:
        why = f"the file can't be read: {error.strerror}"
        return _unusable(str(path), Fault(str(path), 1, 1, "", why, Kind.SYNTAX))
    return examine_bytes(raw, str(path), files)


def examine_bytes(raw: bytes, file: str, files: bool = True) -> Examined:
    """Do as `examine` with what stands in the file."""
    try:
        document = read(raw)
    except Unreadable as error:
        return _unusable(file, Fault(file, *error.at, "", error.message, Kind.SYNTAX))
    if document.root is None:
        document.root = Map()  # an empty file is a map without keys, and will hear which it needs
    outline = Outline(document, file)
    config, faults = None, [*_of_the_document(document, file)]
    faults += [_placed(finding, document, file) for finding in _found(outline)]
    try:
        config = Config.model_validate(document.root, context=outline.names)
    except ValidationError as error:
        faults += faults_of(error, document, file)
    if config is not None and not faults and files:
        unread = read_passwords(config, file, outline.tables.passwords)
        faults += [_placed(finding, document, file) for finding in (*findings_in_files(config, file), *unread)]
    if faults:
        config = None
    doubtful = [*doubts(outline, config)]
    if config is not None and files:
        doubtful += [*doubts_in_files(config, file), *open_passwords(config, file)]
    warnings = [_placed(finding, document, file) for finding in doubtful]
    return Examined(file, document, config, tuple(in_order(faults)), tuple(in_order(warnings)), outline.tables)


def _found(outline: Outline) -> Iterator[Finding]:
    yield from outline.tables.findings
    yield from findings(outline)
    yield from rule_findings(outline)


def _unusable(file: str, fault: Fault) -> Examined:
    return Examined(file, Document(None), None, (fault,))


def _of_the_document(document: Document, file: str) -> Iterator[Fault]:
    for twice in document.twice:
        message = f"stands here twice; the first is in line {twice.first.line}, take one out"
        yield Fault(file, *twice.at, key_path(twice.path), message, Kind.CONFLICT)
    for path, at in document.empty:
        if path:
            yield Fault(file, *at, key_path(path), "has no value; give it one or take it out", Kind.VALUE)


def _placed(finding: Finding, document: Document, file: str) -> Fault:
    path, at = document.locate(finding.path, key=finding.on_key)
    return Fault(file, at.line, at.column, key_path(path), finding.message, finding.kind)
