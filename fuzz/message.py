"""What must hold of any octets taken for a message, and of each value in it that the router reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from edge_router.b2bua.call.session_terms import too_brief
from edge_router.b2bua.messages import screening
from edge_router.b2bua.messages.causes import cause_of
from edge_router.b2bua.messages.diversion import redirected
from edge_router.b2bua.messages.identity import (
    LONGEST_VALUE,
    addressed,
    hides_history,
    lasting_params,
    privacy_left,
    read_party,
    rehost,
    uri_at,
    without_private,
)
from edge_router.b2bua.messages.user_data import beside_ours
from edge_router.b2bua.set_up.redirection import MOST_TRIED, contacts_of
from edge_router.b2bua.set_up.refer import sipfrag_status
from edge_router.dialplan.trunk import Trunk
from edge_router.sip.dialog import contact_uri, route_set
from edge_router.sip.digest import quoted, read_challenges
from edge_router.sip.errors import BadMessage
from edge_router.sip.headers import (
    branch_of,
    first_of,
    param,
    parse_cseq,
    parse_name_addr,
    parse_rack,
    parse_small_number,
    parse_via,
    split_list,
    tag_of,
)
from edge_router.sip.message import DEFAULT_LIMITS, Limits, Message, Request, Response, parse
from edge_router.sip.refer_to import parse_replaces, refer_to_of, replaces_of
from edge_router.sip.remember import forget_readings
from edge_router.sip.sdp import find_sdp
from edge_router.sip.session_expires import LONGEST, min_se, session_expires
from edge_router.sip.session_id import session_id_of
from edge_router.sip.stateless import stateless_answer
from edge_router.sip.transaction_layer import response_vias
from edge_router.sip.uri import SipUri, parse_uri

# A header may leave under a longer name than it came by, and Content-Length is added.
WIDER: Final = Limits(head=1_000_000, body=1_000_000, uri=100_000, headers=10_000)
# So small that a fuzzer gets there.
_NARROW: Final = Limits(head=1_000, body=200, uri=100, headers=12)
_SOURCE: Final = ("192.0.2.1", 5061)
_OURS: Final = "203.0.113.9:5070"
# All that a trunk may say of reliable provisional responses.
_TRUNKS: Final = [Trunk("t", rel1xx=each) for each in ("supported", "require", "disabled")]
_BREAKS: Final = frozenset("\r\n")
_INVITE: Final = Request("INVITE", "sip:100@h")
"""One that was redirected, of a caller who keeps the history of his calls."""
_INVITE.fields = [("supported", "histinfo"), ("diversion", "<sip:a@h>")]
_INVITE.first = dict(_INVITE.fields)


def check_message(data: bytes) -> bool:
    """Whether it could be read; raises AssertionError where something doesn't hold."""
    forget_readings()
    within = _read(data, _NARROW)
    if isinstance(within, BadMessage):
        _check_fault(within)
    forget_readings()
    cold, warm = _read(data), _read(data)
    assert _same(cold, warm), "what was read lately reads otherwise"
    if isinstance(cold, BadMessage):
        _check_fault(cold)
        return False
    written = cold.serialise()
    again = parse(written, WIDER)
    assert again == cold, "what is written reads otherwise"
    assert again.serialise() == written
    check_headers(cold)
    return True


def _read(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response | BadMessage:
    try:
        return parse(data, limits)
    except BadMessage as fault:
        return fault


def _same(one: Message | BadMessage, other: Message | BadMessage) -> bool:
    if isinstance(one, BadMessage) or isinstance(other, BadMessage):
        return str(one) == str(other) and isinstance(one, BadMessage) and isinstance(other, BadMessage)
    return one == other


def _check_fault(fault: BadMessage) -> None:
    assert 400 <= fault.code <= 699
    assert fault.why.isprintable()
    if fault.message is None:
        return
    assert not any(_BREAKS & set(value) for _, value in fault.message.fields)
    check_headers(fault.message)
    if isinstance(fault.message, Request):
        answer = stateless_answer(fault.message, _SOURCE, fault.code, fault.why)
        if answer is not None:
            assert isinstance(parse(answer[0], WIDER), Response)


def check_headers(message: Message) -> None:
    """Reads every header of a message by every reader that there is."""
    for key, value in message.fields:
        for check in _CHECKS:
            with suppress(BadMessage):
                check(key, value)
    for read in _READERS:
        with suppress(BadMessage):
            read(message)
    if isinstance(message, Request):
        for of_request in _READERS_OF_REQUESTS:
            with suppress(BadMessage, KeyError):
                of_request(message)


# ------------------------------------------------------------------------------- one value


@contextmanager
def _ours() -> Iterator[None]:
    """What we have written is read here: where it can't be, that is no fault of a stranger."""
    try:
        yield
    except BadMessage as fault:
        raise AssertionError(f"what is written can't be read: {fault}") from fault


def _check_list(_: str, value: str) -> None:
    entries = split_list(value)
    assert first_of(value) == entries[0].strip(" \t")
    assert split_list(", ".join(entries)) == entries


def _check_via(_: str, value: str) -> None:
    branch = branch_of(value)
    via = parse_via(value)
    assert via.branch == branch
    with _ours():
        again = parse_via(f"SIP/2.0/{via.transport} {via.sent_by}" + ";rport" * via.rport)
    assert (again.transport, again.sent_by, again.host, again.port, again.rport) == (
        via.transport, via.sent_by, via.host, via.port, via.rport
    )  # fmt: skip


def _check_name_addr(key: str, value: str) -> None:
    tag_of(value)
    display, uri, params = parse_name_addr(value, key)
    with _ours():
        assert parse_name_addr(f"{display} <{uri}>{params}".strip(" "), key) == (display, uri, params)
    if '"' not in params and params.lower().count("tag") == 1:
        assert tag_of(value) == (param(params, "tag") or "")


def _check_party(key: str, value: str) -> None:
    party = read_party(value, key)
    text = addressed(party, _OURS)
    with _ours():
        display, uri, params = parse_name_addr(text, key)
    read = parse_uri(uri)
    assert (display, params) == (party.display, "")
    assert isinstance(read, SipUri)
    assert read.host_port in (_OURS, "anonymous.invalid")


def _check_rehosted(key: str, value: str) -> None:
    text = rehost(value, _OURS, key)
    if len(text) <= LONGEST_VALUE:
        with _ours():
            assert rehost(text, _OURS, key) == text
    assert len(split_list(text)) == len(split_list(value))


def _check_cseq(_: str, value: str) -> None:
    number, method = parse_cseq(value)
    with _ours():
        assert parse_cseq(f"{number} {method}") == (number, method)
    assert int(value.split(None, 1)[0]) == number  # as dialog.py reads what has been checked


def _check_rack(_: str, value: str) -> None:
    number, (cseq, method) = parse_rack(value)
    with _ours():
        assert parse_rack(f"{number} {cseq} {method}") == (number, (cseq, method))


def _check_replaces(_: str, value: str) -> None:
    read = parse_replaces(value)
    with _ours():
        again = parse_replaces(
            f"{read.call_id};to-tag={read.to_tag};from-tag={read.from_tag}" + ";early-only" * read.early_only
        )
    assert again == read


def _check_numbers(key: str, value: str) -> None:
    assert 0 <= parse_small_number(value, key, 70, 255) <= 255


def _check_words(_: str, value: str) -> None:
    beside_ours([value])
    hides_history([value])
    privacy_left(privacy_left(value, True), False)
    kept = without_private(value)
    assert without_private(kept) == kept


_CHECKS: Final[tuple[Callable[[str, str], None], ...]] = (
    _check_list, _check_via, _check_name_addr, _check_party, _check_rehosted, _check_cseq, _check_rack, _check_replaces,
    _check_numbers, _check_words,
)  # fmt: skip


# ------------------------------------------------------------------------------- a whole message


def _check_routes(message: Message) -> None:
    routes = route_set(message)
    with _ours():
        for route in routes:
            assert isinstance(parse_uri(parse_name_addr(route, "Route")[1]), SipUri)


def _check_contact(message: Message) -> None:
    assert isinstance(parse_uri(contact_uri(message)), SipUri)


def _check_sdp(message: Message) -> None:
    found = find_sdp(message.first.get("content-type"), message.body)
    assert found is None or 0 <= found[0] <= found[1] <= len(message.body)


def _check_response_vias(request: Request) -> None:
    via = parse_via(request.first["via"])
    lines = response_vias(request, via, _SOURCE)
    with _ours():
        answer = parse(f"SIP/2.0 200 OK\r\n{lines}\r\n".encode("utf-8", "surrogateescape"), WIDER)
        top = parse_via(answer.first["via"])
    assert len(answer.fields) == len(request.all("via"))
    assert (top.transport, top.sent_by, top.branch) == (via.transport, via.sent_by, via.branch)


def _taken_for_response(message: Message, code: int) -> Response:
    response = Response(code, "Words")
    response.fields, response.first = message.fields, message.first
    return response


def _check_session(message: Message) -> None:
    said = session_expires(message)
    assert said is None or (0 <= said.interval <= LONGEST and said.refresher in ("", "uac", "uas"))
    assert min_se(message) >= 90


def _check_redirection(message: Message) -> None:
    """As the 3xx to a usual INVITE: what is made of its Contacts and its Diversion can be read."""
    response = _taken_for_response(message, 302)
    contacts = contacts_of(response)
    assert len(contacts) <= MOST_TRIED
    with _ours():
        for number, uri in enumerate(contacts, 1):
            text = uri_at(uri.user or "100", _OURS) + lasting_params(uri) if isinstance(uri, SipUri) else str(uri)
            invite = redirected(_INVITE, text, "100", _OURS, response, number)
            assert parse(invite.serialise(), WIDER) == invite


def _check_challenges(message: Message) -> None:
    for each in read_challenges(_taken_for_response(message, 401)):
        assert not _BREAKS & set(quoted(each.realm) + quoted(each.nonce))


def _check_refer_to(request: Request) -> None:
    found = refer_to_of(request)
    assert not _BREAKS & set(found.text + found.replaces)


def _check_refusals(request: Request) -> None:
    for trunk in _TRUNKS:
        screening.refusal_of(request, trunk)
        screening.refusal_of_unreliable(request, trunk)
        too_brief(request, trunk)


_READERS: Final[tuple[Callable[[Message], object], ...]] = (
    cause_of, session_id_of, _check_routes, _check_contact, _check_sdp, _check_session, _check_redirection,
    _check_challenges, replaces_of,
)  # fmt: skip
_READERS_OF_REQUESTS: Final[tuple[Callable[[Request], object], ...]] = (
    screening.check_mandatory, screening.check_cseq, screening.check_form, _check_refusals, screening.hops_left,
    sipfrag_status, _check_response_vias, _check_refer_to,
)  # fmt: skip
