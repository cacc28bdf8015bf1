"""A burst while the cloud still looks empty: calls that were sent there count until they are seen, and shares hold."""

from typing import Any

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.leg import Leg
from tests.b2bua.stage import DIAL_PEERS, Stage

CALLED = "+18005557000"
ONE_TARGET = {"targets": ["sip:198.51.100.21:5060"]}
SHARED = {"of": "cloud", "max_concurrent": 100}
STATE: dict[str, Any] = {"queues": {"Support": {"id": "q-1", "source": "pushed"}, "Sales": {"length": 0}}}


def stage_of(open_stage: OpenStage, when: str, by: str = "redirect", **settings: Any) -> Stage:
    rule = {"name": "asked", "when": when, "to": ["cloud", "premise"], "by": by}
    stage = open_stage(rules=[rule], state=STATE | {"stale_after": "10m"}, **settings)
    stage.picture.set("Support", stage.clock(), "pushed", length=0)
    return stage


def call(stage: Stage, number: int) -> tuple[str, Leg, Leg | None]:
    """One more caller, and where his call goes: redirected ones are over, bridged ones ring."""
    caller = stage.carrier.calls(CALLED, calling=f"+1312555{number:04d}")
    for party in (stage.premise, stage.cloud):
        if party.unheard:
            caller.hears(100)
            return (
                stage.router.calls[list(stage.router.calls)[-1]].record.dial_peer_out or "",
                caller,
                party.is_called(),
            )
    caller.hears_refusal(302)
    return "redirected", caller, None


def end(caller: Leg, callee: Leg | None) -> None:
    if callee is None:
        return
    callee.says(200)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def burst(stage: Stage, calls: int) -> list[str]:
    """Where so many calls at one moment go; all are over then."""
    went = [call(stage, number) for number in range(calls)]
    for _, caller, callee in went:
        end(caller, callee)
    return [where for where, _, _ in went]


def test_a_burst_that_the_cloud_doesnt_show_yet_does_not_all_go_there(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, 'queue("Support").expected < 5')
    assert burst(stage, 50) == ["redirected"] * 5 + ["premise"] * 45


@pytest.mark.parametrize(
    ("condition", "reads", "there"),
    [('queue("Support").expected', "", 6), ('queue("Support").expected', 'queue("Support").length >= 0', 6)],
)
def test_a_latch_alone_holds_a_burst(open_stage: OpenStage, condition: str, reads: str, there: int) -> None:
    away = {"name": "away", "to": ["cloud", "premise"], "by": "redirect"}
    stage = open_stage(
        rules=[{"name": "over", "when": 'latch("full")', "to": "premise"}, {**away, "when": reads} if reads else away],
        latches={"full": {"set": f"{condition} > 5", "clear": f"{condition} < 3", "hold": "0s"}},
        state=STATE | {"stale_after": "10m"},
    )
    stage.picture.set("Support", stage.clock(), "pushed", length=0)
    assert burst(stage, 50) == ["redirected"] * there + ["premise"] * (50 - there)
    board, now = stage.router.routing.latches, stage.clock()
    assert [str(news) for news in board.look(now)] == ['latch "full" is on: queue("Support").expected is 6']
    stage.pass_time(121)
    stage.router.routing.ledger.placed.tidy(stage.clock())
    board.look(stage.clock())
    assert burst(stage, 2) == ["redirected"] * 2


def test_a_latch_goes_off_with_the_call_that_leaves(open_stage: OpenStage) -> None:
    over = {"name": "over", "when": 'latch("full")', "to": "premise"}
    stage = open_stage(
        rules=[over, {"name": "there", "to": ["cloud", "premise"]}],
        latches={"full": {"set": "cloud().calls > 1", "clear": "cloud().calls < 2"}},
        state={"queues": {"Sales": {"length": 0}}},
        cloud=ONE_TARGET,
    )
    legs = [call(stage, number) for number in range(3)]
    assert [where for where, _, _ in legs] == ["cloud", "cloud", "premise"]
    end(*legs[0][1:])
    legs.append(call(stage, 3))
    assert legs[-1][0] == "cloud"
    last = legs.pop()
    assert last[2] is not None
    last[2].refuses(503)
    end(last[1], stage.premise.is_called())
    legs.append(call(stage, 4))
    assert legs[-1][0] == "cloud"
    for _, caller, callee in legs[1:]:
        end(caller, callee)


def test_expected_is_of_the_queue_whatever_a_rule_calls_it(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, 'queue("q-1").expected < 2 && queue("Sales").length == 0')
    assert burst(stage, 4) == ["redirected"] * 2 + ["premise"] * 2
    assert stage.router.routing.ledger.placed.unseen("Support") == 2


def test_a_static_queue_has_what_its_owner_says(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, 'queue("Sales").expected == 0')
    assert burst(stage, 3) == ["redirected"] * 3


def test_the_calls_of_the_cloud_count_those_on_their_way_also_where_no_queue_is_live(open_stage: OpenStage) -> None:
    stage = open_stage(
        rules=[{"name": "away", "when": "cloud().calls < 2", "to": ["cloud", "premise"], "by": "redirect"}],
        state={"queues": {"Sales": {"length": 0}}},
    )
    assert burst(stage, 3) == ["redirected"] * 2 + ["premise"]


def test_a_call_is_expected_for_so_long(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, 'queue("Support").expected == 0')
    stage.router.routing.ledger.placed.expect_for = 20.0
    assert burst(stage, 2) == ["redirected", "premise"]
    stage.pass_time(19)
    assert burst(stage, 1) == ["premise"]
    stage.pass_time(1)
    stage.router.routing.ledger.placed.tidy(stage.clock())
    assert burst(stage, 2) == ["redirected", "premise"]


def test_a_bridged_call_is_expected_until_it_is_over_and_a_failed_one_not_at_all(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, 'queue("Support").expected == 0', by="bridge", cloud=ONE_TARGET)
    placed = stage.router.routing.ledger.placed
    where, caller, callee = call(stage, 1)
    assert (where, placed.unseen("Support")) == ("cloud", 1)
    end(caller, callee)
    assert placed.unseen("Support") == 0
    _, caller, callee = call(stage, 2)
    assert callee is not None
    callee.refuses(503)
    premise = stage.premise.is_called()
    assert placed.unseen("Support") == 0
    end(caller, premise)


def test_what_goes_to_the_premise_is_not_expected_in_the_cloud(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, 'queue("Support").expected > 0')
    assert burst(stage, 3) == ["premise"] * 3
    assert stage.router.routing.ledger.placed.unseen_total == 0


@pytest.mark.parametrize("asked", [True, False])
def test_who_hangs_up_before_his_refer_is_accepted_is_expected_no_longer(open_stage: OpenStage, asked: bool) -> None:
    stage = stage_of(open_stage, "true", by="refer", door={"share": {"of": "cloud", "max_concurrent": 1}})
    placed = stage.router.routing.ledger.placed
    caller = stage.carrier.calls(CALLED)
    caller.hears(200)
    refer = None
    if asked:
        caller.ack()
        refer = caller.hears("REFER")
    assert (placed.unseen_total, placed.concurrent(("door", "cloud"))) == (1, 1)
    caller.hangs_up()
    assert (placed.unseen_total, placed.concurrent(("door", "cloud")), stage.record.outcome) == (0, 0, "answered")
    if refer is not None:
        caller.answers(refer, 481)


def test_whose_refer_was_accepted_is_expected_also_when_he_hangs_up(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, "true", by="refer", door={"share": SHARED})
    caller = stage.carrier.calls(CALLED)
    caller.hears(200)
    caller.ack()
    caller.answers(caller.hears("REFER"), 202)
    caller.hangs_up()
    assert (stage.router.routing.ledger.placed.unseen_total, stage.record.outcome) == (1, "referred")


UNDECIDED: dict[str, list[dict[str, Any]]] = {
    "destinations": [{"name": "plain", "incoming": {"trunk": "carrier"}, "destinations": ["cloud"]}],
    "by number": [
        {"name": "plain", "incoming": {"trunk": "carrier"}},
        {"name": "cloud", "outgoing": {"trunk": "cloud", "called": CALLED}},
    ],
    "emergency": [],
}
"""Ways by which a call gets to the cloud without a policy."""


def without_policy(open_stage: OpenStage, way: str, **more: Any) -> Stage:
    peers = [one for one in DIAL_PEERS if way == "emergency" or one["name"] != "from-carrier"]
    known = {one["name"]: one for one in (*peers, *UNDECIDED[way], *more.pop("also", ()))}
    if way == "emergency":
        more["emergency"] = {"called": [CALLED], "destinations": ["cloud"]}
    return open_stage(dial_peers=list(known.values()), **more)


@pytest.mark.parametrize("way", UNDECIDED)
def test_what_no_policy_sends_there_is_counted_and_linked_all_the_same(open_stage: OpenStage, way: str) -> None:
    stage = without_policy(open_stage, way, door={"share": SHARED})
    placed, now = stage.router.routing.ledger.placed, stage.router.wheel.now
    where, caller, callee = call(stage, 1)
    assert (where, placed.unseen_total, placed.concurrent(("door", "cloud"))) == ("cloud", 1, 0)
    record = next(iter(stage.router.calls.values())).record
    assert placed.seen("task-1", "+13125550001", CALLED, now, now, queued=True) == record.call_id
    end(caller, callee)
    assert (placed.unseen_total, placed.concurrent(("door", "cloud")), stage.record.webex_task_id) == (0, 0, "task-1")


def test_what_no_policy_sends_there_is_expected_in_its_services_queue(open_stage: OpenStage) -> None:
    stage = without_policy(
        open_stage,
        "destinations",
        files={"services.csv": f"called,queue\n{CALLED},Support\n"},
        services={"file": "services.csv"},
        state=STATE,
    )
    where, caller, callee = call(stage, 1)
    assert (where, stage.router.routing.ledger.placed.unseen("Support")) == ("cloud", 1)
    end(caller, callee)


def test_what_comes_back_is_known_whoever_sent_it(open_stage: OpenStage) -> None:
    back = {"name": "from-cloud", "incoming": {"trunk": "cloud"}, "policy": "door"}
    rule = {"name": "to the cloud", "to": ["cloud", "premise"]}
    stage = without_policy(open_stage, "destinations", also=[back], rules=[rule], door={"revisit": False})
    _, caller, in_cloud = call(stage, 1)
    returned = stage.cloud.calls(CALLED, calling="+13125550001")
    returned.hears(100)
    end(returned, stage.premise.is_called())
    assert stage.record.reason == "the call was at cloud before"
    end(caller, in_cloud)


def test_nothing_is_noted_of_what_no_policy_sends_elsewhere(open_stage: OpenStage) -> None:
    plain = [{"name": "plain", "incoming": {"trunk": "carrier"}, "destinations": ["premise"]}]
    stage = open_stage(dial_peers=[one for one in DIAL_PEERS if one["name"] != "from-carrier"] + plain)
    assert burst(stage, 2) == ["premise"] * 2
    ledger = stage.router.routing.ledger
    assert (ledger.placed.unseen_total, len(ledger.visits)) == (0, 0)


def test_the_whole_cloud_counts_what_is_on_its_way(open_stage: OpenStage) -> None:
    stage = stage_of(open_stage, "cloud().calls < 3")
    assert burst(stage, 5) == ["redirected"] * 3 + ["premise"] * 2


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({}, 0),
        ({"door": {"share": SHARED}}, 2),
        ({"latches": {"busy": {"set": "cloud().calls > 9", "clear": "cloud().calls < 9"}}}, 2),
        ({"state": {"queues": {"Support": {"source": "pushed"}}}}, 2),
    ],
    ids=["nobody", "a share", "a latch", "a live queue"],
)
def test_calls_at_the_cloud_are_kept_where_somebody_asks_for_them(
    open_stage: OpenStage, settings: dict[str, Any], kept: int
) -> None:
    stage = open_stage(rules=[{"name": "away", "to": "cloud", "by": "redirect"}], **settings)
    assert burst(stage, 2) == ["redirected"] * 2
    assert stage.router.routing.ledger.placed.unseen_total == kept


@pytest.mark.parametrize(("share", "there"), [({"max_concurrent": 4}, 4), ({"per_minute": 3}, 3), ({}, 9)])
@pytest.mark.parametrize("by", ["redirect", "bridge"])
def test_a_share_sends_the_rest_to_the_next_destination(
    open_stage: OpenStage, by: str, share: dict[str, int], there: int
) -> None:
    stage = stage_of(open_stage, "true", by=by, door={"share": {"of": "cloud", **share}})
    went = burst(stage, 9)
    assert went == ["redirected" if by == "redirect" else "cloud"] * there + ["premise"] * (9 - there)
    if there < 9:
        ((limit, most),) = share.items()
        assert stage.ear.records[-1].reason == f"cloud is over its share ({limit} {most})"
        assert stage.ear.failovers[-1] == ("cloud", "premise", "over its share")


def test_a_share_is_of_its_own_policys_calls(open_stage: OpenStage) -> None:
    def policy(most: int) -> dict[str, Any]:
        rule = {"name": "away", "to": ["gold", "premise"], "by": "redirect"}
        return {"rules": [rule], "otherwise": {"to": "premise"}, "share": {"of": "cloud", "max_concurrent": most}}

    stage = open_stage(
        policies={"door": policy(2), "night": policy(3)},
        peers=[{"name": "gold", "outgoing": {"trunk": "cloud"}}],
        files={"services.csv": "called,policy\n+18005557000,\n+18005557111,night\n"},
        services={"file": "services.csv"},
        emergency={"called": ["911"], "destinations": ["cloud"]},
    )
    legs = [stage.carrier.calls("911")]
    legs[0].hears(100)
    legs.append(stage.cloud.is_called())
    assert burst(stage, 4) == ["redirected"] * 2 + ["premise"] * 2
    nights = [stage.carrier.calls("+18005557111", calling=f"+1312556{number:04d}") for number in range(4)]
    for caller in nights[:3]:
        caller.hears_refusal(302)
    nights[3].hears(100)
    end(nights[3], stage.premise.is_called())
    assert stage.ear.records[-1].reason == "gold is over its share (max_concurrent 3)"
    end(*legs)


def test_what_the_cloud_shows_by_the_number_that_came_is_known(open_stage: OpenStage) -> None:
    dialled = {"name": "cloud", "outgoing": {"trunk": "cloud"}, "called_number": "+13125550001"}
    stage = stage_of(open_stage, "true", peers=[dialled])
    placed, now = stage.router.routing.ledger.placed, stage.router.wheel.now
    assert burst(stage, 1) == ["redirected"]
    assert placed.seen("task-1", "+13125550000", CALLED, now, now, queued=True) == stage.record.call_id


@pytest.mark.parametrize("of", ["front", "cloud"])
def test_a_share_is_of_a_dial_peer_or_of_its_trunk(open_stage: OpenStage, of: str) -> None:
    stage = open_stage(
        dial_peers=[*DIAL_PEERS, {"name": "front", "outgoing": {"trunk": "cloud"}}],
        rules=[{"name": "asked", "to": ["front", "premise"], "by": "redirect"}],
        door={"share": {"of": of, "max_concurrent": 2}},
    )
    assert burst(stage, 4) == ["redirected"] * 2 + ["premise"] * 2


def test_a_share_never_refuses_a_call(open_stage: OpenStage) -> None:
    rule = {"name": "asked", "to": "cloud", "final": True, "by": "redirect"}
    stage = open_stage(rules=[rule], door={"share": {"of": "cloud", "max_concurrent": 0}})
    where, caller, callee = call(stage, 1)
    assert where == "cloud"
    end(caller, callee)
    assert stage.record.reason == "cloud is over its share (max_concurrent 0); bridged, since nothing else is left"
