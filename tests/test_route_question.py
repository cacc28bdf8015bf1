"""What `edge-router route` can be asked besides numbers: services, hours, latches, teams and headers."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from edge_router.cli import app

CONFIGURATION = """\
node: edge-1
listen: [{name: pstn, address: "127.0.0.1:5060"}]
trunks:
  carrier: {sources: [192.0.2.1]}
  cloud: {targets: ["sip:192.0.2.4"]}
  premise: {targets: ["sip:192.0.2.3"]}
dial_peers:
  - {name: in, incoming: {trunk: carrier, called: "+1800555...."}, policy: door}
  - {name: cloud, outgoing: {trunk: cloud}, called_number: "{service.cloud_number}"}
  - {name: premise, outgoing: {trunk: premise}}
services: {file: services.csv}
number_lists: {blocked: {file: blocked.txt, reject: 603}}
hours: {desk: {timezone: UTC, open: {mon-fri: ["08:00-18:00"]}}}
latches: {full: {set: 'queue("Support").length > 5', clear: 'queue("Support").length < 3'}}
policies:
  door: {rules: [{name: shut, when: '!hours("desk")', to: premise}], otherwise: {to: premise}}
  sales:
    rules:
      - {name: full, when: 'latch("full")', to: premise}
      - {name: gold, when: 'call.header("X-Level") == "gold"', to: cloud}
      - {name: staffed, when: 'team("Sales").available > 2', to: cloud}
    otherwise: {to: premise}
state:
  source: peer
  peers: ["https://192.0.2.9:8080"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "services.csv").write_text(
        "called,service,policy,cloud_number\n+18005550100,Sales,sales,+19005550100\n+18005550200,Desk,,\n"
    )
    (tmp_path / "blocked.txt").write_text("+13125550666\n")
    file = tmp_path / "edge.yaml"
    file.write_text(CONFIGURATION)
    return file


def asked(file: Path, called: str, *more: str, calling: str = "+13125550100") -> Result:
    return CliRunner().invoke(app, ["route", "-c", str(file), "--calling", calling, "--called", called, *more])


def route(file: Path, called: str, *more: str, calling: str = "+13125550100") -> dict[str, Any]:
    result = asked(file, called, *more, calling=calling)
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


NOT_FULL = ("--latch", "full=off")
TEAM = ("--team", "Sales:available=3,idle=1", *NOT_FULL)


def test_the_row_of_the_service_is_shown_and_its_policy_is_asked(file: Path) -> None:
    found = route(file, "+18005550100", *TEAM)
    assert (found["service"], found["policy"], found["rule"]) == ("Sales", "sales", "staffed")
    cells = {"called": "+18005550100", "service": "Sales", "policy": "sales", "cloud_number": "+19005550100"}
    assert found["service_row"] == {"line": 2, "cells": cells}
    assert [rule["rule"] for rule in found["rules"]] == ["full", "gold", "staffed"]
    assert found["steps"][0]["called"] == "+19005550100"


def test_a_dial_peer_that_wants_an_empty_cell_is_not_tried(file: Path) -> None:
    file.write_text(CONFIGURATION.replace("!hours(", "hours(").replace("to: premise}], oth", "to: cloud}], oth"))
    steps = route(file, "+18005550200", "--at", "2026-11-23T12:00Z")["steps"]
    assert [(step["dial_peer"], step["closed"]) for step in steps] == [
        ("cloud", "without a cloud_number for this number"),
        ("premise", ""),
    ]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        (("--team", "Sales:available=2", *NOT_FULL), "otherwise"),
        (("--team", "Sales:available=3", *NOT_FULL), "staffed"),
        (("--team", "Sales:available=3"), "if_stale"),  # how full is it?
        (("--header", "X-Level: gold", *TEAM), "gold"),
        (("--latch", "full=on"), "full"),
        (("--queue", "Support:length=9"), "full"),
        (("--queue", "Support:length=9", *TEAM), "staffed"),
        ((), "if_stale"),
    ],
)
def test_state_that_is_asked_about(file: Path, more: tuple[str, ...], rule: str) -> None:
    assert route(file, "+18005550100", *more)["rule"] == rule


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        ("2026-11-23T17:59:00+00:00", "otherwise"),
        ("2026-11-23T18:00:00+00:00", "shut"),
        ("2026-11-22T12:00:00Z", "shut"),
        ("2026-11-23T10:00:00-09:00", "shut"),
    ],
)
def test_another_time(file: Path, at: str, rule: str) -> None:
    assert route(file, "+18005550200", "--at", at)["rule"] == rule


def test_the_routers_secrets_are_not_needed(file: Path) -> None:
    file.write_text(CONFIGURATION + 'http: {address: "127.0.0.1:8080", tokens_file: nowhere}\n')
    assert route(file, "+18005550100", *TEAM)["rule"] == "staffed"


def test_a_list_decides_before_all(file: Path) -> None:
    found = route(file, "+18005550100", calling="+13125550666")
    assert (found["decided_before"], found["method"], found["code"]) == ("list blocked", "reject", 603)
    assert found["reason"] == "list blocked: reject 603, since the calling number is on the list blocked"


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (("--team", "Sales"), '--team "Sales": write NAME:STATE=NUMBER,STATE=NUMBER, such as Sales:available=3,idle=1'),
        (
            ("--team", "Sales:availible=3"),
            '--team Sales: there is no state "availible"; did you mean "available"?',
        ),
        (
            ("--team", "Sales:available=few"),
            '--team "Sales:available=few": write NAME:STATE=NUMBER,STATE=NUMBER, such as Sales:available=3,idle=1',
        ),
        (("--latch", "ful=on"), '--latch: there is no latch "ful"; did you mean "full"?'),
    ],
)
def test_questions_that_can_not_be_put(file: Path, more: tuple[str, ...], error: str) -> None:
    result = asked(file, "+18005550100", *more)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {error}\n")


def test_queues_that_are_asked_about_are_the_clouds_and_those_of_the_configuration_are_not(file: Path) -> None:
    rule = "{name: room, when: 'cloud().calls < 5', to: premise}\n      - {name: gold"
    file.write_text(CONFIGURATION.replace("{name: gold", rule) + "  queues: {Desk: {source: pushed}}\n")

    def decided(*queues: str) -> tuple[str, str]:
        words = "--team", "Sales:available=0", *NOT_FULL, "--json"
        found = route(file, "+18005550100", *words, *(word for queue in queues for word in ("--queue", queue)))
        return found["rule"], found["reason"]

    few, many, old = "Support:length=4", "Support:length=5", "Support:length=4,age=99"
    rule, why = decided(few, "Desk:length=9")
    assert (rule, why.split("; ")[1]) == ("room", "read cloud().calls = 4")
    assert decided(many)[0] == "otherwise"
    assert "cloud() is 99.0 s old" in decided(old)[1]


@pytest.mark.parametrize("called_from", ["request-uri", "p-called-party-id"])
def test_a_service_urn_is_an_emergency(file: Path, called_from: str) -> None:
    text = CONFIGURATION.replace("sources: [192.0.2.1]", f"sources: [192.0.2.1], called_from: {called_from}")
    file.write_text(text + 'emergency: {called: ["911"], destinations: [premise]}\n')
    found = route(file, "urn:service:sos", "--json", "--header", "P-Called-Party-ID: <sip:+18005550100@x>")
    assert (found["decided_before"], found["called"]) == ("emergency", "911")
    assert found["steps"][0]["sends"] == ["INVITE sip:911@192.0.2.3:5060"]
