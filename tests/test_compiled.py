"""The compiled build (hatch_build.py): what should be compiled is, and each of its modules can be imported first."""

import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import edge_router.sip.message

ROOT = Path(__file__).parent.parent
INSTALLED = Path(edge_router.__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOOK = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]

pytestmark = pytest.mark.skipif(edge_router.sip.message.__file__.endswith(".py"), reason="nothing is compiled here")

# mypyc reads a module's own annotations at run time: a class that was not imported by then ends the process.
_IMPORT_EACH_FIRST = """
import os, sys
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        __import__(name)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        print(name)
"""


def modules() -> list[str]:
    """The names of what should be compiled."""
    kept = {INSTALLED / path for path in HOOK["interpreted"]}
    paths = [path for pattern in HOOK["compile"] for path in INSTALLED.glob(pattern) if path not in kept]
    return [".".join(path.relative_to(INSTALLED).with_suffix("").parts).removesuffix(".__init__") for path in paths]


def origin(name: str) -> str:
    spec = find_spec(name)
    return spec.origin or "" if spec else ""


def test_what_should_be_compiled_is() -> None:
    assert len(modules()) > 50
    assert [name for name in modules() if not origin(name).endswith(".so")] == []


def test_each_module_can_be_imported_first() -> None:
    command = [sys.executable, "-c", _IMPORT_EACH_FIRST, *modules()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("", "")
