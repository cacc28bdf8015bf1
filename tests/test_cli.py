"""The command line: what is printed where, in which form, and with which exit status."""

import json
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from edge_router.b2bua.routing.routing import Routing
from edge_router.cli import NOT_BUILT, app
from edge_router.config.build import build
from edge_router.config.loading import load
from edge_router.explain import Explanation, explain
from edge_router.made_up_call import MadeUpCall, arrive
from edge_router.net.udp import UdpListener
from edge_router.route_report import show
from edge_router.switch_command import shown

GOOD = """\
node: edge-1
listen: [{name: pstn, address: "127.0.0.1:PORT"}]
trunks:
  carrier: {sources: [192.0.2.1], accepts: [redirect]}
  cloud: {targets: [{uri: "sip:192.0.2.5:5070", preference: 2}, "sip:192.0.2.4"]}
  premise: {targets: ["sip:192.0.2.3"]}
dial_peers:
  - {name: front, incoming: {trunk: carrier, called: "+1800555...."}, policy: door}
  - {name: front-too, incoming: {trunk: carrier, called: "+1800555...."}, policy: door}
  - {name: named, incoming: {trunk: carrier, called: "7"}, destinations: [premise]}
  - {name: numbered, incoming: {trunk: carrier, called: "8"}}
  - {name: cloud, outgoing: {trunk: cloud}, called_number: "9{called}"}
  - {name: referred, outgoing: {trunk: cloud}, refer_uri: "sip:{called}@cloud.example.com;from={calling}"}
  - {name: premise, outgoing: {trunk: premise, called: "+1800", preference: 1}}
  - {name: eights, outgoing: {trunk: premise, called: "8."}}
  - {name: eighties, outgoing: {trunk: cloud, called: "80", preference: 2}}
policies:
  door:
    rules:
      - {name: full, when: 'queue("Support").length > 5', reject: 480, cause: 34, retry_after: 9}
      - {name: friends, when: call.calling == "+13125550001", to: referred, by: refer}
      - {name: free, when: 'queue("Support").agents_available > 0', to: [cloud], by: redirect}
    otherwise: {to: premise}
state: {queues: {Support: {length: 1, agents_available: 3}}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = tmp_path / "edge.yaml"
    file.write_text(GOOD.replace("PORT", str(port)))
    return file


def edge_router(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def route(file: Path, called: str, *arguments: object, calling: str = "+13125550009") -> dict[str, Any]:
    result = edge_router("route", "-c", file, "--calling", calling, "--called", called, *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert isinstance(answer, dict)
    return answer


# check


def test_check_of_a_good_file(file: Path) -> None:
    result = edge_router("check", "-c", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{file}: no faults, no warnings\n"


def test_check_prints_every_fault_to_stdout(file: Path) -> None:
    file.write_text('node: edge-1\nlisten: [{name: a, address: "192.0.2.1:5060"}]\nties: any\nlgo: {}\n')
    result = edge_router("check", "--config", file)
    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        f"{file}:2:29: listen[0].address: 192.0.2.1:5060 is no address of this machine; give one that it has",
        f'{file}:3:7: ties: expected stable or random, got the text "any"',
        f'{file}:4:1: lgo: there is no key "lgo"; did you mean "log"?',
    ]
    assert result.stderr == f"{file}: 3 faults, no warnings\n"


def test_check_tries_the_addresses_unless_told_not_to(file: Path) -> None:
    file.write_text('node: edge-1\nlisten: [{name: a, address: "192.0.2.1:5060"}]\n')
    result = edge_router("check", "-c", file)
    assert result.exit_code == 2
    assert result.stdout == (
        f"{file}:2:29: listen[0].address: 192.0.2.1:5060 is no address of this machine; give one that it has\n"
    )
    assert edge_router("check", "-c", file, "--no-bind").exit_code == 0


def test_check_beside_the_running_router(file: Path) -> None:
    address = load(file).listen[0].address
    with socket.socket(type=socket.SOCK_DGRAM) as running:
        running.bind(address)
        result = edge_router("check", "-c", file)
        as_json = edge_router("check", "-c", file, "--json")
    assert (result.exit_code, as_json.exit_code) == (0, 0)
    assert f": listen[0].address: warning: {address} is in use" in result.stdout
    assert result.stderr == f"{file}: no faults, 1 warning\n"
    assert [fault["kind"] for fault in json.loads(as_json.stdout)] == ["warning"]


def test_warnings_do_not_fail_the_check(file: Path) -> None:
    file.write_text(file.read_text() + "limits: {}\n")
    file.write_text(file.read_text().replace("reject: 480", "reject: 503"))
    result = edge_router("check", "-c", file)
    assert result.exit_code == 0
    assert ": policies.door.rules[0].reject: warning: 503 tells the carrier" in result.stdout
    assert result.stderr == f"{file}: no faults, 1 warning\n"


def test_check_as_json(file: Path) -> None:
    file.write_text("node: edge-1\nlisten: 5\n")
    result = edge_router("check", "-c", file, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == [
        {
            "file": str(file),
            "line": 2,
            "column": 9,
            "key": "listen",
            "message": "expected a list, got the number 5",
            "kind": "value",
        }
    ]
    assert result.stderr == ""


def test_check_of_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = edge_router("check", "-c", tmp_path / "none.yaml")
    assert result.exit_code == 2
    assert result.stdout == f"{tmp_path}/none.yaml:1:1: the file can't be read: No such file or directory\n"


# route


def test_route_by_a_rule(file: Path) -> None:
    answer = route(file, "+18005550100")
    assert answer["dial_peer_in"] == "front"
    assert answer["dial_peers_out"] == ["cloud", "premise"]
    assert (answer["service"], answer["policy"], answer["rule"], answer["method"]) == (None, "door", "free", "redirect")
    assert answer["reason"].startswith('policy "door", rule "free": redirect to cloud')
    assert answer["values"] == {'queue("Support").agents_available': 3}
    assert [(rule["rule"], rule["verdict"]) for rule in answer["rules"]] == [
        ("full", "not held"),
        ("friends", "not held"),
        ("free", "held"),
    ]
    assert [(peer["dial_peer"], peer["digits"], peer["tie"]) for peer in answer["candidates_in"]] == [
        ("front", 8, "order"),
        ("front-too", 8, "order"),
    ]
    assert (answer["trunk"], answer["listen"], answer["code"]) == ("carrier", "pstn", None)
    assert [(step["dial_peer"], step["by"], step["sends"]) for step in answer["steps"]] == [
        (
            "cloud",
            "redirect",
            [
                "302 Moved Temporarily",
                "Contact: <sip:9+18005550100@192.0.2.4:5060>;q=1.0",
                "Contact: <sip:9+18005550100@192.0.2.5:5070>;q=0.9",
            ],
        ),
        ("premise", "bridge", ["INVITE sip:+18005550100@192.0.2.3:5060"]),
    ]


def test_route_normalises_numbers(file: Path) -> None:
    assert route(file, "+1 (800) 555-0100;npdi")["called"] == "+18005550100"


@pytest.mark.parametrize(("calling", "rule"), [("anonymous", "hidden"), ("", "hidden"), ("+13125550009", "free")])
def test_route_knows_an_anonymous_caller_as_a_call_does(file: Path, calling: str, rule: str) -> None:
    hidden = "{name: hidden, when: call.anonymous, reject: 433}"
    file.write_text(file.read_text().replace("rules:\n", f"rules:\n      - {hidden}\n"))
    assert route(file, "+18005550100", calling=calling)["rule"] == rule


def test_route_with_other_values_of_a_queue(file: Path) -> None:
    answer = route(file, "+18005550100", "--queue", "Support:length=6,longest_wait=2m")
    assert (answer["rule"], answer["method"], answer["code"], answer["reason_phrase"]) == (
        "full",
        "reject",
        480,
        "Temporarily Unavailable",
    )
    assert (answer["cause"], answer["retry_after"], answer["dial_peers_out"], answer["steps"]) == (34, 9, None, [])


def test_route_with_stale_state(file: Path) -> None:
    answer = route(file, "+18005550100", "--queue", "Support:age=61s")
    assert (answer["rule"], answer["fallback"], answer["dial_peers_out"]) == ("if_stale", "stale", ["premise"])
    assert answer["rules"][0]["verdict"] == "undecided"


def test_route_bridges_what_the_callers_trunk_does_not_accept(file: Path) -> None:
    step = route(file, "+18005550100", calling="+13125550001")["steps"][0]
    assert (step["by"], step["note"]) == ("bridge", "bridged, since trunk carrier does not accept refer")


def test_route_refers(file: Path) -> None:
    file.write_text(file.read_text().replace("accepts: [redirect]", "accepts: [refer]"))
    step = route(file, "+18005550100", calling="+13125550001")["steps"][0]
    assert (step["by"], step["sends"]) == (
        "refer",
        ["200 OK, then REFER", "Refer-To: <sip:+18005550100@cloud.example.com;from=+13125550001>"],
    )


def test_route_by_destinations(file: Path) -> None:
    answer = route(file, "7")
    assert (answer["dial_peer_in"], answer["dial_peers_out"], answer["policy"], answer["rule"]) == (
        "named",
        ["premise"],
        None,
        None,
    )
    assert (answer["method"], answer["reason"]) == ("bridge", "dial plan: bridge to premise")


def test_route_by_number(file: Path) -> None:
    answer = route(file, "80")
    assert answer["dial_peers_out"] == ["eighties", "eights"]
    assert answer["reason"] == "dial plan: bridge to eighties, then bridge to eights"
    assert [(peer["dial_peer"], peer["digits"], peer["preference"]) for peer in answer["candidates_out"]] == [
        ("eighties", 2, 2),
        ("eights", 1, 0),
    ]


@pytest.mark.parametrize(("called", "dial_peer_in"), [("1", None), ("8", "numbered")])
def test_route_where_nothing_matches(file: Path, called: str, dial_peer_in: str | None) -> None:
    answer = route(file, called)
    assert answer["dial_peer_in"] == dial_peer_in
    assert [answer[key] for key in ("dial_peers_out", "policy", "rule", "method")] == [None] * 4
    assert (answer["code"], answer["reason_phrase"]) == (404, "Not Found")
    assert "matches" in answer["reason"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--trunk", "clout"), '--trunk: there is no trunk "clout"; did you mean "cloud"?'),
        (("--queue", "Suport:length=1"), '--queue: there is no queue "Suport"; did you mean "Support"?'),
        (
            ("--queue", "Support:lenght=1"),
            '--queue Support: lenght: there is no key "lenght"; did you mean "length"?',
        ),
        (("--queue", "Support:length=-1"), "--queue Support: length: is -1; it must be at least 0"),
        (
            ("--queue", "Support"),
            '--queue "Support": write NAME:KEY=VALUE,KEY=VALUE, such as Support:length=3,agents_available=0',
        ),
        (
            ("--queue", "Support:length"),
            '--queue "Support:length": write NAME:KEY=VALUE,KEY=VALUE, such as Support:length=3,agents_available=0',
        ),
        (("--latch", "full=on"), '--latch: there is no latch "full"; none is defined'),
        (("--latch", "full"), '--latch "full": write NAME=on or NAME=off'),
        (("--team", "Sales:available=1"), "--team: with state.source static there are no teams"),
        (("--header", "X-Level"), '--header "X-Level": write NAME: VALUE, such as X-Level: gold'),
        (
            ("--at", "noon"),
            '--at "noon": write 2026-12-24T18:30, in this machine\'s time, or 2026-12-24T18:30-06:00',
        ),
    ],
)
def test_questions_that_can_not_be_put(file: Path, arguments: tuple[str, ...], error: str) -> None:
    result = edge_router("route", "-c", file, "--calling", "1", "--called", "2", *arguments)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {error}\n")


def test_route_without_a_trunk_is_by_the_first_that_takes_the_call(file: Path) -> None:
    file.write_text(
        file.read_text().replace('incoming: {trunk: carrier, called: "7"}', 'incoming: {trunk: cloud, called: "7"}')
    )
    found = route(file, "7")
    assert (found["trunk"], found["dial_peer_in"], found["other_trunks"]) == ("cloud", "named", ["carrier"])
    found = route(file, "+18005550100")
    assert (found["trunk"], found["dial_peer_in"], found["other_trunks"]) == ("carrier", "front", ["cloud"])
    found = route(file, "7", "--trunk", "carrier")
    assert (found["trunk"], found["dial_peer_in"], found["other_trunks"]) == ("carrier", None, [])


def test_route_where_no_trunk_takes_the_call_is_by_the_first(file: Path) -> None:
    file.write_text(file.read_text().replace('{trunk: carrier, called: "7"}', '{trunk: cloud, called: "7"}'))
    found = route(file, "99")
    assert (found["trunk"], found["dial_peer_in"], found["code"]) == ("carrier", None, 404)


def test_route_may_come_by_any_trunk_where_a_dial_peer_names_none(file: Path) -> None:
    file.write_text(file.read_text().replace('{trunk: carrier, called: "7"}', '{called: "7"}'))
    assert route(file, "7")["other_trunks"] == ["cloud", "premise"]


def test_people_hear_that_no_trunk_was_named(file: Path) -> None:
    routing = build(load(file), lambda: 0.0)
    arrival = arrive(routing, MadeUpCall("1", "7"), ("carrier", "cloud", "premise"), "pstn", 0.0)
    screen = StringIO()
    listeners = {"pstn": UdpListener("pstn", "192.0.2.1", 5060)}
    show(explain(arrival, listeners), Console(file=screen, width=200, soft_wrap=True))
    said = "1 → 7, from trunk carrier on pstn (no trunk was named; there are cloud, premise, too)"
    assert screen.getvalue().splitlines()[0] == f"        call  {said}"


def test_route_where_no_call_can_come_in(file: Path) -> None:
    file.write_text('listen: [{name: a, address: "127.0.0.1:5060"}]\n')
    result = edge_router("route", "-c", file, "--calling", "1", "--called", "7")
    assert (result.exit_code, result.stderr) == (
        2,
        "Error: no dial-peer has incoming: no call can come in by this configuration\n",
    )


def test_route_of_a_faulty_file(file: Path) -> None:
    file.write_text("node: edge-1\n")
    result = edge_router("route", "-c", file, "--calling", "1", "--called", "2")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{file}:1:1: listen: is missing; it is required\n"


def explained(routing: Routing, calling: str, called: str) -> Explanation:
    arrival = arrive(routing, MadeUpCall(calling, called), ("carrier",), "pstn", 0.0)
    return explain(arrival, {"pstn": UdpListener("pstn", "192.0.2.1", 5060)})


def test_what_people_see_of_a_route(file: Path) -> None:
    routing = build(load(file), lambda: 0.0)
    screen = StringIO()
    console = Console(file=screen, width=200, soft_wrap=True)
    show(explained(routing, "+13125550009", "+18005550100"), console)
    assert screen.getvalue().splitlines() == [
        "        call  +13125550009 → +18005550100, from trunk carrier on pstn",
        "dial-peer in  front",
        "        fits  front: 8 digits of the called number, preference 0, a tie: the order in the file decides",
        "              front-too: 8 digits of the called number, preference 0, a tie: the order in the file decides",
        "      policy  door",
        '    not held  full: queue("Support").length = 1',
        '              when queue("Support").length > 5',
        '    not held  friends: call.calling = "+13125550009"',
        '              when call.calling == "+13125550001"',
        '        held  free: queue("Support").agents_available = 3',
        '              when queue("Support").agents_available > 0',
        "    decision  redirect to cloud, then premise",
        '         why  policy "door", rule "free": redirect to cloud, else bridge to premise; read '
        'queue("Support").agents_available = 3; state 0.0 s old',
        "       first  redirect to cloud by trunk cloud",
        "              302 Moved Temporarily",
        "              Contact: <sip:9+18005550100@192.0.2.4:5060>;q=1.0",
        "              Contact: <sip:9+18005550100@192.0.2.5:5070>;q=0.9",
        "              on any failure there: nothing here: the caller's own network has taken the call",
        "        else  bridge to premise by trunk premise (only where cloud is not tried)",
        "              INVITE sip:+18005550100@192.0.2.3:5060",
        "                From: <sip:+13125550009@192.0.2.1:5060>",
        "                To: <sip:+18005550100@192.0.2.3:5060>",
    ]


def test_ties_that_are_left_to_chance(file: Path) -> None:
    another = "  - {name: eights-too, outgoing: {trunk: cloud, called: 8.}}\n"
    file.write_text(file.read_text().replace("policies:\n", f"{another}ties: random\npolicies:\n"))
    routing = build(load(file), lambda: 0.0)
    screen = StringIO()
    show(explained(routing, "+13125550009", "80"), Console(file=screen, width=200, soft_wrap=True))
    lines = {line.strip() for line in screen.getvalue().replace("leads out  ", "").splitlines()}
    assert lines >= {
        "eighties: 2 digits of the called number, preference 2",
        "eights: 1 digits of the called number, preference 0, a tie: chance decides",
        "eights-too: 1 digits of the called number, preference 0, a tie: chance decides",
    }
    inbound = explained(routing, "", "+18005550100").candidates_in
    assert [each.tie for each in inbound] == ["order", "order"]


def test_a_preference_for_calls_that_go_out_breaks_no_tie_of_those_that_come_in(file: Path) -> None:
    plain = 'incoming: {trunk: carrier, called: "+1800555...."}, policy: door}'
    text = file.read_text()
    place = text.index(plain) + len(plain) - 1
    file.write_text(text[:place] + ", outgoing: {trunk: cloud, preference: 4}" + text[place:])
    assert [(each["preference"], each["tie"]) for each in route(file, "+18005550100")["candidates_in"]] == [
        (0, "order"),
        (0, "order"),
    ]


# switch


def test_switch_needs_a_name_with_a_kind(file: Path) -> None:
    result = edge_router("switch", "trunk", "-c", file)
    assert (result.exit_code, result.stderr) == (2, "Error: name which one: edge-router switch trunk NAME [STATE]\n")


def test_switch_where_no_router_can_be_asked(file: Path) -> None:
    result = edge_router("switch", "-c", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: the configuration has no http: a router that runs by it can't be asked\n"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        file.write_text(file.read_text() + f'http: {{address: "127.0.0.1:{port}"}}\n')
        result = edge_router("switch", "trunk", "cloud", "off", "-c", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"Error: no router answers at 127.0.0.1:{port}; start it, or name its file with -c\n"


def test_switches_in_words() -> None:
    kept = {"kind": "trunk", "name": "cloud", "state": "off", "who": "ops", "when": "2026-11-22T19:30:33Z"}
    left = {"kind": "policy", "name": "front-door", "state": "auto", "who": "", "when": None}
    assert shown([left, kept]) == (
        "kind    name        state  by   at\n"
        "policy  front-door  auto\n"
        "trunk   cloud       off    ops  2026-11-22T19:30:33Z"
    )


# The rest


@pytest.mark.parametrize("command", NOT_BUILT)
def test_commands_of_later_versions_say_so(command: str) -> None:
    result = edge_router(command, "anything", "--at", "all")
    assert (result.exit_code, result.stderr) == (2, f"Error: edge-router {command} is not built yet\n")


@pytest.mark.parametrize("arguments", [("chek",), ("check", "--frob"), ("route", "--calling", "1")])
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    result = edge_router(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_it_is_a_module_too(file: Path) -> None:
    command = [sys.executable, "-m", "edge_router", "check", "-c", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"{file}: no faults, no warnings\n")
