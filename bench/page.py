"""Pages of docs/ into which a measurement writes: what stands between its own marks is replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
_END = "<!-- end -->"


def begin(command: str) -> str:
    """The mark behind which that command writes."""
    return f"<!-- written by `{command}`: begin -->"


def put(page: Path, command: str, lines: Iterable[str]) -> None:
    """Put lines where that command's marks are. ValueError where they aren't."""
    before, found, rest = page.read_text().partition(begin(command))
    _, ended, after = rest.partition(_END)
    if not found or not ended:
        raise ValueError(f"{page.name} has no place for what {command} writes")
    page.write_text("\n".join([f"{before}{begin(command)}", "", *lines, "", f"{_END}{after}"]))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]
