import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import edge_router

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = ["edge_router", "sip_profiles", "state_client"]
HOOK = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
COMPILED = sorted({path for pattern in HOOK["compile"] for path in ROOT.glob(pattern)})
ROOMS = sorted(path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.py"))


def locked() -> dict[str, str]:
    """Versions by canonical name, as requirements.lock has them."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def required() -> list[Requirement]:
    """What pyproject.toml asks for by name: to build, to compile, to run, and in every extra."""
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    texts = [*PROJECT["build-system"]["requires"], *wheel["hooks"]["custom"]["dependencies"]]
    texts += PROJECT["project"]["dependencies"]
    for extra in PROJECT["project"]["optional-dependencies"].values():
        texts += extra
    return [requirement for requirement in map(Requirement, texts) if requirement.name != "edge-router"]


def imported(package: str) -> set[str]:
    """The distributions that the modules of a package import by name, canonical; the standard library is none."""
    names = {name for path in (ROOT / package).rglob("*.py") for name in names_imported(path)}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {*PACKAGES, "tests", "bench", "fuzz"}
    known = metadata.packages_distributions()
    return {canonicalize_name(name) for top in tops for name in known.get(top, [top])}  # not all need be installed


def names_imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def tracked() -> list[Path]:
    """The files that git keeps; where git is not at hand, there is nothing to say."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_version_is_in_one_place() -> None:
    assert "version" not in PROJECT["project"]
    assert "version" in PROJECT["project"]["dynamic"]
    assert ROOT / PROJECT["tool"]["hatch"]["version"]["path"] == Path(edge_router.__file__)
    assert metadata.version("edge-router") == edge_router.__version__


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(ROOT)))
def test_room_says_what_lives_there_and_what_must_not_be_known(room: Path) -> None:
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text())) or ""
    summary, _, rest = docstring.partition("\n\n")
    assert summary.endswith(".")
    assert room.name == "edge_router" or "must not" in " ".join(rest.split())


def test_every_room_stands_on_one_floor() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    floors = [room for layer in layers for room in re.findall(r"[\w.]+", layer)]
    rooms = {f"edge_router.{path.stem}" for path in (ROOT / "edge_router").iterdir() if is_module(path)}
    assert len(floors) == len(set(floors))
    assert rooms | {"sip_profiles", "state_client"} <= set(floors)


def is_module(path: Path) -> bool:
    return (path / "__init__.py").exists() or (path.suffix == ".py" and path.stem != "__init__")


def test_wheel_holds_the_packages_and_what_the_demo_plays() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert wheel == [*PACKAGES, "sipp_scenarios"]


@pytest.mark.parametrize("module", COMPILED, ids=lambda path: str(path.relative_to(ROOT)))
def test_fields_of_a_compiled_tuple_are_of_classes_that_are_there(module: Path) -> None:
    """mypyc reads their annotations when it makes the class: one imported for types alone ends the process."""
    body = ast.parse(module.read_text()).body
    for_types = [node for node in body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    nodes = [node for block in for_types for node in block.body if isinstance(node, ast.ImportFrom)]
    unknown = {alias.asname or alias.name for node in nodes for alias in node.names}
    for tuple_ in [each for each in classes if "NamedTuple" in map(ast.unparse, each.bases)]:
        fields = [node.annotation for node in tuple_.body if isinstance(node, ast.AnnAssign)]
        named = {node.id for field in fields for node in ast.walk(field) if isinstance(node, ast.Name)}
        later = {each.name for each in classes if each.lineno >= tuple_.lineno}
        assert not named & (unknown | later), tuple_.name


def test_image_is_built_of_what_the_wheel_holds() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    needed = {"pyproject.toml", "hatch_build.py", "requirements.lock", "README.md", "LICENSE", *wheel}
    recipe = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {
        name for line in recipe if line.startswith("COPY ") and "--from" not in line for name in line.split()[1:-1]
    }
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == sent == needed


def test_lock_is_plain_names_and_versions() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    odd = [line for line in lines if not re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)]
    assert odd == []


@pytest.mark.parametrize(
    ("package", "extras"),
    [
        *((name, []) for name in PACKAGES),
        ("tests", ["test", "interop"]),
        ("bench", ["bench"]),
        ("fuzz", ["fuzz"]),
    ],
)
def test_what_is_imported_is_asked_for(package: str, extras: list[str]) -> None:
    """And isn't there by luck alone, because something else asks for it."""
    project = PROJECT["project"]
    texts = sum((project["optional-dependencies"][extra] for extra in extras), project["dependencies"])
    asked_for = {canonicalize_name(Requirement(text).name) for text in texts}
    assert imported(package) - asked_for == set()


def test_software_under_the_gpl_stays_in_a_process_of_its_own() -> None:
    """One file imports it, and nothing of ours; nobody imports that file."""
    driver = ROOT / "tests" / "interop" / "pjsua_driver.py"
    with_it = [path for top in (*PACKAGES, "tests", "bench") for path in (ROOT / top).rglob("*.py") if imports(path)]
    assert with_it == [driver]
    tops = {name.partition(".")[0] for name in names_imported(driver)}
    assert tops - sys.stdlib_module_names == {"pjsua2"}


def imports(path: Path) -> bool:
    names = names_imported(path)
    return any(name.partition(".")[0] == "pjsua2" or name.endswith("pjsua_driver") for name in names)


@pytest.mark.parametrize("requirement", required(), ids=str)
def test_lock_satisfies_pyproject(requirement: Requirement) -> None:
    assert requirement.specifier, "has no lower bound"
    assert requirement.specifier.contains(locked()[canonicalize_name(requirement.name)])


def test_lock_names_everything_that_is_installed_for_us() -> None:
    versions = locked()
    seen: dict[str, str] = {}
    todo = [requirement.name for requirement in map(Requirement, PROJECT["project"]["dependencies"])]
    while todo:
        name = canonicalize_name(todo.pop())
        if name in seen:
            continue
        seen[name] = metadata.version(name)
        needs = [Requirement(text) for text in metadata.requires(name) or []]
        todo += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    assert {name: versions.get(name) for name in seen} == seen, "run make venv, or make lock"


def test_tracked_tree_names_no_path_of_this_machine() -> None:
    usual = {"/tmp", "/usr", "/opt", "/srv", "/var", "/mnt"}
    top = f"/{ROOT.parts[1]}"
    ours = {str(ROOT), str(Path.home())} | ({top} - usual)
    anywhere = "|".join(re.escape(path) for path in ours)
    pattern = re.compile(rf"(?<![\w.}}-])(?:{anywhere})/".encode())
    assert [str(path) for path in tracked() if pattern.search(path.read_bytes())] == []


@pytest.mark.parametrize(
    ("target", "package"),
    [("system", "sip-tester"), ("far-ends", "baresip-core"), ("kamailio", "kamailio"), ("compiler", "gcc")],
)
def test_without_root_a_missing_debian_package_is_one_line(target: str, package: str, tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make is not None
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    command = [make, target, "SBIN="]
    nobody = {"PATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=nobody, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"sudo apt-get install {package}" in done.stderr


def test_ci_runs_the_tests_and_stops_at_the_first_failure() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    commands = script.read_text().splitlines()
    assert "set -euo pipefail" in commands
    assert commands[-2:] == ["make lint", "make test"]
