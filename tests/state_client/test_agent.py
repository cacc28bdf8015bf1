"""An agent's state, out of every vocabulary that the contact centre has."""

from itertools import permutations

import pytest

from state_client.agent import DONE, SIGNED_OFF, WORDS, WRAPPED, Channel, state_of
from state_client.agent_table import COARSE
from state_client.order import APPLIED, IGNORED, LATE
from state_client.picture import AGENT_STATES, AVAILABLE, ENGAGED, IDLE, NOT_RESPONDING, RESERVED, WRAPUP
from state_client.rows import AgentEvent
from tests.state_client.tidings import agent, centre, queue, tell

OLD = "state_change"
CHANNEL = "channel_state_change"
WHOLE = "channelType_state_change"


def told(*events: tuple[str, str, float]) -> str:
    """The state after (type, word, time) of each."""
    channel = Channel()
    for type, word, time in events:
        channel.take(agent("a", word, time, type=type), time)
    return channel.state


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("idle", IDLE),
        ("available", AVAILABLE),
        ("ringing", RESERVED),
        ("not-responding", NOT_RESPONDING),
        ("connected", ENGAGED),
        ("on-hold", ENGAGED),
        ("hold-done", ENGAGED),
        ("consulting", ENGAGED),
        ("consult-done", DONE),
        ("conferencing", ENGAGED),
        ("conference-done", DONE),
        ("wrapup", WRAPUP),
        ("wrapup-done", WRAPPED),
        ("logged-out", SIGNED_OFF),
        ("Available", AVAILABLE),
        ("Idle", IDLE),
        ("Engaged", ENGAGED),
        ("EngagedOther", ENGAGED),
        ("WrapUp", WRAPUP),
        ("Reserved", RESERVED),
        ("LoggedOut", SIGNED_OFF),
        ("dozing", ""),
    ],
)
def test_words(word: str, state: str) -> None:
    assert state_of(word) == state_of(word) == state


def test_every_state_is_told_by_some_word_and_can_be_counted() -> None:
    assert set(WORDS.values()) == {*AGENT_STATES, SIGNED_OFF, DONE, WRAPPED}
    assert set(COARSE) == set(AGENT_STATES)


@pytest.mark.parametrize("type", [OLD, CHANNEL])
def test_done_goes_back_to_what_was_before(type: str) -> None:
    assert told((type, "connected", 1), (type, "consulting", 2), (type, "consult-done", 3)) == ENGAGED
    assert told((type, "available", 1), (type, "consulting", 2), (type, "consult-done", 3)) == AVAILABLE
    assert told((type, "idle", 1), (type, "conferencing", 2), (type, "conference-done", 3)) == IDLE
    assert told((type, "consult-done", 3)) == ENGAGED


def test_after_the_paperwork_he_is_available_unless_he_wants_to_be_idle() -> None:
    channel = Channel()
    channel.take(agent("a", "wrapup", 1), 1)
    channel.take(AgentEvent("e", "agent:state_change", 2, "a", state="wrapup-done", pending_idle=True), 2)
    assert channel.state == IDLE
    assert told((OLD, "wrapup", 1), (OLD, "wrapup-done", 2)) == AVAILABLE
    assert told((OLD, "wrapup", 1), (OLD, "wrapup-done", 2), (OLD, "idle", 2)) == IDLE
    assert told((OLD, "wrapup", 1), (OLD, "idle", 2), (OLD, "wrapup-done", 2)) == IDLE


def test_where_the_cloud_says_what_he_can_take_that_says_what_follows_a_call() -> None:
    channel = Channel()
    channel.take(agent("a", "Idle", 3, type=WHOLE), 3)
    assert channel.take(agent("a", "wrapup-done", 4, type=CHANNEL), 4) == IGNORED
    assert channel.state == IDLE
    assert channel.take(agent("a", "available", 5, type=CHANNEL), 5) == APPLIED
    assert channel.state == AVAILABLE


def test_who_did_not_respond_is_called_idle_in_one_view_and_stays_what_he_is() -> None:
    assert told((CHANNEL, "not-responding", 1), (WHOLE, "Idle", 1)) == NOT_RESPONDING
    assert told((WHOLE, "Idle", 1), (CHANNEL, "not-responding", 1)) == NOT_RESPONDING
    assert told((CHANNEL, "not-responding", 1), (WHOLE, "Idle", 1.01)) == NOT_RESPONDING
    assert told((CHANNEL, "not-responding", 1), (CHANNEL, "idle", 9), (WHOLE, "Idle", 9)) == IDLE
    assert told((CHANNEL, "not-responding", 1), (WHOLE, "Available", 9)) == AVAILABLE


@pytest.mark.parametrize("type", [OLD, CHANNEL, WHOLE])
def test_who_gets_free_may_be_offered_the_next_call_in_the_same_millisecond(type: str) -> None:
    words = [(type, "WrapUp", 5.0), (type, "Available", 5.0), (type, "Reserved", 5.0)]
    assert {told(*order) for order in permutations(words)} == {RESERVED}


def test_what_comes_late_changes_nothing() -> None:
    channel = Channel()
    channel.take(agent("a", "available", 5), 6)
    assert channel.take(agent("a", "idle", 4), 7) == LATE
    assert (channel.state, channel.since, channel.heard) == (AVAILABLE, 5, 6)


def test_an_idle_code_and_a_contact_are_those_of_the_state() -> None:
    channel = Channel()
    channel.take(AgentEvent("1", "agent:state_change", 1, "a", state="idle", idle_code="Lunch", task_id="t"), 1)
    assert (channel.idle_code, channel.task_id) == ("Lunch", "")
    channel.take(AgentEvent("2", "agent:state_change", 2, "a", state="ringing", task_id="t"), 2)
    assert (channel.idle_code, channel.task_id) == ("", "t")
    channel.take(AgentEvent("3", "agent:state_change", 3, "a", state="available", task_id="t"), 3)
    assert channel.task_id == ""


def test_signing_on_is_being_idle_until_more_is_said() -> None:
    cc = centre()
    assert tell(cc, agent("a", "", 5, type="login")) == ["applied"]
    assert (queue(cc).agents_signed_on, queue(cc).agents_available) == (1, 0)
    tell(cc, agent("a", "available", 6))
    assert tell(cc, agent("a", "", 7, type="login")) == ["late"]
    assert queue(cc).agents_available == 1


def test_signing_off_is_for_every_channel_and_what_is_older_does_not_undo_it() -> None:
    cc = centre()
    tell(cc, agent("a", "available", 5), agent("a", "Available", 5, channel="chat", type=WHOLE))
    tell(cc, agent("a", "", 9, type="logout"))
    late = [
        agent("a", "available", 8),
        agent("a", "Available", 8, channel="chat", type=WHOLE),
        agent("a", "Available", 8, channel="email", type=WHOLE),
        agent("a", "", 8, type="login"),
    ]
    assert tell(cc, *late) == ["late"] * 4
    assert not cc.agents["a"].signed_on
    assert queue(cc).agents_signed_on == 0
    assert tell(cc, agent("a", "", 10, type="login")) == ["applied"]


def test_signing_off_from_one_channel_leaves_the_others() -> None:
    cc = centre()
    tell(cc, agent("a", "available", 5), agent("a", "Available", 5, channel="chat", type=WHOLE))
    tell(cc, agent("a", "", 9, channel="chat", type="logout"))
    assert (cc.agents["a"].state(), cc.agents["a"].state("chat")) == (AVAILABLE, SIGNED_OFF)


def test_an_agent_who_signed_off_is_forgotten_after_a_while() -> None:
    cc = centre()
    tell(cc, agent("a", "available", 5), agent("b", "available", 5), agent("a", "", 10, type="logout"))
    cc.tick(600)
    assert set(cc.agents) == {"a", "b"}
    cc.tick(670)
    assert set(cc.agents) == {"b"}
    assert queue(cc).agents_signed_on == 1
