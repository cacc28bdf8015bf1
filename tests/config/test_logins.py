"""User names, passwords and registrations of trunks: what is right, what isn't, and that no password is shown."""

from pathlib import Path

import pytest

from edge_router.config.build import build
from edge_router.config.faults import Kind
from edge_router.config.loading import Examined, examine
from edge_router.dialplan.trunk import Login, Register
from tests.config.wrong import LISTEN, Wrong, assert_only_fault

PASSWORD = "correct horse"
TRUNK = 'trunks: {a: {targets: ["sip:192.0.2.4"], %s}}'
REGISTER = "register: {registrar: %s, aor: %s}"

CASES = [
    Wrong(
        "a name without a password",
        Kind.CONFLICT,
        LISTEN + TRUNK % "username: edge",
        "2:42: trunks.a.username: goes with password_file, which this trunk has not; add it",
    ),
    Wrong(
        "a password without a name",
        Kind.CONFLICT,
        LISTEN + TRUNK % "password_file: env:HOME",
        "2:42: trunks.a.password_file: goes with username, which this trunk has not; add it",
    ),
    Wrong(
        "a realm of nobody",
        Kind.CONFLICT,
        LISTEN + TRUNK % "realm: example.com",
        "2:42: trunks.a.realm: goes with username, which this trunk has not; add it",
    ),
    Wrong(
        "a password that isn't there",
        Kind.CONFLICT,
        LISTEN + TRUNK % "username: edge, password_file: env:NOBODY_HAS_SET_THIS",
        "2:73: trunks.a.password_file: env:NOBODY_HAS_SET_THIS: there is no secret in it",
    ),
    Wrong(
        "an address of record without a user",
        Kind.VALUE,
        LISTEN + TRUNK % (REGISTER % ("sip:192.0.2.5", "sip:example.com")),
        '2:84: trunks.a.register.aor: "sip:example.com" is no address of record: it is sip:user@host and no more',
    ),
    Wrong(
        "a registrar that is us",
        Kind.CONFLICT,
        LISTEN + TRUNK % (REGISTER % ('"sip:127.0.0.10:5060"', "sip:a@b.example")),
        "2:64: trunks.a.register.registrar: 127.0.0.10:5060 is our own listener: a call would come back; give the "
        "peer's address",
    ),
    Wrong(
        "a registrar that no listener reaches",
        Kind.CONFLICT,
        LISTEN + TRUNK % (REGISTER % ('"sip:192.0.2.5;transport=tcp"', "sip:a@b.example")),
        "2:64: trunks.a.register.registrar: goes by tcp, and no listener speaks that; add one with transport: tcp",
    ),
    Wrong(
        "a user that is none",
        Kind.VALUE,
        LISTEN + TRUNK % "register: {registrar: sip:192.0.2.5, aor: sip:a@b.example, contact_user: a@b}",
        '2:115: trunks.a.register.contact_user: "a@b" can\'t stand before the @ of a SIP URI',
    ),
    Wrong(
        "renewed without end",
        Kind.VALUE,
        LISTEN + TRUNK % "register: {registrar: sip:192.0.2.5, aor: sip:a@b.example, expires: 9s}",
        "2:110: trunks.a.register.expires: is 9 s; write ten seconds or more, it is renewed at half of it",
    ),
    Wrong(
        "a key that is none",
        Kind.UNKNOWN_KEY,
        LISTEN + TRUNK % "registers: {registrar: sip:192.0.2.5, aor: sip:a@b.example}",
        '2:42: trunks.a.registers: there is no key "registers"; did you mean "register"?',
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_the_fault_is_found_and_no_other(case: Wrong) -> None:
    assert_only_fault(case)


def examined(folder: Path, mode: int = 0o600) -> Examined:
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n")
    password.chmod(mode)
    file = folder / "edge.yaml"
    login = "username: edge, password_file: password, realm: example.com"
    file.write_text(LISTEN + TRUNK % f"{login}, {REGISTER % ('sip:reg.example.com', 'sip:line1@example.com')}")
    return examine(file)


def test_what_is_right_becomes_a_trunk(tmp_path: Path) -> None:
    found = examined(tmp_path)
    assert [str(each) for each in (*found.faults, *found.warnings)] == []
    assert found.config is not None
    trunk = build(found.config, lambda: 0.0, tables=found.tables).trunks["a"].trunk
    login, register = trunk.login, trunk.register
    assert isinstance(login, Login)
    assert (login.username, login.password.reveal(), login.realm) == ("edge", PASSWORD, "example.com")
    assert isinstance(register, Register)
    assert (register.aor, register.contact_user, register.expires) == ("sip:line1@example.com", "line1", 300)
    assert register.registrar.named == "reg.example.com"
    assert PASSWORD not in repr((trunk, found))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o604, True), (0o644, True)])
def test_a_password_that_everybody_can_read_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:
    warnings = [str(each).partition("edge.yaml:")[2] for each in examined(tmp_path, mode).warnings]
    expected = (
        '2:73: trunks.a.password_file: warning: "password" can be read by everybody on this machine; chmod 600 takes '
        "that away"
    )
    assert warnings == ([expected] if warned else [])


def test_who_only_asks_needs_no_password(tmp_path: Path) -> None:
    examined(tmp_path)
    (tmp_path / "password").unlink()
    found = examine(tmp_path / "edge.yaml", files=False)
    assert found.config is not None
    trunk = build(found.config, lambda: 0.0, tables=found.tables).trunks["a"]
    assert trunk.credentials is None
    assert trunk.up
