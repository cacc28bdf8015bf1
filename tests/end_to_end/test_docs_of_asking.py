"""The examples of docs/ask.md are run as they stand there, and answers are read as a script or a flow reads them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest
import yaml
from jsonpath_ng.ext.parser import parse

from edge_router.http.answer import KEYS
from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.router_process import RouterProcess, StartRouter
from tests.test_ground import ROOT

PAGE: Final = (ROOT / "docs" / "ask.md").read_text()
ADDRESS: Final = "127.0.0.1:8080"
REFER_URI: Final = "sip:{called}@sbc.carrier.example;user=phone"
ASKED: Final = "/v1/decisions?called=%2B18005550100&calling=%2B13125550199"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def router(block: Block, tmp_path: Path, start_router: StartRouter) -> RouterProcess:
    """A router by the page's own configuration and tokens."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "tokens").write_text(blocks("tokens")[0])
    shown = yaml.safe_load(blocks("yaml")[0])
    assert shown["http"]["address"] == ADDRESS
    assert f"`{REFER_URI}`" in PAGE
    shown["http"]["address"] = "{}:{}".format(*block.http)
    return start_router(front_door(block, cloud_peer={"refer_uri": REFER_URI}, **shown))


def run(command: str, block: Block) -> str:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    here = command.replace(ADDRESS, "{}:{}".format(*block.http))
    done = subprocess.run(["/bin/sh", "-c", here], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def without_ages(text: str) -> str:
    """How old the state was differs from time to time."""
    text = re.sub(r"state \d+\.\d+ s old", "state … s old", text)
    return re.sub(r'(age_secs"?[:=>])\d+(\.\d+)?', r"\1…", text)


def test_the_examples_answer_as_they_are_said_to(block: Block, router: RouterProcess) -> None:
    examples = re.findall(r"^```sh\n(.*?)^```\n```(\w+)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert [kind for _, kind, _ in examples] == ["json", "xml", "text", "json"]
    assert len(examples) == len(blocks("sh"))
    for command, kind, shown in examples:
        answer = run(command, block)
        if kind == "json":
            answer, shown = (json.dumps(json.loads(text), separators=(",", ":")) for text in (answer, shown))
        assert without_ages(answer) == without_ages(shown)


def as_json_path_reads(path: str, body: str) -> list[Any]:
    """As Get JSON Document Data, Rest_Client and a flow's parse settings do: what is found at a path."""
    return [found.value for found in parse(path).find(json.loads(body))]


def as_xpath_reads(path: str, body: str) -> list[str]:
    """As Get XML Document Data and Rest_Client do: the text of what is found, from the document's root on."""
    root = ElementTree.fromstring(body)
    assert path.startswith(f"/{root.tag}/")
    return [found.text or "" for found in root.findall(path.replace(f"/{root.tag}/", "./", 1))]


@pytest.mark.parametrize("query", ["", "&trunk=nowhere"])
def test_a_script_and_a_flow_find_what_the_page_tells_them_to_read(router: RouterProcess, query: str) -> None:
    paths = set(re.findall(r"`(\$\.\w+)`", PAGE))
    assert paths >= {"$.target", "$.number", "$.ok", "$.age_secs", "$.method"}
    status, body = router.get(ASKED + query)
    assert status == 200
    for path in (*paths, *(f"$.{key}" for key in KEYS)):
        (value,) = as_json_path_reads(path, body)
        assert value is None or isinstance(value, str | bool | int | float)
    assert as_json_path_reads("$.target", body) == ["premise" if query else "cloud"]
    assert as_json_path_reads("$.ok", body) == [not query]


@pytest.mark.parametrize("query", ["", "&trunk=nowhere"])
def test_who_reads_xml_finds_it_too(router: RouterProcess, query: str) -> None:
    paths = set(re.findall(r"`(/decision/\w+)`", PAGE))
    assert paths >= {"/decision/target", "/decision/number", "/decision/ok"}
    status, body = router.get(f"{ASKED}{query}&format=xml")
    assert status == 200
    for path in (*paths, *(f"/decision/{key}" for key in KEYS)):
        assert len(as_xpath_reads(path, body)) == 1
    assert as_xpath_reads("/decision/target", body) == ["premise" if query else "cloud"]
    assert as_xpath_reads("/decision/ok", body) == ["false" if query else "true"]


def test_a_script_that_knows_neither_splits_lines(router: RouterProcess) -> None:
    _, body = router.get(f"{ASKED}&format=text")
    found = dict(line.split("=", 1) for line in body.splitlines())
    assert (found["target"], found["number"], found["ok"]) == ("cloud", "+18005550100", "true")


def test_every_key_is_told_with_what_it_means() -> None:
    rows = PAGE[PAGE.index("| key | what |") : PAGE.index("All keys are there")]
    told = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in rows.splitlines() if row.startswith("| `")))
    assert sorted(told) == sorted(KEYS)
