"""What a check finds, before it has its place in the file."""

from dataclasses import dataclass

from edge_router.config.faults import Kind, Path


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong at a path; `on_key`: its key is, not its value."""

    path: Path
    message: str
    kind: Kind = Kind.CONFLICT
    on_key: bool = False
