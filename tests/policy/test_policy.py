from dataclasses import replace

import pytest

from edge_router.policy.decision import Hop, Way
from edge_router.policy.facts import CallFacts
from edge_router.policy.policy import Verdict
from edge_router.policy.spec import Outcome, hops
from tests.policy.world import CLOUD, NOW, PREMISE, Failures, call, policy, rule, surroundings

TRUE = rule("true", name="yes")
FALSE = rule("false", name="no")
STALE = rule('queue("Old").length == 0 || true', name="stale")
SKIPPED = rule('queue("Old").length == 0 || true', name="skipped", skip=True)
BROKEN = rule('int(call.header("X-Priority")) > 3', name="broken")
ELSEWHERE = Outcome(hops([("branch", None)]))


def test_the_first_true_rule_decides() -> None:
    decision = policy(FALSE, rule('call.trunk == "carrier"', PREMISE, "second"), TRUE).decide(call(), NOW)
    assert (decision.policy, decision.rule, decision.method) == ("front-door", "second", "bridge")
    assert decision.to == (Hop("premise", "bridge"),)
    assert decision.fallback is None


def test_a_decision_has_what_its_rule_read_and_not_what_others_read() -> None:
    first = rule('queue("Support").length == 0', name="empty")
    second = rule('trunk("cloud").up && queue("Support").longest_wait < 60', name="short")
    decision = policy(first, second).decide(call(), NOW)
    assert decision.values == {'trunk("cloud").up': True, 'queue("Support").longest_wait': 45}
    assert decision.age == 0.0


def test_without_state_a_decision_has_no_age() -> None:
    assert policy(rule('trunk("cloud").up')).decide(call(), NOW).age is None


@pytest.mark.parametrize(
    ("entries", "by", "expected"),
    [
        ([("cloud", None)], "bridge", (Hop("cloud", "bridge"),)),
        ([("cloud", None), ("premise", None)], "redirect", (Hop("cloud", "redirect"), Hop("premise", "bridge"))),
        ([("a", "refer"), ("b", "redirect")], "bridge", (Hop("a", "refer"), Hop("b", "redirect"))),
        ([("a", "bridge"), ("b", None)], "redirect", (Hop("a", "bridge"), Hop("b", "bridge"))),
    ],
)
def test_by_covers_the_first_entry_and_an_entry_may_say_its_own(
    entries: list[tuple[str, Way | None]], by: Way, expected: tuple[Hop, ...]
) -> None:
    assert hops(entries, by) == expected


def test_an_outcome_goes_somewhere_or_refuses() -> None:
    for wrong in {}, {"to": CLOUD.to, "code": 480}:
        with pytest.raises(ValueError, match="either"):
            Outcome(**wrong)  # type: ignore[arg-type]


class TestOtherwise:
    def test_when_no_rule_is_true(self) -> None:
        decision = policy(FALSE, rule('queue("Support").length == 0')).decide(call(), NOW)
        assert (decision.rule, decision.fallback, decision.because) == ("otherwise", "otherwise", "no rule is true")
        assert decision.to == PREMISE.to
        assert decision.values == {'queue("Support").length': 3}
        assert decision.age == 0.0

    def test_is_tried_after_all_of_to_unless_it_was_among_it(self) -> None:
        decide = policy(rule("true", ELSEWHERE)).decide
        assert decide(call(), NOW).otherwise == PREMISE.to
        assert policy(rule("true", CLOUD)).decide(call(), NOW).otherwise == ()

    def test_is_not_tried_after_a_final_rule(self) -> None:
        decision = policy(rule("true", Outcome(ELSEWHERE.to, final=True))).decide(call(), NOW)
        assert decision.otherwise == ()
        assert decision.final

    def test_is_not_tried_after_a_refusal(self) -> None:
        refusal = Outcome(code=603, reason="Decline", cause=21, retry_after=30)
        decision = policy(rule("true", refusal)).decide(call(), NOW)
        assert (decision.method, decision.code, decision.reason) == ("reject", 603, "Decline")
        assert (decision.cause, decision.retry_after) == (21, 30)
        assert decision.to == decision.otherwise == ()

    def test_does_not_follow_itself(self) -> None:
        assert policy(FALSE).decide(call(), NOW).otherwise == ()

    def test_without_it_the_call_is_refused(self) -> None:
        decision = policy(FALSE, otherwise=None).decide(call(), NOW)
        assert (decision.method, decision.code, decision.fallback) == ("reject", 480, "otherwise")


class TestStale:
    def test_ends_the_evaluation(self) -> None:
        decision = policy(FALSE, STALE, TRUE, if_stale=ELSEWHERE).decide(call(), NOW)
        assert (decision.rule, decision.fallback) == ("if_stale", "stale")
        assert decision.because == 'rule "stale" is undecided: queue("Old") is 75.0 s old, more than 60 s'
        assert (decision.to, decision.otherwise) == (ELSEWHERE.to, PREMISE.to)
        assert decision.age == 75.0

    def test_the_age_is_not_that_of_rules_that_were_not_asked(self) -> None:
        world = surroundings()
        world.picture.set("Older", NOW, static_age=900.0)
        door = policy(STALE, rule('queue("Older").length == 0'), world=world)
        assert door.decide(call(), NOW).age == 75.0

    def test_without_if_stale_otherwise_applies(self) -> None:
        decision = policy(STALE).decide(call(), NOW)
        assert (decision.rule, decision.to) == ("if_stale", PREMISE.to)

    def test_a_rule_may_be_skipped_instead(self) -> None:
        assert policy(SKIPPED, TRUE, if_stale=ELSEWHERE).decide(call(), NOW).rule == "yes"

    def test_what_was_skipped_is_said(self) -> None:
        decision = policy(SKIPPED).decide(call(), NOW)
        assert decision.fallback == "otherwise"
        assert decision.because.startswith('no rule is true; rule "skipped" is undecided: queue("Old") is 75.0 s')

    def test_a_rule_that_needs_no_state_is_not_touched(self) -> None:
        assert policy(TRUE, STALE).decide(call(), NOW).rule == "yes"

    def test_state_of_just_the_limit_is_fresh(self) -> None:
        assert policy(STALE, world=surroundings(stale_after=75)).decide(call(), NOW).rule == "stale"

    def test_values_that_are_set_again_are_fresh_at_the_next_call(self) -> None:
        world = surroundings()
        world.picture.set("Live", NOW, source="webex", length=1)
        door = policy(rule('queue("Live").length == 1'), world=world)
        assert door.decide(call(), NOW + 61).fallback == "stale"
        world.picture.set("Live", NOW + 61, length=1)
        assert door.decide(call(), NOW + 61).fallback is None

    def test_a_rule_is_as_old_as_the_values_that_it_reads(self) -> None:
        world = surroundings()
        world.picture.set("Live", NOW, source="event", length=1)
        world.picture.set("Live", NOW + 61, source="event", agents_available=2)
        door = policy(rule('queue("Live").agents_available == 2'), world=world)
        decision = door.decide(call(), NOW + 62)
        assert (decision.fallback, decision.age) == (None, 1.0)
        old = policy(rule('queue("Live").length == 1'), world=world).decide(call(), NOW + 62)
        assert (old.fallback, old.age) == ("stale", 62.0)

    def test_what_nobody_has_said_yet_is_stale(self) -> None:
        world = surroundings()
        world.picture.set("Live", NOW, source="event", length=1)
        decision = policy(rule('queue("Live").agents_available == 0'), world=world).decide(call(), NOW)
        assert decision.because.endswith('queue("Live") has no agents_available that is still known to be true')
        assert (decision.fallback, decision.age) == ("stale", None)

    def test_a_latch_is_as_old_as_the_state_that_it_goes_by(self) -> None:
        decision = policy(rule('latch("full")')).decide(call(), NOW + 5.0)
        assert (decision.fallback, decision.age) == (None, 5.0)

    def test_a_latch_that_cannot_be_told_stops_the_rules(self) -> None:
        decision = policy(rule('latch("lost") || true')).decide(call(), NOW + 70.0)
        assert (decision.rule, decision.fallback, decision.age) == ("if_stale", "stale", 70.0)
        assert decision.because == 'rule "first" is undecided: latch("lost") can\'t be told'

    @pytest.mark.parametrize(
        ("when", "live", "why"),
        [
            ('call.service.region == ""', True, "error"),
            ("hours(call.called)", True, "error"),
            ("latch(call.called)", True, "error"),
            ("queue(call.called).length == 0", False, "error"),
            ("queue(call.called).length == 0", True, "stale"),  # the contact centre may tell of it yet
            ("team(call.called).available == 0", True, "stale"),
            ('queue(call.header("X-Queue")).length == 0', True, "error"),
            ('queue("Old").length == 0', True, "stale"),
        ],
    )
    def test_what_is_missing_whatever_is_known_is_no_stale_state(self, when: str, live: bool, why: str) -> None:
        door = policy(rule(when + " || true"), if_stale=ELSEWHERE, world=replace(surroundings(), open=live))
        decision = door.decide(call(), NOW)
        assert (decision.rule, decision.fallback, decision.to) == ("if_stale", why, ELSEWHERE.to)

    def test_a_rule_that_may_be_skipped_is_skipped_for_what_is_missing_too(self) -> None:
        assert policy(rule("hours(call.called)", skip=True), TRUE).decide(call(), NOW).rule == "yes"


class TestError:
    def test_ends_the_evaluation_and_is_told(self) -> None:
        failures = Failures()
        door = policy(BROKEN, TRUE, if_stale=ELSEWHERE, failures=failures)
        decision = door.decide(call(x_priority="high"), NOW)
        assert (decision.rule, decision.fallback, decision.to) == ("if_stale", "error", ELSEWHERE.to)
        assert decision.because.startswith("rule \"broken\" failed: Function 'int' error")
        assert decision.values == {'call.header("X-Priority")': "high"}
        ((name, broken, message, now),) = failures
        assert (name, broken, now) == ("front-door", "broken", NOW)
        assert "invalid digit" in message

    def test_harms_only_the_calls_it_meets(self) -> None:
        assert policy(BROKEN).decide(call(x_priority="4"), NOW).rule == "broken"

    def test_is_not_skipped_with_stale_state(self) -> None:
        skipped = rule(BROKEN.when, name="broken", skip=True)
        assert policy(skipped, TRUE).decide(call(), NOW).fallback == "error"

    @pytest.mark.parametrize(
        "when",
        [
            '100 / (queue("Support").length - 3) > 1',
            '{"+1": true}[call.called]',
            '[true][queue("Support").length]',
            '{"no boolean": 1}["no " + call.header("X-Any")]',
        ],
    )
    def test_of_any_kind_costs_no_call(self, when: str) -> None:
        assert policy(rule(when)).decide(call(x_any="boolean"), NOW).fallback == "error"

    def test_of_what_is_read_costs_no_call(self) -> None:
        def headers(key: str) -> str:
            raise OSError(key)

        facts = CallFacts("+1212", "+1800", headers=headers)
        assert policy(rule('call.header("X-Any") == ""')).decide(facts, NOW).fallback == "error"

    def test_cannot_forge_a_line_of_the_log(self) -> None:
        def headers(key: str) -> str:
            raise OSError("\r\nINFO all is well")

        failures = Failures()
        door = policy(rule('call.header("X-Any") == ""'), failures=failures)
        decision = door.decide(CallFacts("+1212", "+1800", headers=headers), NOW)
        assert (decision.explain() + failures[0][2]).isprintable()


def test_evaluate_says_what_every_rule_says() -> None:
    failures = Failures()
    door = policy(FALSE, STALE, BROKEN, TRUE, rule('queue("Support").length == 3'), failures=failures)
    verdicts = door.evaluate(call(), NOW)
    assert [verdict[:2] for verdict in verdicts] == [
        ("no", "not held"),
        ("stale", "undecided"),
        ("broken", "undecided"),
        ("yes", "held"),
        ("first", "held"),
    ]
    when = 'queue("Support").length == 3'
    assert verdicts[4] == Verdict("first", "held", {'queue("Support").length': 3}, "", when)
    assert "75.0 s old" in verdicts[1].because
    assert "Function 'int' error" in verdicts[2].because
    assert not failures
