"""Digest answers, against the vectors of the RFCs; and challenges of all kinds."""

import hashlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.sip.digest import LONGEST_VALUE, Challenge, Session, parse_challenge, quoted, read_challenges
from edge_router.sip.message import Response, parse

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
MUFASA = f'Digest realm="http-auth@example.org", qop="auth, auth-int", nonce="{NONCE}", opaque="{OPAQUE}"'


def challenge_of(text: str) -> Challenge:
    challenge = parse_challenge(text)
    assert challenge is not None, text
    return challenge


def response_in(line: str) -> str:
    found = re.search(r'response="([0-9a-f]+)"', line)
    assert found, line
    return found[1]


def refusal(*headers: str) -> Response:
    lines = "".join(f"{header}\r\n" for header in headers)
    text = (
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{lines}Content-Length: 0\r\n\r\n"
    )
    message = parse(text.encode())
    assert isinstance(message, Response)
    return message


class TestVectors:
    """What others have reckoned."""

    @pytest.mark.parametrize(
        ("algorithm", "expected"),
        [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ],
    )
    def test_rfc_7616_3_9_1(self, algorithm: str, expected: str) -> None:
        challenge = challenge_of(f"{MUFASA}, algorithm={algorithm}")
        line = Session(challenge, "Mufasa", "Circle of Life", CNONCE).line("GET", "/dir/index.html")
        assert line == (
            'Authorization: Digest username="Mufasa", realm="http-auth@example.org", '
            f'nonce="{NONCE}", uri="/dir/index.html", response="{expected}", algorithm={algorithm}, '
            f'opaque="{OPAQUE}", qop=auth, nc=00000001, cnonce="{CNONCE}"\r\n'
        )

    def test_rfc_2617_3_5(self) -> None:
        challenge = challenge_of(
            'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
            'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        )
        session = Session(challenge, "Mufasa", "Circle Of Life", "0a4f113b")
        assert response_in(session.line("GET", "/dir/index.html")) == "6629fae49393a05397450978507c4ef1"

    def test_rfc_2069_2_4_by_its_erratum(self) -> None:
        challenge = challenge_of('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"')
        line = Session(challenge, "Mufasa", "CircleOfLife").line("GET", "/dir/index.html")
        assert response_in(line) == "1949323746fe6a43ef61f9606e7febea"
        assert "qop" not in line
        assert "cnonce" not in line
        assert "nc=" not in line

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ("", "bf57e4e0d0bffc0fbaedce64d59add5e"),
            (', qop="auth"', "89eb0059246c02b2f6ee02c7961d5ea3"),
            (', qop="auth", algorithm=MD5', "89eb0059246c02b2f6ee02c7961d5ea3"),
            (', qop="auth", algorithm=MD5-sess', "e4e4ea61d186d07a92c9e1f6919902e9"),
        ],
    )
    def test_sip_examples_of_draft_smith_sipping_auth_examples(self, params: str, expected: str) -> None:
        challenge = challenge_of(f'Digest realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"{params}')
        session = Session(challenge, "bob", "zanzibar", "0a4f113b")
        assert response_in(session.line("INVITE", "sip:bob@biloxi.com")) == expected

    def test_sha_256_sess_by_the_formula(self) -> None:
        def h(text: str) -> str:
            return hashlib.sha256(text.encode()).hexdigest()

        key = h(h("Mufasa:http-auth@example.org:Circle of Life") + f":{NONCE}:{CNONCE}")
        expected = h(f"{key}:{NONCE}:00000001:{CNONCE}:auth:" + h("REGISTER:sip:example.org"))
        session = Session(challenge_of(f"{MUFASA}, algorithm=SHA-256-sess"), "Mufasa", "Circle of Life", CNONCE)
        assert response_in(session.line("REGISTER", "sip:example.org")) == expected


class TestAnswering:
    """Counting, quoting, and who is told."""

    def test_each_answer_counts_one_more(self) -> None:
        session = Session(challenge_of(MUFASA), "Mufasa", "Circle of Life")
        lines = [session.line("INVITE", "sip:a@b") for _ in range(17)]
        assert [re.findall(r"nc=(\w+)", line)[0] for line in lines] == [f"{n:08x}" for n in range(1, 18)]
        assert len({response_in(line) for line in lines}) == 17
        assert len({re.findall(r'cnonce="(\w+)"', line)[0] for line in lines}) == 1

    def test_each_session_has_a_cnonce_of_its_own(self) -> None:
        cnonces = {Session(challenge_of(MUFASA), "a", "b").line("GET", "/").rpartition("cnonce=")[2] for _ in range(9)}
        assert len(cnonces) == 9

    def test_a_realm_with_quotes_is_reckoned_with_as_it_was_meant_and_comes_back_as_it_was_written(self) -> None:
        challenge = challenge_of(r'Digest realm="the \"one\" \\ only", nonce="n"')
        assert challenge.realm == r'the "one" \ only'
        line = Session(challenge, 'u"v', "p").line("GET", "/")

        def h(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        assert response_in(line) == h(h(r'u"v:the "one" \ only:p') + ":n:" + h("GET:/"))
        assert r'username="u\"v", realm="the \"one\" \\ only"' in line

    @pytest.mark.parametrize("opaque", ["", "x"])
    def test_opaque_comes_back_though_it_says_nothing(self, opaque: str) -> None:
        """RFC 7616 §3.4: as it was given, and none where there was none."""
        line = Session(challenge_of(f'Digest realm="a", nonce="n", opaque="{opaque}"'), "a", "b").line("GET", "/")
        assert f', opaque="{opaque}"' in line
        assert "opaque" not in Session(challenge_of('Digest realm="a", nonce="n"'), "a", "b").line("GET", "/")

    def test_the_answer_to_a_proxy_is_proxy_authorization(self) -> None:
        challenge = parse_challenge(MUFASA, proxy=True)
        assert challenge is not None
        assert Session(challenge, "a", "b").line("GET", "/").startswith("Proxy-Authorization: Digest ")

    def test_knows_what_was_shown(self) -> None:
        shown = challenge_of('Digest realm="other", nonce="n"')
        lines = "Max-Forwards: 70\r\n" + Session(shown, "a", "b").line("GET", "/")
        renewed = challenge_of('Digest realm="other", nonce="m"')
        assert not challenge_of(MUFASA).realm_in(lines)
        assert (shown.realm_in(lines), shown.nonce_in(lines)) == (True, True)
        assert (renewed.realm_in(lines), renewed.nonce_in(lines)) == (True, False)
        of_proxy = parse_challenge('Digest realm="other", nonce="n"', proxy=True)
        assert of_proxy is not None
        assert not of_proxy.realm_in(lines)

    def test_a_challenge_is_repeated_unless_it_says_stale_or_differs(self) -> None:
        first = challenge_of('Digest realm="a", nonce="n", qop=auth')
        assert first.is_repeated(challenge_of('Digest realm="a", nonce="n", qop="auth,auth-int"'))
        assert not first.is_repeated(challenge_of('Digest realm="a", nonce="n", qop=auth, stale=true'))
        assert not first.is_repeated(challenge_of('Digest realm="a", nonce="m", qop=auth'))
        assert not first.is_repeated(challenge_of('Digest realm="a", nonce="n"'))


class TestReading:
    """What a challenge says."""

    def test_reads_what_it_says(self) -> None:
        challenge = challenge_of(
            'digest\tREALM = "a, b" ,nonce=n0nce,opaque="",stale=TRUE, Algorithm="SHA-256" , qop=auth,domain="sip:a"'
        )
        assert (challenge.realm, challenge.nonce, challenge.opaque) == ("a, b", "n0nce", "")
        assert challenge.stale
        assert challenge.qop
        assert challenge.algorithm == "SHA-256"

    @pytest.mark.parametrize(
        "value",
        [
            'Basic realm="a"',
            "Digest",
            'Digest realm="a"',
            'Digest nonce="a"',
            'Digest realm="a", nonce=""',
            'Digest realm="a", nonce="b", algorithm=SHA-512-256',
            'Digest realm="a", nonce="b", algorithm=whatever',
            'Digest realm="a", nonce="b", qop="auth-int"',
            'Digest realm="a", nonce="b", algorithm=MD5-sess',
            'Digest realm="a", nonce="b", realm="c"',
            'Digest realm="a", nonce="b" opaque="c"',
            'Digest realm="a, nonce="b"',
            'Digest realm="a\x01", nonce="b"',
            f'Digest realm="a", nonce="{"b" * (LONGEST_VALUE + 1)}"',
            f'Digest realm="a", nonce="b", x="{"y" * 9000}"',
        ],
    )
    def test_what_cannot_be_answered_is_none(self, value: str) -> None:
        assert parse_challenge(value) is None

    def test_the_strongest_of_a_realm_is_chosen_and_of_two_alike_the_upper(self) -> None:
        def header(nonce: str, algorithm: str) -> str:
            return f'WWW-Authenticate: Digest realm="r", qop="auth", nonce="{nonce}", algorithm={algorithm}'

        order = ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"]
        headers = [header(algorithm, algorithm) for algorithm in ("SHA-512-256", *order)]
        for most in range(2, 6):
            assert [each.nonce for each in read_challenges(refusal(*headers[:most]))] == [order[most - 2]]
            assert [each.nonce for each in read_challenges(refusal(*headers[:most][::-1]))] == [order[most - 2]]
        assert [each.nonce for each in read_challenges(refusal(header("1", "MD5"), header("2", "md5")))] == ["1"]

    def test_each_realm_and_each_kind_is_answered_for_itself(self) -> None:
        found = read_challenges(
            refusal(
                'WWW-Authenticate: Digest realm="a", nonce="1"',
                'Proxy-Authenticate: Digest realm="a", nonce="2"',
                'Proxy-Authenticate: Digest realm="b", nonce="3"',
            )
        )
        assert [(each.proxy, each.realm) for each in found] == [(False, "a"), (True, "a"), (True, "b")]

    def test_no_more_than_eight_are_read(self) -> None:
        found = read_challenges(refusal(*(f'WWW-Authenticate: Digest realm="{n}", nonce="1"' for n in range(20))))
        assert len(found) == 8


text = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)


@given(text, text.filter(bool), text)
def test_what_is_quoted_is_read_again(realm: str, nonce: str, opaque: str) -> None:
    challenge = challenge_of(f"Digest realm={quoted(realm)}, nonce={quoted(nonce)}, opaque={quoted(opaque)}")
    assert (challenge.realm, challenge.nonce, challenge.opaque) == (realm, nonce, opaque)


@given(st.one_of(st.text(), st.text('Digest realm="nonce=,\\; \t').map(lambda rest: f"Digest {rest}")))
def test_whatever_comes_is_a_challenge_or_none(value: str) -> None:
    challenge: Any = parse_challenge(value)
    if challenge is not None:
        line = Session(challenge, "a", "b").line("INVITE", "sip:a@b")
        assert line.endswith("\r\n")
        assert line.count("\n") == 1


@pytest.mark.parametrize("value", ['"' * 8000, "\\" * 8000, "a=" * 4000, 'a="' + "\\" * 7000, "a" * 8000, "," * 8000])
def test_long_nonsense_is_read_once(value: str) -> None:
    assert parse_challenge(f"Digest {value}") is None
