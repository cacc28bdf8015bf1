"""Compiles the rooms that a call passes through with mypyc, where HATCH_BUILD_HOOKS_ENABLE asks for it.

The wheel then holds each of their modules twice, as source and as an extension; Python takes the extension, tracebacks
show the source. Which modules they are stands in pyproject.toml. Nothing is written into the source tree: an extension
there would go on standing for a source that has changed.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Compiled(BuildHookInterface):
    """hatchling's hook: extensions before a wheel is packed, and nothing left behind after that."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles, and adds what came of it to the wheel; an editable install stays interpreted."""
        if version == "editable":
            return
        self._scratch = TemporaryDirectory()
        made = _compile(self._modules(), Path(self._scratch.name))
        build_data["force_include"].update({str(path): str(place) for place, path in made.items()})
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clears up."""
        if version != "editable":
            self._scratch.cleanup()

    def _modules(self) -> list[str]:
        """The sources to compile, relative to the project."""
        found: set[Path] = set()
        for pattern in self.config["compile"]:
            found.update(Path(self.root).glob(pattern))
        found.difference_update(Path(self.root, kept) for kept in self.config["interpreted"])
        return [str(path.relative_to(self.root)) for path in sorted(found)]


def _compile(modules: list[str], scratch: Path) -> dict[Path, Path]:
    """Extensions made of these sources of the working directory, by where they belong in the wheel."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    # No configuration of mypy: what is strict is "make lint"'s business, what is compiled must not depend on it.
    options = ["--config-file=", f"--cache-dir={scratch / 'cache'}", "--explicit-package-bases"]
    extensions = mypycify(
        [*options, *modules], target_dir=str(scratch / "c"), group_name="edge_router", opt_level="2", debug_level="0"
    )
    build = Distribution({"name": "edge-router", "ext_modules": extensions}).get_command_obj("build_ext")
    build.build_lib, build.build_temp = str(scratch / "lib"), str(scratch / "temp")
    build.ensure_finalized()
    build.run()
    return {path.relative_to(scratch / "lib"): path for path in (scratch / "lib").rglob("*.so")}
