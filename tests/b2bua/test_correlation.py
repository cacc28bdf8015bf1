"""What tells the other side which call this is: headers in INVITEs, in Contact and in Refer-To; and what stays so."""

import re
from typing import Any, Final
from urllib.parse import unquote

import pytest

from edge_router.dialplan.correlation import MOST_BYTES, user_to_user
from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import CALLING, Leg
from tests.b2bua.stage import CLOUD_FIRST, DIAL_PEERS, REDIRECTED, REFERRED, Stage
from tests.end_to_end.wire import Wire

SESSION: Final = "ab30317f1a784dc48ff824d0d3715d86"
ALL: Final = {
    "X-Edge-Call": "call_id",
    "X-Edge-Node": "node",
    "X-Edge-Session": "session_id",
    "X-Edge-Guid": "cisco_guid",
    "X-Edge-From": "calling",
    "X-Edge-To": "called",
    "X-Edge-Service": "service",
}
LIVE: Final = {"queues": {"Support": {"source": "pushed"}}}
KNOWN: Final = "abcd" * 8 + ";remote=" + "0" * 32


def told(headers: dict[str, str] = ALL, **more: Any) -> dict[str, Any]:
    return {"correlation": {"headers": headers, **more}}


def over(caller: Leg, callee: Leg) -> None:
    caller.hangs_up()
    callee.is_hung_up()


def invited(stage: Stage, *headers: str) -> Wire:
    """The INVITE that the cloud gets for a call with these headers; the call is over then."""
    caller = stage.carrier.calls(CLOUD_FIRST, *headers)
    caller.hears(100)
    callee = stage.cloud.is_called()
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    over(caller, callee)
    return callee.invite


def uri_headers(value: str) -> list[tuple[str, str]]:
    """The headers in the URI of a Contact or Refer-To, in order."""
    uri = value.partition("<")[2].partition(">")[0]
    pairs = [pair.partition("=") for pair in uri.partition("?")[2].split("&")]
    return [(unquote(name), unquote(text)) for name, _, text in pairs]


# ------------------------------------------------------------------------------------------------ in INVITEs


def test_a_bridged_leg_bears_them(open_stage: OpenStage) -> None:
    stage = open_stage(
        cloud={**told(), "identity": {"send": True}},
        files={"services.csv": f"called,service\n{CLOUD_FIRST},Gold\n"},
        services={"file": "services.csv"},
    )
    invite = invited(stage, f"Session-ID: {SESSION};remote={'0' * 32}", "Cisco-Guid: 1-2-3-4")
    assert [invite.get(name) for name in ALL] == [
        stage.record.call_id,
        "edge-1",
        SESSION,
        "1-2-3-4",
        CALLING,
        CLOUD_FIRST,
        "Gold",
    ]


def test_where_nothing_is_configured_there_is_nothing(stage: Stage) -> None:
    names = {name.lower() for name, _ in invited(stage).headers}
    assert not {name for name in names if name.startswith("x-")} | names & {"user-to-user", "session-id"}


def test_what_a_call_does_not_have_is_left_out(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"X-Edge-Service": "service", "X-Edge-Call": "call_id"}))
    invite = invited(stage)
    assert invite.all("X-Edge-Service") == []
    assert invite.get("X-Edge-Call") == stage.record.call_id
    assert (stage.record.reason, stage.ear.refused) == ("", {})


def test_another_trunk_is_told_nothing(open_stage: OpenStage) -> None:
    stage = open_stage(premise=told())
    assert invited(stage).all("X-Edge-Call") == []


def test_every_attempt_bears_the_same(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told())
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    first = stage.cloud.is_called()
    first.refuses(503)
    second = stage.spare.is_called()
    second.says(200)
    caller.hears(200)
    caller.ack()
    second.hears("ACK")
    for name in ("X-Edge-Call", "X-Edge-Session", "X-Edge-Guid", "Session-ID", "Cisco-Guid"):
        assert second.invite.all(name) == first.invite.all(name) != []
    over(caller, second)


def test_a_strangers_header_is_not_taken_for_ours(open_stage: OpenStage) -> None:
    stage = open_stage(cloud={**told({"X-Edge-Call": "call_id"}), "pass_headers": ["X-*", "X-Edge-Call"]})
    invite = invited(stage, "X-Edge-Call: forged", "X-Other: 1")
    assert invite.all("X-Edge-Call") == [stage.record.call_id]
    assert invite.get("X-Other") == "1"


# ------------------------------------------------------------------------------------------------ identity


@pytest.mark.parametrize(
    ("send", "headers", "calling"),
    [
        (False, (), CALLING),
        (False, ("Privacy: id",), None),
        (True, ("Privacy: id",), CALLING),
        (False, ("P-Asserted-Identity: <sip:+15550001111@carrier.example>",), CALLING),
        (True, ("P-Asserted-Identity: <sip:+15550001111@carrier.example>",), "+15550001111"),
    ],
)
def test_who_calls_is_told_only_as_far_as_the_trunk_may_know(
    open_stage: OpenStage, send: bool, headers: tuple[str, ...], calling: str | None
) -> None:
    stage = open_stage(
        carrier={"identity": {"accept": True}},
        cloud={**told({"X-Edge-From": "calling"}), "identity": {"send": send}},
    )
    assert invited(stage, *headers).all("X-Edge-From") == ([] if calling is None else [calling])


# ------------------------------------------------------------------------------------------------ User-to-User


def test_user_to_user_is_written_in_hexadecimal(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"User-to-User": "call_id"}))
    data, *params = invited(stage).get("User-to-User").split(";")
    assert bytes.fromhex(data) == b"\x04" + stage.record.call_id.encode()
    assert params == ["encoding=hex", "purpose=isdn-uui"]


def test_what_the_caller_says_to_the_user_stays_where_we_say_nothing(stage: Stage) -> None:
    assert invited(stage, "User-to-User: 0431;encoding=hex").all("User-to-User") == ["0431;encoding=hex"]


@pytest.mark.parametrize(
    "theirs",
    [
        "0431;encoding=hex;purpose=x-acd",
        "plain-text;purpose=x-acd;content=text",
        '"a, b;c";purpose=x-acd',
        "0431 ; purpose = x-acd",
    ],
)
def test_ours_stands_beside_what_the_caller_says_for_another_purpose(open_stage: OpenStage, theirs: str) -> None:
    stage = open_stage(cloud=told({"User-to-User": "call_id"}))
    invite = invited(stage, f"User-to-User: {theirs}")
    assert invite.all("User-to-User") == [theirs, user_to_user(stage.record.call_id)]
    assert stage.record.reason == ""


@pytest.mark.parametrize(
    "theirs",
    [
        "",
        ";encoding=hex;purpose=x-acd",
        "0431;;purpose=x-acd",
        "043;encoding=hex;purpose=x-acd",
        "04zz;purpose=isdn-uui",
        '"never closed;purpose=x-acd',
        "0431;purpose=x-acd;purpose=x-other",
        "0431;purpose=x-acd;purpose",
        "0431;purpose=",
        "04\x0731;purpose=x-acd",
        "ÿ;purpose=x-acd",
        "a b;purpose=x-acd",
    ],
)
def test_what_cannot_be_read_goes_no_further_and_ours_does(open_stage: OpenStage, theirs: str) -> None:
    stage = open_stage(cloud=told({"User-to-User": "call_id"}))
    invite = invited(stage, f"User-to-User: {theirs}")
    assert invite.all("User-to-User") == [user_to_user(stage.record.call_id)]
    assert stage.record.reason == "a User-to-User that can't be read isn't passed on"


def test_of_our_purpose_there_is_ours_alone(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"User-to-User": "call_id"}))
    invite = invited(stage, "User-to-User: 0431;purpose=isdn-uui", "User-to-User: 0432, 0433;purpose=x-acd")
    assert invite.all("User-to-User") == ["0433;purpose=x-acd", user_to_user(stage.record.call_id)]
    assert stage.record.reason.startswith("the caller's own User-to-User isn't passed on")


def test_what_the_caller_says_is_his_own_to_take_along(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"User-to-User": "node"}, in_uri=True))
    contact = stage.carrier.calls(REDIRECTED, "User-to-User: 0431").hears_refusal(302).all("Contact")[0]
    assert uri_headers(contact) == [("User-to-User", user_to_user("edge-1"))]
    assert stage.record.reason == ""


# ------------------------------------------------------------------------------------------------ Session-ID and Guid


def test_who_has_no_session_id_gets_one_where_it_is_asked_for(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"X-Edge-Session": "session_id"}))
    invite = invited(stage)
    ours = invite.get("X-Edge-Session")
    assert re.fullmatch("[0-9a-f]{12}4[0-9a-f]{3}8[0-9a-f]{15}", ours)  # a UUID of version 4
    assert invite.get("Session-ID") == stage.record.session_id == f"{ours};remote={'0' * 32}"


def test_a_session_id_and_a_guid_go_on_as_they_came(stage: Stage) -> None:
    invite = invited(stage, f"Session-ID: {KNOWN}", "Cisco-Guid: 1-2-3-4")
    assert (invite.all("Session-ID"), invite.all("Cisco-Guid")) == ([KNOWN], ["1-2-3-4"])
    assert (stage.record.session_id, stage.record.cisco_guid) == (KNOWN, "1-2-3-4")


@pytest.mark.parametrize(
    "theirs",
    [
        SESSION.upper(),
        SESSION[:-1],
        f"{SESSION}0",
        f"{SESSION};remote=0",
        f"{SESSION};remote={'0' * 33}",
        f"{SESSION};remote={'E' * 32}",
        f"{SESSION};remote",
        f"{SESSION};remote={'0' * 32};remote={'0' * 32}",
        f"{SESSION};",
        f"{SESSION} x",
        f"{SESSION};a=\x07",
        f"{SESSION};a={'b' * 500}",
        f"{SESSION[:8]}-{SESSION[8:]}",
        "",
        "ÿ",
    ],
)
@pytest.mark.parametrize("asked_for", [False, True])
def test_what_is_no_session_id_goes_no_further(open_stage: OpenStage, theirs: str, asked_for: bool) -> None:
    stage = open_stage(cloud=told({"X-Edge-Session": "session_id"}) if asked_for else {})
    invite = invited(stage, f"Session-ID: {theirs}")
    if asked_for:
        ours = f"{invite.get('X-Edge-Session')};remote={'0' * 32}"
        assert invite.all("Session-ID") == [stage.record.session_id] == [ours]
        assert re.fullmatch("[0-9a-f]{32}", invite.get("X-Edge-Session"))
    else:
        assert (invite.all("Session-ID"), stage.record.session_id) == ([], None)


@pytest.mark.parametrize(
    "theirs", [SESSION, f"{SESSION} ; remote = {'0' * 32};x", f'{"0" * 32};remote={SESSION};a="b;remote=1";c=1']
)
def test_a_session_id_keeps_its_parameters(open_stage: OpenStage, theirs: str) -> None:
    stage = open_stage(cloud=told({"X-Edge-Session": "session_id"}))
    assert invited(stage, f"Session-ID: {theirs}").all("Session-ID") == [theirs] == [stage.record.session_id]


def test_of_two_session_ids_the_first_that_is_one_goes_on(stage: Stage) -> None:
    headers = ("Session-ID: 1", f"Session-ID: {KNOWN}", f"Session-ID: {SESSION}", f"Session-ID: {KNOWN}")
    assert invited(stage, *headers).all("Session-ID") == [KNOWN]


def test_session_ids_cross_both_ways(stage: Stage) -> None:
    caller, callee = stage.ringing(CLOUD_FIRST, stage.cloud)
    callee.says(200, "Session-ID: " + "e" * 32 + ";remote=" + "a" * 32)
    assert caller.hears(200).get("Session-ID") == "e" * 32 + ";remote=" + "a" * 32
    caller.ack()
    callee.hears("ACK")
    caller.asks("BYE", f"Session-ID: {KNOWN}")
    caller.hears(200, "BYE")
    bye = callee.hears("BYE")
    assert bye.get("Session-ID") == KNOWN
    callee.answers(bye, 200)


# ------------------------------------------------------------------------------------------------ in URIs


def test_a_redirected_caller_takes_them_along(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"X-Edge-Call": "call_id", "User-to-User": "node"}, in_uri=True))
    contacts = stage.carrier.calls(REDIRECTED).hears_refusal(302).all("Contact")
    node = "04" + b"edge-1".hex()
    headers = f"X-Edge-Call={stage.record.call_id}&User-to-User={node}%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui"
    assert contacts == [
        f"<sip:{REDIRECTED}@198.51.100.21:5060?{headers}>;q=1.0",
        f"<sip:{REDIRECTED}@198.51.100.22:5060?{headers}>;q=0.9",
    ]


def test_a_referred_caller_takes_them_along(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"X-Edge-Call": "call_id", "X-Edge-Guid": "cisco_guid"}, in_uri=True))
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    refer = caller.hears("REFER")
    caller.answers(refer, 603)
    call = next(iter(stage.router.calls.values()))
    assert call.record.cisco_guid
    assert uri_headers(refer.get("Refer-To")) == [
        ("X-Edge-Call", call.record.call_id),
        ("X-Edge-Guid", call.record.cisco_guid),
    ]
    callee = stage.premise.is_called()
    callee.refuses(486)
    bye = caller.hears("BYE")
    caller.answers(bye, 200)


def test_without_in_uri_a_uri_is_only_a_place(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told())
    contact = stage.carrier.calls(REDIRECTED).hears_refusal(302).all("Contact")[0]
    assert contact == f"<sip:{REDIRECTED}@198.51.100.21:5060>;q=1.0"


def test_a_refer_uri_with_headers_of_its_own_keeps_them(open_stage: OpenStage) -> None:
    peers = [
        {**peer, "refer_uri": "sip:{called}@c.example?Subject=a"} if peer["name"] == "cloud" else dict(peer)
        for peer in DIAL_PEERS
    ]
    stage = open_stage(cloud=told({"X-Edge-Node": "node"}, in_uri=True), dial_peers=peers)
    contact = stage.carrier.calls(REDIRECTED).hears_refusal(302).get("Contact")
    assert contact == f"<sip:{REDIRECTED}@c.example?Subject=a&X-Edge-Node=edge-1>;q=1.0"


@pytest.mark.parametrize("called", [f"{REDIRECTED}?1", f"{REFERRED}?1"])
def test_a_question_mark_in_the_user_part_begins_no_headers(open_stage: OpenStage, called: str) -> None:
    by = "redirect" if called.startswith(REDIRECTED) else "refer"
    rule = {"name": "any", "to": ["cloud"], "by": by, "final": True}
    stage = open_stage(rules=[rule], cloud=told({"X-Edge-Node": "node"}, in_uri=True))
    caller = stage.carrier.calls(called)
    if by == "redirect":
        uri = caller.hears_refusal(302).get("Contact")
    else:
        caller.hears(200)
        caller.ack()
        refer = caller.hears("REFER")
        uri = refer.get("Refer-To")
        caller.answers(refer, 603)
        caller.answers(caller.hears("BYE"), 200)
    assert uri.partition(">")[0] == f"<sip:{called}@198.51.100.21:5060?X-Edge-Node=edge-1"


# ------------------------------------------------------------------------------------------------ what can't be written


def test_a_header_beyond_the_bound_is_left_out_and_the_call_goes_on(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"X-Edge-Guid": "cisco_guid", "X-Edge-Call": "call_id"}))
    room = MOST_BYTES - len("X-Edge-Call: \r\n") - 16 - len("X-Edge-Guid: \r\n")
    fits, too_long = "1" * room, "1" * (room + 1)
    invite = invited(stage, f"Cisco-Guid: {fits}")
    assert (invite.all("X-Edge-Guid"), len(invite.all("X-Edge-Call"))) == ([fits], 1)
    stage.ear.records.clear()
    invite = invited(stage, f"Cisco-Guid: {too_long}")
    assert (invite.all("X-Edge-Guid"), invite.all("X-Edge-Call")) == ([too_long], [])
    assert stage.record.reason == f"X-Edge-Call left out: more than {MOST_BYTES} bytes"
    assert stage.ear.refused == {"correlation header": 1}


def test_what_no_header_can_hold_is_left_out(open_stage: OpenStage) -> None:
    stage = open_stage(cloud=told({"X-Edge-Guid": "cisco_guid", "X-Edge-Call": "call_id"}, in_uri=True))
    caller = stage.carrier.calls(REDIRECTED, "Cisco-Guid: 1\x072")
    contact = caller.hears_refusal(302).all("Contact")[0]
    assert uri_headers(contact) == [("X-Edge-Call", stage.record.call_id)]
    assert stage.record.reason == "X-Edge-Guid left out"
    assert stage.ear.refused == {"correlation header": 1}


# ------------------------------------------------------------------------------------------------ the task in the cloud


def test_a_call_has_its_task_while_it_goes_on_and_after(open_stage: OpenStage) -> None:
    stage = open_stage(state=LIVE)
    placed = stage.router.routing.ledger.placed
    caller, callee = stage.connected(CLOUD_FIRST, stage.cloud)
    record = next(iter(stage.router.calls.values())).record
    tasks, now = [record.webex_task_id], stage.router.wheel.now
    placed.seen("guess", CALLING, CLOUD_FIRST, now, now, queued=False)
    tasks.append(record.webex_task_id)
    placed.seen("task", "", "", now, now, False, record.call_id)
    tasks.append(record.webex_task_id)
    assert tasks == [None, "guess", "task"]
    over(caller, callee)
    assert stage.record.webex_task_id == "task"


def test_who_was_given_anothers_task_gives_it_back(open_stage: OpenStage) -> None:
    """Somebody calls twice: by numbers alone the first task goes to the first call."""
    stage = open_stage(state=LIVE)
    placed = stage.router.routing.ledger.placed
    ends = [stage.connected(CLOUD_FIRST, stage.cloud) for _ in range(2)]
    first, second = (call.record for call in stage.router.calls.values())
    now = stage.router.wheel.now
    placed.seen("task", CALLING, CLOUD_FIRST, now, now, False)
    guessed, other = (first, second) if first.webex_task_id else (second, first)
    assert (guessed.webex_task_id, other.webex_task_id) == ("task", None)
    placed.seen("task", CALLING, CLOUD_FIRST, now, now, True, other.call_id)
    assert (guessed.webex_task_id, other.webex_task_id) == (None, "task")
    for caller, callee in ends:
        over(caller, callee)
