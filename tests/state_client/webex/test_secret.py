import base64
import html
import json
import os
import pickle
import stat
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from state_client.webex.secret import LARGEST, Secret, SecretError, SecretFile, hide, keepable

TEXT = "s3cret-of-ours"


def test_a_secret_shows_nowhere() -> None:
    secret = Secret(TEXT)
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!r}",
        "".join(map(str, [secret])),
        repr([secret]),
        repr({"a": secret}),
    ]
    assert all(TEXT not in text for text in shown)
    assert secret.reveal() == TEXT
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT
    assert not Secret("")


def test_a_file_is_read_without_the_white_space_around_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"  {TEXT}\r\n\n")
    assert SecretFile(tmp_path / "secret").read() == Secret(TEXT)


def test_an_environment_variable_is_read_and_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_SECRET", TEXT)
    file = SecretFile("env:OUR_SECRET")
    assert file.read() == Secret(TEXT)
    with pytest.raises(SecretError, match="env:OUR_SECRET: comes from the environment"):
        file.write(Secret("new"))
    assert os.environ["OUR_SECRET"] == TEXT


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "there is no secret"),
        (b" \n ", "there is no secret"),
        (b"two\nlines", "one line of printable ASCII"),
        ("schlüssel".encode(), "one line of printable ASCII"),
        (b"\xff\xfe", "one line of printable ASCII"),
        (b"x" * (LARGEST + 1), "larger than"),
    ],
)
def test_what_is_no_secret_is_refused_in_words_that_do_not_hold_it(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SecretError, match=why) as caught:
        SecretFile(tmp_path / "secret").read()
    assert "lines" not in str(caught.value).replace("one line", "")
    assert str(tmp_path / "secret") in str(caught.value)


def test_a_missing_file_and_a_missing_variable_are_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="secret: can't be read: No such file"):
        SecretFile(tmp_path / "secret").read()
    with pytest.raises(SecretError, match="env:NOT_THERE: there is no secret"):
        SecretFile("env:NOT_THERE").read()


def test_a_new_secret_replaces_the_old_and_only_we_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("old")
    path.chmod(0o644)
    SecretFile(path).write(Secret(TEXT))
    assert path.read_text() == TEXT + "\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "secret").write_text("old")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "kept" / "secret")
    SecretFile(link).write(Secret(TEXT))
    assert link.is_symlink()
    assert (tmp_path / "kept" / "secret").read_text() == TEXT + "\n"


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "secret"
    folder.mkdir()
    (folder / "inside").write_text("old")
    with pytest.raises(SecretError, match="secret: can't be written: "):
        SecretFile(folder).write(Secret(TEXT))
    assert (folder / "inside").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]
    with pytest.raises(SecretError, match="nowhere/secret: can't be written: No such file"):
        SecretFile(tmp_path / "nowhere" / "secret").write(Secret(TEXT))


def test_words_that_hold_secrets_lose_them() -> None:
    assert hide(f"bad token {TEXT}, {TEXT}", Secret(TEXT), None, Secret("")) == "bad token ***, ***"


ODD = 'se+cr/et ="&<%y~\\secret'


@pytest.mark.parametrize(
    "form",
    [
        ODD,
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        quote_plus(ODD).lower(),
        json.dumps(ODD),
        html.escape(ODD),
        ODD.encode().hex(),
        *(base64.b64encode(bytes(before) + ODD.encode() + b"after").decode() for before in range(4)),
        *(base64.urlsafe_b64encode(bytes(before) + ODD.encode()).decode() for before in range(4)),
    ],
)
def test_words_lose_secrets_in_any_form(form: str) -> None:
    found = hide(f"bad {form}!", Secret(ODD))
    assert "***" in found
    assert len(found) < 25


def test_words_keep_what_only_looks_like_a_short_secret() -> None:
    assert hide("Connection refused", Secret("xy")) == "Connection refused"


@pytest.mark.parametrize("text", ["", " ", "a b ", "two\nlines", "snow\u2603", "nul\0", "x" * LARGEST])
def test_what_could_not_be_read_again_is_not_to_be_kept(text: str, tmp_path: Path) -> None:
    assert not keepable(Secret(text))
    assert keepable(Secret("x" * (LARGEST - 1)))
    SecretFile(tmp_path / "secret").write(Secret("x" * (LARGEST - 1)))
    assert SecretFile(tmp_path / "secret").read() == Secret("x" * (LARGEST - 1))
