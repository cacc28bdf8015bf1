import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from state_client.rows import AgentEvent, TaskEvent
from state_client.webex.events import (
    AGENT_TYPES,
    LATEST_MS,
    LONGEST_ID,
    LONGEST_TEXT,
    TASK_TYPES,
    BadEvent,
    Other,
    read_envelope,
    read_event,
)
from tests.state_client.webex.posts import SUBSCRIPTION, body

# ------------------------------------------------------------------------------------------------ what is read


def test_every_field_of_a_task_event_is_read() -> None:
    data = {
        "taskId": "t-1",
        "queueId": "q-1",
        "channelType": "Telephony",
        "direction": "INBOUND",
        "origin": "+18005550100",
        "destination": "+18005550199",
        "createdTime": 1_700_000_000_250,
        "outboundType": "COURTESY_CALLBACK",
        "reason": "RONA Timer Expired",
        "terminatingParty": "System",
        "workflowManager": None,
    }
    assert read_event(body("task:ended", data, id="e-1", comciscotimestamp=1_700_000_001_500)) == TaskEvent(
        id="e-1",
        type="task:ended",
        time=1_700_000_000.25,
        task_id="t-1",
        sent=1_700_000_001.5,
        queue_id="q-1",
        channel="telephony",
        direction="inbound",
        origin="+18005550100",
        destination="+18005550199",
        outbound_type="COURTESY_CALLBACK",
        reason="RONA Timer Expired",
        terminating_party="System",
    )


def test_every_field_of_an_agent_event_is_read() -> None:
    data = {
        "agentId": "a-1",
        "teamId": "team-1",
        "channelType": "telephony",
        "currentState": "Idle",
        "pendingIdleState": True,
        "idleCodeName": "Lunch",
        "idleCodeId": "code-1",
        "taskId": "t-1",
        "queueId": "q-1",
        "createdTime": 1_700_000_000_000,
    }
    assert read_event(body("agent:channelType_state_change", data, id="e-2")) == AgentEvent(
        id="e-2",
        type="agent:channelType_state_change",
        time=1_700_000_000.0,
        agent_id="a-1",
        sent=0.0,
        team_id="team-1",
        channel="telephony",
        state="Idle",
        task_id="t-1",
        queue_id="q-1",
        idle_code="Lunch",
        pending_idle=True,
    )


def test_v1_says_less_of_an_agent() -> None:
    data = {"agentId": "a-1", "teamId": "team-1", "currentState": "not-responding", "createdTime": 1_700_000_000_000}
    event = read_event(body("agent:state_change", data))
    assert isinstance(event, AgentEvent)
    assert (event.state, event.channel, event.pending_idle) == ("not-responding", "", False)


def test_an_idle_code_without_a_name_goes_by_its_id() -> None:
    data = {"agentId": "a-1", "currentState": "idle", "idleCodeId": "code-1", "createdTime": 1_700_000_000_000}
    event = read_event(body("agent:channel_state_change", data))
    assert isinstance(event, AgentEvent)
    assert event.idle_code == "code-1"


def test_the_types_are_those_of_the_cloud() -> None:
    actions = (
        "new parked connect connected on-hold hold-done consulting consult-done conferencing conference-done "
        "conference-transferred ended failed origin-updated"
    )
    assert {f"task:{action}" for action in actions.split()} | {"capture:available"} == TASK_TYPES
    actions = "login logout state_change channel_state_change channelType_state_change"
    assert {f"agent:{action}" for action in actions.split()} == AGENT_TYPES


@pytest.mark.parametrize("name", sorted(TASK_TYPES))
def test_every_task_type_is_a_task_event(name: str) -> None:
    event = read_event(body(name, {"taskId": "t-1", "createdTime": 1_700_000_000_000}))
    assert isinstance(event, TaskEvent)
    assert event.type == name


@pytest.mark.parametrize("name", sorted(AGENT_TYPES))
def test_every_agent_type_is_an_agent_event(name: str) -> None:
    event = read_event(body(name, {"agentId": "a-1", "createdTime": 1_700_000_000_000}))
    assert isinstance(event, AgentEvent)
    assert event.type == name


@pytest.mark.parametrize("name", ["task-message:appended", "flow:published", "task:updated", "nonsense"])
def test_other_types_are_told_apart_whatever_their_data(name: str) -> None:
    assert read_event(body(name, None, id="e-3")) == Other("e-3", name)


# ------------------------------------------------------------------------------------------------ times


@pytest.mark.parametrize("sent", [1_700_000_000_123, "1700000000123", 1_700_000_000_123.0])
def test_the_time_of_sending_comes_as_a_number_or_as_text(sent: object) -> None:
    assert read_envelope(body("agent:login", {}, comciscotimestamp=sent)).sent_ms == 1_700_000_000_123


@pytest.mark.parametrize("sent", [None, "", "yesterday", -1, 0, True, [1], LATEST_MS + 1, "9" * 400, 1e300, "١٢"])
def test_what_is_no_time_of_sending_is_none(sent: object) -> None:
    assert read_envelope(body("agent:login", {}, comciscotimestamp=sent)).sent_ms == 0


def test_an_event_without_its_own_time_happened_when_it_was_sent() -> None:
    event = read_event(body("agent:login", {"agentId": "a-1"}, comciscotimestamp="1700000000123"))
    assert isinstance(event, AgentEvent)
    assert event.time == 1_700_000_000.123


# ------------------------------------------------------------------------------------------------ what is no event


def test_the_subscription_is_the_tail_of_the_source() -> None:
    assert read_envelope(body("agent:login", {})).subscription_id == SUBSCRIPTION
    assert read_envelope(body("agent:login", {}, source=7)).subscription_id == ""


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body is not a JSON object"),
        (b"null", "the body is not a JSON object"),
        (b"{}", "id is missing, or no text"),
        (orjson.dumps({"id": 5, "type": "task:new"}), "id is missing, or no text"),
        (orjson.dumps({"id": "e", "data": {}}), "type is missing, or no text"),
        (body("task:new", {}, id="x" * (LONGEST_ID + 1)), f"id is longer than {LONGEST_ID} characters"),
        (body("task:new", None), "data is missing, or no object"),
        (body("task:new", [1]), "data is missing, or no object"),
        (body("task:new", {"createdTime": 1}), "taskId is missing, or no text"),
        (body("agent:login", {"createdTime": 1}), "agentId is missing, or no text"),
        (
            body("task:parked", {"taskId": "t", "createdTime": 1, "queueId": "q" * (LONGEST_ID + 1)}),
            f"queueId is longer than {LONGEST_ID} characters",
        ),
        (body("task:new", {"taskId": "t"}), "neither data.createdTime nor comciscotimestamp says when it happened"),
    ],
)
def test_what_is_no_event_says_why(raw: bytes, why: str) -> None:
    with pytest.raises(BadEvent) as caught:
        read_event(raw)
    assert str(caught.value) == why


def test_a_text_is_no_longer_than_we_keep() -> None:
    event = read_event(body("task:new", {"taskId": "t", "createdTime": 1, "origin": "o" * (LONGEST_TEXT + 1)}))
    assert isinstance(event, TaskEvent)
    assert event.origin == "o" * LONGEST_TEXT


def test_fields_of_another_kind_are_unknown() -> None:
    data = {"taskId": "t", "createdTime": 1, "queueId": 5, "origin": {}, "direction": None, "reason": ["x"]}
    event = read_event(body("task:ended", data))
    assert isinstance(event, TaskEvent)
    assert (event.queue_id, event.origin, event.direction, event.reason) == ("", "", "", "")


# ------------------------------------------------------------------------------------------------ whatever is posted

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
DATA = st.dictionaries(
    st.sampled_from(
        "taskId agentId createdTime queueId teamId channelType direction currentState idleCodeName idleCodeId "
        "pendingIdleState origin destination outboundType reason terminatingParty".split()
    ),
    JSON | st.text(min_size=1) | st.integers(1, LATEST_MS),
)
ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(min_size=1) | JSON,
        "type": st.sampled_from(sorted(TASK_TYPES | AGENT_TYPES)) | JSON,
        "source": st.text() | JSON,
        "comciscotimestamp": st.integers() | st.text() | JSON,
        "data": DATA | JSON,
    },
)


def sane(raw: bytes) -> bool:
    """Whether it was an event; whatever else it is raises BadEvent, and nothing but BadEvent."""
    try:
        event = read_event(raw)
    except BadEvent:
        return False
    assert event.id
    assert event.type
    if not isinstance(event, Other):
        assert 0 < event.time <= LATEST_MS / 1000
    return True


@given(st.binary())
def test_any_octets_give_an_event_or_bad_event(raw: bytes) -> None:
    sane(raw)


@given(ENVELOPES)
def test_anything_like_an_event_gives_an_event_or_bad_event(content: dict[str, object]) -> None:
    try:
        raw = orjson.dumps(content)
    except (TypeError, orjson.JSONEncodeError):  # integers beyond 64 bits and lone surrogates: not to be written here
        return
    sane(raw)


@given(st.integers(0, 400), st.integers(0, 255))
def test_an_event_with_one_octet_changed_gives_an_event_or_bad_event(place: int, octet: int) -> None:
    raw = bytearray(body("task:parked", {"taskId": "t-1", "createdTime": 1_700_000_000_000}))
    raw[place % len(raw)] = octet
    sane(bytes(raw))
