import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge_router.sip.uri import BadUri, SipUri, TelUri, UnsupportedScheme, escape_user, host_port, parse_uri


def sip(text: str) -> SipUri:
    uri = parse_uri(text)
    assert isinstance(uri, SipUri)
    return uri


def tel(text: str) -> TelUri:
    uri = parse_uri(text)
    assert isinstance(uri, TelUri)
    return uri


def test_the_plain_case() -> None:
    uri = sip("sip:+18005551234@127.0.0.1:5060;user=phone")
    assert (uri.scheme, uri.user, uri.password, uri.host, uri.port) == (
        "sip",
        "+18005551234",
        None,
        "127.0.0.1",
        5060,
    )
    assert uri.params == {"user": "phone"}
    assert uri.headers == ""
    assert uri.host_port == "127.0.0.1:5060"


def test_a_host_alone() -> None:
    uri = sip("sip:example.com")
    assert (uri.user, uri.host, uri.port, uri.params, uri.headers) == (None, "example.com", None, {}, "")


def test_every_part_at_once() -> None:
    uri = sip("sips:alice;ext=1:secret@Example.COM:5061;transport=TCP;LR?Subject=a%20b&Priority=urgent")
    assert (uri.scheme, uri.user, uri.password) == ("sips", "alice;ext=1", "secret")
    assert (uri.host, uri.port) == ("example.com", 5061)
    assert uri.params == {"transport": "TCP", "lr": ""}
    assert uri.headers == "Subject=a%20b&Priority=urgent"


def test_number_parameters_stay_in_the_user_part() -> None:
    assert sip("sip:+15551234;npdi;rn=+15550000@h;user=phone").user == "+15551234;npdi;rn=+15550000"


def test_scheme_is_read_without_case() -> None:
    assert sip("SIP:h").scheme == "sip"
    assert sip("SipS:h").scheme == "sips"
    assert tel("TEL:+1").user == "+1"


def test_an_empty_password_is_one() -> None:
    assert sip("sip:alice:@h").password == ""


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("sip:[2001:db8::10]", "2001:db8::10", None),
        ("sip:[2001:db8::10]:5070", "2001:db8::10", 5070),
        ("sip:[2001:db8::10:5070]", "2001:db8::10:5070", None),
        ("sip:a@[2001:0DB8:0::1];lr", "2001:db8::1", None),
        ("sip:[::ffff:192.0.2.2]", "::ffff:c000:202", None),
        ("sip:[2001:db8:::192.0.2.1]", "2001:db8::c000:201", None),  # RFC 5118 §4.10
        ("sip:example.com.", "example.com.", None),
        ("sip:a1-b.c_d.example", "a1-b.c_d.example", None),
        ("sip:1a.example1", "1a.example1", None),
        ("sip:h:1", "h", 1),
        ("sip:h:65535", "h", 65535),
        ("sip:h:05060", "h", 5060),
    ],
)
def test_hosts_and_ports(text: str, host: str, port: int | None) -> None:
    uri = sip(text)
    assert (uri.host, uri.port) == (host, port)
    assert sip(f"sip:{uri.host_port}").host == uri.host


def test_escaped_parameter_names_are_read_but_values_stay() -> None:
    # RFC 4475 §3.1.1.3: %6C%72 is lr, and value%25%34%31 is value%41, never valueA.
    uri = sip("sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31")
    assert uri.user == "cal%6Cer"
    assert uri.params == {"lr": "", "name": "v%61lue%25%34%31"}


def test_an_escaped_delimiter_never_gets_into_a_parameter_name() -> None:
    assert list(sip("sip:h;a%3Bb%0D%0Ac%00%E9=1").params) == ["a%3bb%0d%0ac%00%e9"]


def test_service_codes_with_a_bare_hash() -> None:
    assert sip("sip:*21#@h").user == "*21#"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip",
        "sip:",
        "sip:@h",
        "sip:alice@",
        "sip:alice@@h",
        "sip:a@b@c",
        "sip::secret@h",
        "sip:al ice@h",
        "sip:alice@h ",
        " sip:alice@h",
        "sip:alice@h; lr",
        "sip:alice@h;",
        "sip:alice@h;;lr",
        "sip:alice@h;=x",
        "sip:alice@h;x=",
        "sip:alice@h;x=a=b",
        "sip:alice@h;lr;LR",
        "sip:alice@h;lr;%6Cr",
        "sip:alice@h?",
        "sip:alice@h?a=b c",
        "sip:alice@h?a=%0",
        "<sip:alice@h>",
        "sip:<alice@h",
        "sip:al\rice@h",
        "sip:alice@h\r\nX: y",
        "sip:alice@h;x=\n",
        "sip:al\0ice@h",
        "sip:al\tice@h",
        "sip:al\x7fice@h",
        "sip:al\xe9ice@h",
        "sip:al\udce9ice@h",
        'sip:"alice"@h',
        "sip:al%ice@h",
        "sip:alice%4@h",
        "sip:alice%4g@h",
        "sip:alice:pass%@h",
        "sip:alice:pa;ss@h",
        "sip:alice@h;x=%zz",
        "sip:h:",
        "sip:h:0",
        "sip:h:65536",
        "sip:h:5060x",
        "sip:h:+506",
        "sip:h:-1",
        "sip:h:5_0",
        "sip:h:000005060",
        "sip:h:\u0665\u0660\u0666\u0660",
        "sip:h:5060:5061",
        "sip:2001:db8::10",
        "sip:[2001:db8::10",
        "sip:2001:db8::10]",
        "sip:[2001:db8::10]5060",
        "sip:[2001:db8::10]:",
        "sip:[]",
        "sip:[1.2.3.4]",
        "sip:[fe80::1%eth0]",
        "sip:[fe80::1%25eth0]",
        "sip:[2001:db8:::10]",
        "sip:[2001::db8:::192.0.2.1]",
        "sip:.",
        "sip:..",
        "sip:a..b",
        "sip:.example.com",
        "sip:-a.example.com",
        "sip:a-.example.com",
        "sip:exa mple.com",
        "sip:exa/mple.com",
        "sip:1.2.3",
        "sip:1.2.3.4.5",
        "sip:1.2.3.256",
        "sip:01.2.3.4",
        "sip:host.1",
        "sip:" + "a" * 64 + ".example.com",
        "sip:" + "a." * 128 + "com",
        "tel:",
        "tel:+",
        "tel:()",
        "tel:+1+2",
        "tel:1+2",
        "tel:+1a",
        "tel:+1*2",
        "tel:alice",
        "tel:+1;",
        "tel:+1;x=",
        "tel:+1 2",
        "tel:+1@h",
        ":x",
        "1x:y",
        "a b:c",
        "http:",
        "http:a b",
        "http:\r\n",
    ],
)
def test_what_is_no_uri(text: str) -> None:
    with pytest.raises(BadUri) as caught:
        parse_uri(text)
    assert not isinstance(caught.value, UnsupportedScheme)
    assert str(caught.value).isprintable()
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("soap.beep://192.0.2.103:3002", "soap.beep"),
        ("nobodyKnowsThisScheme:totallyopaquecontent", "nobodyknowsthisscheme"),
        ("http://www.example.com", "http"),
        ("urn:service:sos", "urn"),
    ],
)
def test_other_schemes_are_told_from_malformed_ones(text: str, scheme: str) -> None:
    with pytest.raises(UnsupportedScheme) as caught:
        parse_uri(text)
    assert caught.value.scheme == scheme


def test_errors_quote_little_of_a_long_text() -> None:
    with pytest.raises(BadUri) as caught:
        parse_uri("sip:" + "<" * 100_000 + "@h")
    assert len(str(caught.value)) < 200


def test_tel() -> None:
    uri = tel("tel:+1-(800)-555.1234;ext=7;isub=%31")
    assert uri.user == "+1-(800)-555.1234"
    assert uri.params == {"ext": "7", "isub": "%31"}
    assert tel("tel:7042;phone-context=example.com").params == {"phone-context": "example.com"}
    assert tel("tel:*#06#").user == "*#06#"
    assert tel("tel:911").params == {}


def test_build_puts_parts_together() -> None:
    assert str(SipUri.build("h")) == "sip:h"
    assert str(SipUri.build("2001:db8::1", 5061, "+1", {"user": "phone", "lr": ""}, "sips")) == (
        "sips:+1@[2001:db8::1]:5061;user=phone;lr"
    )
    there = sip("sip:+1;npdi@h:5;user=phone")
    assert str(SipUri.build("other", 6, there.user, there.params)) == "sip:+1;npdi@other:6;user=phone"


@pytest.mark.parametrize(
    ("host", "user", "params"),
    [
        ("h\r\nX: y", None, {}),
        ("h;lr", None, {}),
        ("h?a=b", None, {}),
        ("h>", None, {}),
        ("other@h", "alice", {}),
        ("other@h", None, {}),
        ("h", "alice@evil", {}),
        ("h", "alice:secret", {}),
        ("h", "al\nice", {}),
        ("h", "", {}),
        ("h", "alice", {"x": "1;lr"}),
        ("h", "alice", {"x": "1?a=b"}),
        ("h", "alice", {"x;lr": ""}),
        ("h", "alice", {"x": "\r\n"}),
    ],
)
def test_build_lets_no_part_break_out(host: str, user: str | None, params: dict[str, str]) -> None:
    with pytest.raises(BadUri):
        SipUri.build(host, None, user, params)


def test_build_makes_no_tel_uri() -> None:
    with pytest.raises(BadUri):
        SipUri.build("911", scheme="tel")


@pytest.mark.parametrize("port", [0, -1, 65_536])
def test_build_checks_the_port(port: int) -> None:
    with pytest.raises(BadUri):
        SipUri.build("h", port)


def test_host_port() -> None:
    assert host_port("example.com") == "example.com"
    assert host_port("::1", 5060) == "[::1]:5060"


@given(st.text())
@example("a%41@b c\r\n<>\udc80")
@example("%")
def test_any_text_can_be_escaped_into_a_user_part(text: str) -> None:
    escaped = escape_user(text)
    if text:
        assert sip(f"sip:{escaped}@h").user == escaped
    assert escape_user(escaped) == escaped


def test_escape_user_leaves_alone_what_is_good() -> None:
    assert escape_user("+1;npdi=a%20b") == "+1;npdi=a%20b"
    assert escape_user("a b@c%") == "a%20b%40c%25"
    assert escape_user("+1;isub=a%20b:[c]") == "+1;isub=a%20b%3A%5Bc%5D"


USER = st.text("abcXYZ019-_.!~*'()&=+$,;?/#", min_size=1)
NAME = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._", min_size=1, max_size=8)
VALUE = st.text("abcXYZ019-_.!~*'()[]/:&+$", max_size=8)
LABEL = st.text("abcxyz019", min_size=1, max_size=8)
HOST = st.one_of(
    st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"])),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)


@given(
    host=HOST,
    port=st.one_of(st.none(), st.integers(1, 65535)),
    user=st.one_of(st.none(), USER),
    params=st.dictionaries(NAME, VALUE, max_size=4),
    scheme=st.sampled_from(["sip", "sips"]),
)
def test_what_is_built_reads_back(
    host: str, port: int | None, user: str | None, params: dict[str, str], scheme: str
) -> None:
    uri = SipUri.build(host, port, user, params, scheme)
    assert (uri.scheme, uri.user, uri.port, uri.params) == (scheme, user, port, params)
    assert str(sip(str(uri))) == str(uri)


PIECES = st.sampled_from(
    ["sip:", "sips:", "tel:", "+1800", "alice", "@", ":", ";", "=", "?", "&", "%41", "%", "[", "]", "::1", "h.example",
     "127.0.0.1", "5060", "lr", "<", ">", " ", "\r\n", "\0", "\xe9", "#", '"', "."]
)  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), st.text()))
def test_any_text_comes_back_as_it_was_or_is_refused(text: str) -> None:
    try:
        uri = parse_uri(text)
    except BadUri:
        return
    assert str(uri) == text
    assert text.isprintable()
    assert not set(text) & set(' <>"')
