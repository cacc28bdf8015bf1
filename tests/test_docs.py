"""What the documentation points at is there."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.test_ground import ROOT, tracked

PAGES: Final = [
    ROOT / "README.md",
    ROOT / "sipp_scenarios" / "README.md",
    *ROOT.glob("state_client/README.md"),  # which is elsewhere where the package is installed
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
]
RESULTS: Final = ROOT / "bench" / "results"
"""Written by a run of the bench; until one is kept, what points there is not looked at."""


def links(page: Path) -> list[str]:
    """The relative links of a page, images too, but for those in code; without their fragments."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target.partition("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_tracked_file(page: Path) -> None:
    kept = {place for path in tracked() for place in (path, *path.parents)}
    leads = {link: (page.parent / link).resolve() for link in links(page)}
    if RESULTS not in kept:
        leads = {link: place for link, place in leads.items() if RESULTS not in place.parents}
    assert [link for link, place in leads.items() if place not in kept] == []


def test_links_are_found() -> None:
    """A page without a link would pass whatever happens to it."""
    found = {page.relative_to(ROOT).as_posix(): links(page) for page in PAGES}
    assert {"docs/architecture.md", "docs/edge-router.schema.json", "examples/", "LICENSE"} <= set(found["README.md"])
    assert "../tests/end_to_end" in found["sipp_scenarios/README.md"]


def test_the_map_has_each_file_of_the_b2bua() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    files = [path.name for path in (ROOT / "edge_router" / "b2bua").rglob("[!_]*.py")]
    assert [name for name in files if not re.search(rf"\b{re.escape(name)}\b", page)] == []
