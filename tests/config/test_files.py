"""Files that a configuration names: seen from its own directory, read at load, faults with their lines."""

import os
from collections.abc import Callable
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


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def link_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


OTHERS: list[tuple[Callable[[Path], None], str]] = [
    (make_pipe, "it is a named pipe; name a file"),
    (link_device, "it is a device; name a file"),
    (Path.mkdir, "it is a directory; name a file"),
]
TABLES = """\
services: {file: secrets/services.csv}
number_lists: {vip: {file: secrets/vip}}
state: {source: peer, peers: ["http://127.0.0.1:1"], peer_token_file: secrets/peer}
"""


@pytest.mark.parametrize(("make", "why"), OTHERS)
def test_what_is_no_file_is_told_of_and_not_waited_for(
    configuration: Path, make: Callable[[Path], None], why: str
) -> None:
    for name in ("tokens", "services.csv", "vip"):
        make(configuration.parent / "secrets" / name)
    configuration.write_text(HEAD + TABLES.replace("state:", "# state:"))
    assert faults(configuration) == [
        f'5:18: services.file: "secrets/services.csv" can\'t be read: {why}',
        f'6:28: number_lists.vip.file: "secrets/vip" can\'t be read: {why}',
    ]
    configuration.write_text(HEAD)
    assert faults(configuration) == [f'4:16: http.tokens_file: "secrets/tokens" can\'t be read: {why}']


@pytest.mark.parametrize(("make", "why"), OTHERS)
def test_a_secret_that_is_no_file(configuration: Path, make: Callable[[Path], None], why: str) -> None:
    make(configuration.parent / "secrets/peer")
    configuration.write_text("\n".join([HEAD.splitlines()[0], TABLES.splitlines()[2], ""]))
    (fault,) = faults(configuration)
    assert fault.endswith(f"secrets/peer: can't be read: {why}")


@pytest.mark.parametrize(("make", "why"), OTHERS)
def test_a_configuration_that_is_no_file(tmp_path: Path, make: Callable[[Path], None], why: str) -> None:
    path = tmp_path / "edge-router.yaml"
    make(path)
    assert [str(fault) for fault in examine(path).faults] == [f"{path}:1:1: the file can't be read: {why}"]


def test_reading_leaves_no_file_open(configuration: Path) -> None:
    os.mkfifo(configuration.parent / "secrets/tokens")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        faults(configuration)
    assert len(os.listdir("/proc/self/fd")) == before


OF_SERVICES = """\
listen: [{name: pstn, address: "127.0.0.1:5060"}]
trunks: {carrier: {sources: [192.0.2.1]}, premise: {targets: ["sip:192.0.2.3"]}}
dial_peers: [{name: in, incoming: {trunk: carrier}, policy: front-door}, {name: premise, outgoing: {trunk: premise}}]
policies: {front-door: {rules: [], otherwise: {to: premise}}}
hours: {support: {timezone: America/Chicago, open: {mon-fri: ["08:00-18:00"]}}}
services: {file: services.csv}
"""
ROWS = """\
called,policy,queue,hours
+18005550100,front-door,Support,support
+18005550101,front-dor,,
+18005550102,,Suport,
+18005550103,,q-1,suport
"""


def of_services(configuration: Path, state: str) -> list[str]:
    configuration.with_name("services.csv").write_text(ROWS)
    configuration.write_text(OF_SERVICES + state)
    return [fault.partition("services.file: ")[2] for fault in faults(configuration)]


def test_names_in_the_table_of_services_are_looked_up(configuration: Path) -> None:
    assert of_services(configuration, "state: {queues: {Support: {id: q-1}}}\n") == [
        '"services.csv" line 3, policy: there is no policy "front-dor"; did you mean "front-door"?',
        '"services.csv" line 4, queue: there is no queue "Suport"; did you mean "Support"?',
        '"services.csv" line 5, hours: there is no hours "suport"; did you mean "support"?',
    ]


def of_policies(configuration: Path, policies: str) -> list[str]:
    """What is said of a table with these policies, one a row from line 2 on, and "" for the right one."""
    rows = [f"+180055501{row:03},{policy or 'front-door'}" for row, policy in enumerate(policies.split(","))]
    configuration.with_name("services.csv").write_text("\n".join(["called,policy", *rows]))
    configuration.write_text(OF_SERVICES)
    return [fault.partition("services.file: ")[2] for fault in faults(configuration)]


def test_faults_of_a_table_are_told_in_the_order_of_its_lines(configuration: Path) -> None:
    told = of_policies(configuration, ",a,,,,,,,,,b" + "," * 90 + ",c")
    assert [each.split(",")[0] for each in told] == [f'"services.csv" line {line}' for line in (3, 12, 103)]


def test_of_many_faults_of_a_file_the_first_are_told_and_how_many_more_there_are(configuration: Path) -> None:
    assert len(of_policies(configuration, ",".join("x" * 20))) == 20
    told = of_policies(configuration, ",".join("x" * 23))
    assert told[19].startswith('"services.csv" line 21, policy: there is no policy "x"')
    assert told[20:] == ['"services.csv" line 24: and 3 more up to here; put these right first']
    vip = configuration.with_name("vip")
    vip.write_text("what\n" * 21)
    configuration.write_text(HEAD.splitlines()[0] + "\nnumber_lists: {vip: {file: vip}}\n")
    assert faults(configuration)[20].endswith('"vip" line 21: and 1 more up to here; put these right first')


def test_queues_there_are_looked_up_later_where_the_contact_centre_says_which_it_has(configuration: Path) -> None:
    told = of_services(configuration, 'state: {source: peer, peers: ["http://127.0.0.1:1"]}\n')
    assert [each.split(": ")[0] for each in told] == ['"services.csv" line 3, policy', '"services.csv" line 5, hours']
