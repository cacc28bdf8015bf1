"""Nothing that a configuration or a file beside it says can break out of the line of a header that it ends up in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from edge_router.config.loading import examine_bytes
from tests.config.test_contract import PLANNED, files_in

EVILS: Final = ("\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\0", "\x85X-Evil: 1")
Path_ = tuple[str | int, ...]


def texts(node: object, path: Path_ = ()) -> Iterator[Path_]:
    """Where texts stand, as values and as names of a map."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from texts(value, (*path, key))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from texts(value, (*path, at))
    elif isinstance(node, str):
        yield path


def changed(root: Any, path: Path_, evil: str) -> Any:
    if not path:
        return root + evil
    step, *rest = path
    if isinstance(root, dict):
        return {key: changed(value, tuple(rest), evil) if key == step else value for key, value in root.items()}
    return [changed(value, tuple(rest), evil) if at == step else value for at, value in enumerate(root)]


def test_no_text_of_a_configuration_holds_a_line_break(tmp_path: Path) -> None:
    files_in(tmp_path)
    file = str(tmp_path / "built.yaml")
    built = "\n".join(line for line in PLANNED.splitlines() if not line.endswith("# later"))
    assert examine_bytes(built.encode(), file).config is not None
    root = yaml.safe_load(built)
    places = [path for path in texts(root) if path[-1] != "when"]  # an expression is compiled, and never sent
    assert len(places) > 50
    for at, path in enumerate(places):
        evil = EVILS[at % len(EVILS)]
        raw = yaml.safe_dump(changed(root, path, evil)).encode()
        assert examine_bytes(raw, file).config is None, (path, evil)


@pytest.mark.parametrize("evil", EVILS)
@pytest.mark.parametrize("column", range(5))
def test_no_cell_of_a_table_holds_a_line_break(tmp_path: Path, column: int, evil: str) -> None:
    files_in(tmp_path)
    cells = ["+1800555....", "A", "front-door", "Support", "1"]
    cells[column] = f'"{cells[column]}{evil}"'
    (tmp_path / "services.csv").write_text(f"called,service,policy,queue,cloud_number\n{','.join(cells)}\n", newline="")
    built = "\n".join(line for line in PLANNED.splitlines() if not line.endswith("# later"))
    assert examine_bytes(built.encode(), str(tmp_path / "built.yaml")).config is None
