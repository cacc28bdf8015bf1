"""Compiles the rooms that a call passes through with mypyc, where HATCH_BUILD_HOOKS_ENABLE asks for it.

The wheel then holds each of their modules twice, as source and as an extension, and Python takes the extension. Which
modules they are stands in pyproject.toml. Nothing is written into the source tree: an extension there would go on
standing for a source that has changed since.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Compiled(BuildHookInterface[BuilderConfig]):
    """hatchling's hook: makes extensions before a wheel is packed, and leaves nothing behind after that."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles, and adds what came of it to the wheel; an editable install stays interpreted."""
        if version == "editable":
            return
        self._scratch = TemporaryDirectory()
        build_data["force_include"].update(_compile(self._modules(), Path(self._scratch.name)))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clears up."""
        if version != "editable":
            self._scratch.cleanup()

    def _modules(self) -> list[str]:
        """The sources to compile, relative to the project."""
        root = Path(self.root)
        kept = set(self.config["interpreted"])
        found = [str(path.relative_to(root)) for pattern in self.config["compile"] for path in root.glob(pattern)]
        return sorted(set(found) - kept)


def _compile(modules: list[str], scratch: Path) -> dict[str, str]:
    """Extensions made of these sources of the working directory: where each lies, and its place in the wheel."""
    # They are there only where this runs: who installs plain Python needs neither.
    from mypyc.build import mypycify
    from setuptools import Distribution

    # No configuration of mypy: how strict it is, is the business of "make lint", and must not change what is built.
    options = ["--config-file=", f"--cache-dir={scratch / 'cache'}", "--explicit-package-bases"]
    made_of = [*options, *modules]
    extensions = mypycify(made_of, target_dir=str(scratch / "c"), group_name="edge_router", debug_level="0")
    for each in extensions:
        # So that functions call each other straight, and not through a table in which another library could replace
        # them: a tenth of a call's cost.
        each.extra_compile_args.append("-fvisibility=hidden")
    build = Distribution({"name": "edge-router", "ext_modules": extensions}).get_command_obj("build_ext")
    library = scratch / "library"
    build.build_lib, build.build_temp = str(library), str(scratch / "objects")
    build.ensure_finalized()
    build.run()
    return {str(path): str(path.relative_to(library)) for path in library.rglob("*.so")}
