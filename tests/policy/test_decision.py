import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.policy.decision import LONGEST_SHOWN, Decision, Hop, shown
from edge_router.policy.spec import Outcome
from tests.policy.world import CLOUD, NOW, call, policy, rule


def test_explains_a_rule() -> None:
    when = 'queue("Support").expected == 5 && trunk("cloud").up && call.calling.startsWith("+1")'
    decision = policy(rule(when, Outcome(CLOUD.to[:1]), "cloud while it is short")).decide(call(), NOW)
    assert decision.explain() == (
        'policy "front-door", rule "cloud while it is short": redirect to cloud, else bridge to premise; '
        'read queue("Support").expected = 5, trunk("cloud").up = true, call.calling = "+12125550100"; '
        "state 0.0 s old"
    )


def test_explains_stale_state() -> None:
    decision = policy(rule('trunk("cloud").up && queue("Old").length == 0')).decide(call(), NOW)
    assert decision.explain() == (
        'policy "front-door", if_stale, since rule "first" is undecided: '
        'queue("Old") is 75.0 s old, more than 60 s: bridge to premise; '
        'read trunk("cloud").up = true; state 75.0 s old'
    )


def test_explains_otherwise() -> None:
    decision = policy(rule("false")).decide(call(), NOW)
    assert decision.explain() == 'policy "front-door", otherwise, since no rule is true: bridge to premise'


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(code=480), "reject 480"),
        (Outcome(code=486, reason="Busy Here", cause=17), "reject 486 Busy Here, cause 17"),
        (Outcome(code=503, reason="Full", retry_after=30), "reject 503 Full, retry after 30 s"),
        (Outcome(CLOUD.to, final=True), "redirect to cloud, then bridge to premise"),
    ],
)
def test_explains_what_is_done(outcome: Outcome, words: str) -> None:
    assert policy(rule("true", outcome)).decide(call(), NOW).explain().endswith(f'rule "first": {words}')


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (0, "0"),
        (2.5, "2.5"),
        (None, "null"),
        ("a", '"a"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\r\nb\x1b[31m\x00", '"a\\u000d\\u000ab\\u001b[31m\\u0000"'),
        ("\u2028\u202e\udcff", '"\\u2028\\u202e\\udcff"'),
        ("\U000e0001", '"\\U000e0001"'),
        ("café 日本", '"café 日本"'),
        ("x" * (LONGEST_SHOWN + 1), '"' + "x" * LONGEST_SHOWN + '…"'),
    ],
)
def test_shows_values_as_a_rule_would_write_them(value: object, text: str) -> None:
    assert shown(value) == text


@given(st.text(st.characters(), max_size=30))
def test_nothing_a_caller_sends_leaves_its_quotes(text: str) -> None:
    explained = Decision("p", "r", "bridge", (Hop("a", "bridge"),), values={"call.calling": text}).explain()
    assert explained.isprintable()
    assert explained.replace("\\\\", "").replace('\\"', "").count('"') == 6
