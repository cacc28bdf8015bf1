"""Files that a configuration names: seen from its own directory, read at load, faults with their lines."""

from pathlib import Path

import pytest

from edge_router.config.files import tokens_of
from edge_router.config.loading import examine

HEAD = """\
listen: [{name: pstn, address: "127.0.0.1:5060"}]
http:
  address: "127.0.0.1:8080"
  tokens_file: secrets/tokens
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    path = tmp_path / "edge-router.yaml"
    path.write_text(HEAD)
    return path


def faults(configuration: Path) -> list[str]:
    return [str(fault).removeprefix(f"{configuration}:") for fault in examine(configuration).faults]


def test_tokens_are_read_beside_the_configuration(configuration: Path) -> None:
    (configuration.parent / "secrets/tokens").write_text("0123456789abcdef wallboard read\n")
    config = examine(configuration).config
    assert config is not None
    assert tokens_of(config, configuration).holder("0123456789abcdef") is not None


def test_a_file_that_is_not_there(configuration: Path) -> None:
    assert faults(configuration) == [
        '4:16: http.tokens_file: "secrets/tokens" can\'t be read: No such file or directory'
    ]


def test_every_line_that_is_wrong_is_told(configuration: Path) -> None:
    (configuration.parent / "secrets/tokens").write_text("0123456789abcdef wallboard\n\nshort ops admin\n")
    first, second = faults(configuration)
    assert 'http.tokens_file: "secrets/tokens" line 1: 2 words instead of 3' in first
    assert "line 3: the token is shorter than 16 characters" in second


@pytest.mark.parametrize(("octets", "why"), [(b"\xff\xfe", "no UTF-8 text"), (b"#" * 300_000, "larger than 256 KB")])
def test_what_is_no_file_of_tokens(configuration: Path, octets: bytes, why: str) -> None:
    (configuration.parent / "secrets/tokens").write_bytes(octets)
    (fault,) = faults(configuration)
    assert why in fault
