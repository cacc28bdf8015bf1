import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_router.policy.expression import LONGEST, compile_expression, costly_classes
from edge_router.policy.facts import CallFacts
from edge_router.policy.faults import RuleError, Undecided
from edge_router.policy.reads import Name, QueueRead
from edge_router.policy.surroundings import Surroundings
from state_client.picture import Picture
from tests.policy.world import NOW, SERVICE, call, faults_of, surroundings

SERVED = call()
SERVED.service = SERVICE
SERVED.visits = lambda call, peer, now: {"cloud": 2, "premise": 0}[peer]


def holds(when: str, facts: CallFacts | None = None) -> bool:
    return compile_expression(when, surroundings()).holds(facts or call(), NOW, {})


@pytest.mark.parametrize(
    ("read", "value"),
    [
        ("call.calling", '"+12125550100"'),
        ("call.called", '"+18005550199"'),
        ("call.called_received", '"8005550199"'),
        ("call.trunk", '"carrier"'),
        ("call.source", '"127.0.0.12"'),
        ("call.anonymous", "false"),
        ("call.diverted_from", '"+13035550111"'),
        ('call.header("X-Customer")', '"gold"'),
        ('call.header("x-CUSTOMER")', '"gold"'),
        ('call.header("s")', '"about"'),
        ('call.header("X-Absent")', '""'),
        ('queue("Support").length', "3"),
        ('queue("11-22").length', "3"),
        ('queue("Support").expected', "5"),
        ('queue("11-22").expected', "5"),
        ('queue("Support").longest_wait', "45"),
        ('queue("Support").total_wait', "90"),
        ('queue("Support").agents_available', "2"),
        ('queue("Support").agents_signed_on', "5"),
        ('queue("Support").estimated_wait', "30"),
        ('queue("Support").age', "0.0"),
        ('queue("Old").age', "75.0"),
        ('team("Gold").available', "2"),
        ('team("t-1").engaged', "5"),
        ('team("Gold").idle', "0"),
        ('team("Gold").signed_on', "7"),
        ('team("Gold").age', "4.0"),
        ('trunk("cloud").up', "true"),
        ('trunk("down").up', "false"),
        ('trunk("cloud").calls', "7"),
        ('trunk("cloud").cps', "2.5"),
        ('trunk("cloud").sent(60)', "600"),
        ('percent(100, "s")', "true"),
        ('percent(0, "s")', "false"),
    ],
)
def test_reads(read: str, value: str) -> None:
    facts = call(x_customer="gold", subject="about")
    assert holds(f"{read} == {value}", facts)
    assert not holds(f"{read} != {value}", facts)


@pytest.mark.parametrize(
    "when",
    [
        'call.called.startsWith("+1800") && call.called.endsWith("99") && call.called.contains("555")',
        'call.called.matches("^[+]1800[0-9]{7}$")',
        "size(call.called) == 12 && call.called.size() == 12",
        '["+18005550199", "+18005550198"].exists(n, n == call.called)',
        'call.called in ["+18005550199"]',
        'queue("Support").length * 20 + queue("Support").longest_wait == 105',
        'double(queue("Support").length) * 1.5 == 4.5',
        'queue("Support").length == 3 ? trunk("cloud").up : false',
        'duration("5m") > duration("10s")',
        "int(call.called_received) == 8005550199",
        '{"+18005550199": true}[call.called]',
        "true // always",
    ],
)
def test_cel_itself_is_there(when: str) -> None:
    assert holds(when)


def test_a_percentage_goes_by_caller_and_without_one_by_call() -> None:
    when = 'percent(50, "salt")'
    known = [call(calling=f"+1212555{n:04}") for n in range(40)]
    for facts in known:
        facts.call_id = "one"
    hidden = [CallFacts("anonymous", "", anonymous=True, call_id=f"{n}@carrier") for n in range(40)]
    translated_away = [CallFacts("", "", call_id=f"{n}@carrier") for n in range(40)]
    for calls in known, hidden, translated_away:
        assert {holds(when, facts) for facts in calls} == {True, False}
    known[0].call_id = "another"
    assert holds(when, known[0]) == holds(when, call(calling=known[0].calling))


@pytest.mark.parametrize("text", ["\udcff", "caf\udce9", "日本", "\x00", "a\r\nb"])
def test_any_text_of_a_call_can_be_read(text: str) -> None:
    assert holds('call.header("X-Any") != "" && call.calling != ""', call(calling=text, x_any=text))


def test_values_are_kept_as_the_rule_writes_them() -> None:
    values: dict[str, object] = {}
    rule = compile_expression("queue( \"Support\" ).length == 0 && trunk('cloud').up", surroundings())
    assert not rule.holds(call(), NOW, values)
    assert values == {'queue("Support").length': 3, "trunk('cloud').up": True}


@pytest.mark.parametrize("when", ["true || {} == 1", "{} == 1 || true", "false && {} == 1", "true ? true : {} == 1"])
def test_a_stale_read_makes_a_rule_undecided_whatever_else_it_says(when: str) -> None:
    with pytest.raises(Undecided, match=r'queue\("Old"\) is 75.0 s old, more than 60 s'):
        holds(when.replace("{}", 'queue("Old").length'))


@given(st.lists(st.tuples(st.sampled_from(["||", "&&"]), st.sampled_from(["true", "false", "STALE"])), max_size=6))
def test_a_stale_read_dominates_anywhere(terms: list[tuple[str, str]]) -> None:
    when = "true" + "".join(f" {operator} {term}" for operator, term in terms)
    if "STALE" in when:
        with pytest.raises(Undecided):
            holds(when.replace("STALE", 'queue("Old").length == 1'))
    else:
        assert holds(when) in (True, False)


def test_a_queue_that_is_gone_makes_a_rule_undecided() -> None:
    read = QueueRead(Name("Support"), "age", Surroundings(Picture(), {}))
    with pytest.raises(Undecided, match=r'nothing is known of queue\("Support"\)'):
        read.value(call(), NOW)
    assert read.age(call(), NOW) is None


def test_the_age_is_that_of_the_oldest_state() -> None:
    world = surroundings()
    world.picture.set("Live", NOW - 12.5, source="webex")
    both = compile_expression('queue("Support").length + queue("Live").length > 0', world)
    assert both.age(call(), NOW) == 12.5
    assert compile_expression('trunk("cloud").up', world).age(call(), NOW) is None


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ('queue("Suport").length == 0', 'there is no queue "Suport"; did you mean "Support"? (at character 7)'),
        ('queue("Support").lenght == 0', 'there is no field of a queue "lenght"; did you mean "length"?'),
        ('trunk("clod").up', 'there is no trunk "clod"; did you mean "cloud"? (at character 7)'),
        ('trunk("cloud").upp', 'there is no field of a trunk "upp"; did you mean "up"?'),
        ("call.caled == '1'", 'there is no field of call "caled"; did you mean "called"? (at character 6)'),
        ('qeue("Support").length == 0', 'there is no function "qeue"; did you mean "queue"? (at character 1)'),
        ('call.called.startWith("+")', 'there is no method "startWith"; did you mean "startsWith"?'),
        ('startsWith(call.called, "+")', "startsWith() stands behind what it is asked of"),
        ("caller == '1'", 'there is no name "caller"; did you mean "call"?'),
        ("zzz", 'there is no name "zzz"; there is call, cloud, hours, latch, listed, percent, queue, team, trunk'),
        ("call", 'call is written call.called or call.header("Name") (at character 5)'),
        ("call.called()", "this is a value, and takes no () (at character 12)"),
        ('queue("Support") == 3', 'queue is written queue("Name").length (at character 18)'),
        ("queue(called).length == 1", 'queue is written queue("Name").length (at character 7)'),
        ('queue("Sup" + "port").length == 1', 'queue is written queue("Name").length'),
        ('queue("Support"', 'queue is written queue("Name").length (at character 16)'),
        ('queue("x', "the quotes are not closed, or what stands in them is no CEL text (at character 7)"),
        ('call.header("X Foo") == ""', '"X Foo" can\'t be the name of a header (at character 13)'),
        ('trunk("cloud").sent(0) == 1', "sent() takes whole seconds from 1 to 900 (at character 21)"),
        ('trunk("cloud").sent(901) == 1', "sent() takes whole seconds from 1 to 900"),
        ('trunk("cloud").sent(1.5) == 1', "sent() takes whole seconds from 1 to 900"),
        ('trunk("cloud").sent == 1', "trunk is written"),
        ('percent(101, "salt")', "percent() takes a number from 0 to 100 (at character 9)"),
        ("percent(30)", 'percent is written percent(30, "salt") (at character 11)'),
        ('call.called == "1" and true', 'CEL writes && for "and" (at character 20)'),
        ('not trunk("cloud").up', 'CEL writes ! for "not" (at character 1)'),
        ('queue("Support").length = 0', 'CEL writes == for "=" (at character 25)'),
        ('queue("Support").length == 0 &&', "the rule ends too early: a value or a closing bracket is missing"),
        ("(true", "the rule ends too early: a value or a closing bracket is missing (at character 6)"),
        ("", "the rule ends too early"),
        ("true\n  true", "true is not expected here (at line 2, character 3)"),
        ('true trunk("cloud").up', 'trunk("cloud").up is not expected here (at character 6)'),
        ('"abc', "the quotes are not closed, or what stands in them is no CEL text (at character 1)"),
        ('call.called == "\\q"', "the quotes are not closed, or what stands in them is no CEL text (at character 16)"),
        ('has(call.header("X"))', 'a header that is not there reads as "": call.header("X") != "" (at character 5)'),
        ("9999999999999999999999 == 1", "invalid int literal (at character 1)"),
        ("call.called", "a rule must be true or false, this one is text"),
        ('queue("Support").length', "a rule must be true or false, this one is a whole number"),
        ('queue("Support").longest_wait * 1.5 > 3.0', "the types don't fit"),
        ('trunk("cloud").cps + 1 > 3', "the types don't fit: float + int; CEL mixes no types, convert with"),
        ('call.called == "9" || queue("Support").length', "the types don't fit"),
        ('trunk("cloud").up && !trunk("down").up && (call.called + 1 == "a")', "the types don't fit: string + int"),
        ('queue("Support").length == 77 && call.called < 1', "the types don't fit"),
        ("call.called == 18005550199", "text never equals a number (at character 1)"),
        ("1 != call.anonymous", "a number never equals true or false (at character 1)"),
        ('call.called.matches("(")', "matches() is given what is no regular expression: unclosed group"),
        ('["a"].exists(x, true) && x == "b"', "x is given what it can't take, or is used outside the macro"),
        ("call.called.startsWith(1)", "startsWith is given what it can't take"),
        ("true" + " " * LONGEST, f"a rule has at most {LONGEST} characters, this one has {LONGEST + 4}"),
    ],
)
def test_says_what_is_wrong_and_where(when: str, message: str) -> None:
    assert message in faults_of(when)[0].message


@pytest.mark.parametrize("when", ['call.called == "1" and true', "if", "call == 1 and"])
def test_says_a_thing_once(when: str) -> None:
    places = [fault.at for fault in faults_of(when)]
    assert len(places) == len(set(places))


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ('latch("ful")', 'there is no latch "ful"; did you mean "full"? (at character 7)'),
        ('hours("suport")', 'there is no hours "suport"; did you mean "support"? (at character 7)'),
        ('listed("vips", call.calling)', 'there is no number list "vips"; did you mean "vip"? (at character 8)'),
        ('listed("vip", call.anonymous)', "this is no text of the call, as call.called and call.service.queue are"),
        ('listed("vip")', 'listed is written listed("list", call.calling) (at character 13)'),
        ("cloud().call < 300", 'there is no field of the cloud "call"; did you mean "calls"? (at character 9)'),
        ("cloud(1).calls < 300", "cloud is written cloud().calls (at character 7)"),
        ('call.service.nam == "x"', 'there is no column in the table of services "nam"; did you mean "name"?'),
        ('call.visits("clod") == 0', 'there is no dial-peer "clod"; did you mean "cloud"? (at character 13)'),
        ("call.visits(cloud) == 0", "call is written"),
        ("queue(call.service.queu).expected == 0", 'there is no column in the table of services "queu"'),
        ("queue(call.anonymous).expected == 0", "this is no text of the call, as call.called and call.service.queue"),
        ('latch("full") == "on"', "true or false never equals text"),
    ],
)
def test_what_a_rule_names_must_be_there(when: str, message: str) -> None:
    assert any(message in fault.message for fault in faults_of(when)), faults_of(when)


def test_without_a_table_or_a_cloud_rules_cant_read_them() -> None:
    bare = Surroundings(Picture(), {})
    for when, why in {
        'call.service.queue == "x"': "there is no table of services; add services: {file: services.csv}",
        "cloud().calls < 3": "no trunk leads to the contact centre; name those that do in state.trunks",
    }.items():
        with pytest.raises(RuleError, match=re.escape(why)):
            compile_expression(when, bare)


@pytest.mark.parametrize(
    "when",
    [
        'call.service.name == "Gold cards" && call.service.region == ""',
        "queue(call.service.queue).length == 3 && team(call.service.team).available == 2",
        'queue("Support").expected == 5',
        "hours(call.service.hours) && latch(call.service.latch)",
        'hours("support") && !hours("sales") && latch("full") && !latch("empty")',
        'listed("vip", call.calling) && !listed("vip", call.called) && listed("vip", call.service.owner)',
        'call.visits("cloud") == 2 && call.visits("premise") == 0',
        "cloud().calls == 250 && cloud().entitlement == 390",
    ],
)
def test_reads_what_the_configuration_has(when: str) -> None:
    assert holds(when, SERVED)


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ('call.service.name == "x" || true', "no service has this number"),
        ("queue(call.service.queue).length == 0 || true", "no service has this number"),
        ("queue(call.called).length == 0 || true", r'nothing is known of queue\("\+18005550199"\)'),
        ("hours(call.called) || true", r'there is no hours\("\+18005550199"\)'),
        ("latch(call.called) || true", r'there is no latch\("\+18005550199"\)'),
    ],
)
def test_a_name_that_the_call_doesnt_bring_makes_a_rule_undecided(when: str, why: str) -> None:
    with pytest.raises(Undecided, match=why):
        holds(when)
    assert compile_expression(when, surroundings()).age(call(), NOW) is None


def test_the_state_that_a_call_names_has_its_age() -> None:
    world = surroundings()
    world.picture.set("Support", NOW, source="event", length=3)
    expression = compile_expression("queue(call.service.queue).length == 3", world)
    assert expression.age(SERVED, NOW + 7.5) == 7.5
    assert expression.queues == frozenset()


def test_every_fault_of_every_rule_is_told_at_once() -> None:
    faults = faults_of('queue("Suport").lenght == 0 && trunk("clod").up &&', "true", 'siz("x") == 1 && latch("y")')
    assert [(fault.rule, fault.at) for fault in faults] == [(0, 6), (0, 16), (0, 37), (0, 50), (2, 23), (2, 0)]


@pytest.mark.parametrize(
    "when",
    [
        'call.called.matches(call.header("X-Pattern"))',
        'int(call.header("X-Priority")) > 3',
        "100 / queue('Support').length > 3",
        'queue("Support").length == 1.5',
        "!call.anonymous == true",
        'queue("Support").age + 1.5 > 2.0',
        'queue("Support").length == "abc".size()',
        'call.called.size() == 12 && call.called + "1" == "2"',
    ],
)
def test_what_can_be_right_at_a_call_is_no_fault(when: str) -> None:
    assert not faults_of(when)


PIECES = [*"()[]{}.,?:!=&|<>\"'\\/ \n01a", "call.called", 'queue("Support").length', "&&", "percent(30,", "size"]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_no_text_does_worse_than_to_be_refused(when: str) -> None:
    assert all(fault.message for fault in faults_of(when))


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        (r'call.called.matches("^\\+1\\d+$")', [r"\d"]),
        (r'call.called.matches(r"^\+1\d+$") || call.calling . matches ( "\\W\\d\\d" )', [r"\d", r"\W"]),
        (r"call.header('X').matches('\\s')", [r"\s"]),
        (r'call.called.matches("^[0-9]+\\.$")', []),
        (r'call.called.matches("\\\\d")', []),  # a backslash and a d
        (r'call.called.matches("\\\\\\d")', [r"\d"]),
        (r'call.called == "\\d"  // matches("\\d")', []),
        ("call.called.matches(", []),
    ],
)
def test_costly_classes_of_patterns(text: str, classes: list[str]) -> None:
    assert costly_classes(text) == classes


def test_a_team_that_nobody_has_heard_of_lately_makes_a_rule_undecided() -> None:
    stale = compile_expression('team("Gold").available > 0', surroundings(stale_after=3.0))
    with pytest.raises(Undecided, match=r'team\("Gold"\) is 4\.0 s old, more than 3 s'):
        stale.holds(call(), NOW, {})
    unknown = compile_expression('team("New").available > 0', Surroundings(Picture(), {}, open=True))
    with pytest.raises(Undecided, match=r'nothing is known of team\("New"\)'):
        unknown.holds(call(), NOW, {})


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ('team("Golf").available > 0', 'there is no team "Golf"; did you mean "Gold"?'),
        ('team("Gold").avail > 0', 'there is no field of a team "avail"; did you mean "available"?'),
    ],
)
def test_a_team_and_its_fields_are_checked_at_load(when: str, message: str) -> None:
    (fault,) = faults_of(when)
    assert message in fault.message
