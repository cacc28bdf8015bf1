"""Every way in which a call can end, each played to its last word, and what its record says then.

Told once here, since much must hold at each of them: loads are released, the record is whole, nothing is left behind.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from edge_router.sip.timers import GIVE_UP
from tests.b2bua.leg import Leg
from tests.b2bua.reliable import SPEAKS, calls, is_answered, pracked, pracks, rang, rings
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, REDIRECTED, REFERRED, REJECTED, UNKNOWN, Stage
from tests.b2bua.transfers import TO_A_TARGET, arrives, is_told, refers
from tests.end_to_end.wire import Wire, tag_of


class Ending(NamedTuple):
    """``play`` plays a call to its end; the rest is what stands in its record."""

    play: Callable[[Stage], None]
    outcome: str
    ended_by: str
    code: int
    attempts: tuple[int | None, ...] = ()
    cause: int | None = None
    method: str = "bridge"


# ------------------------------------------------------------------------------------------------ it stood


def caller_hangs_up(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.hangs_up("Reason: Q.850;cause=16")
    callee.is_hung_up()


def callee_hangs_up(stage: Stage) -> None:
    caller, callee = stage.connected()
    callee.hangs_up()
    caller.is_hung_up()


def both_hang_up(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.hangs_up()
    bye = callee.hears("BYE")
    callee.asks("BYE")
    callee.hears(481)
    callee.answers(bye, 481)


def nobody_answers_the_bye(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.hangs_up()
    stage.pass_time(GIVE_UP)
    callee.party.unheard.clear()


def caller_hangs_up_before_his_ack(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    caller.hangs_up()
    callee.hears("ACK")
    callee.is_hung_up()


def callee_hangs_up_before_the_ack(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    caller.hears(200)
    callee.hangs_up()
    callee.hears("ACK")
    caller.ack()
    caller.is_hung_up()


def caller_never_acknowledges(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.says(200)
    stage.pass_time(GIVE_UP + 0.2)
    stage.carrier.unheard = [message for message in stage.carrier.unheard if message.method == "BYE"]
    callee.hears("ACK")
    callee.is_hung_up()
    caller.answers(stage.carrier.unheard.pop(), 200)


def answered_twice(stage: Stage) -> None:
    caller, callee = stage.connected()
    callee.local += "-fork"
    callee.says(200)
    callee.hears("ACK")
    callee.is_hung_up()
    caller.hangs_up()
    callee.is_hung_up()


def router_stops_in_mid_call(stage: Stage) -> None:
    caller, callee = stage.connected()
    stage.router.interrupt()
    caller.is_hung_up()
    callee.is_hung_up()


# ------------------------------------------------------------------------------------------------ within it


def reinvites(asker: Leg, asked: Leg) -> Wire:
    asker.asks("INVITE", body=asker.party.sdp)
    asker.hears(100)
    return asked.hears("INVITE")


def held_and_resumed(stage: Stage) -> None:
    caller, callee = stage.connected()
    for asker, asked in ((caller, callee), (callee, caller)):
        asked.answers(reinvites(asker, asked), 200, body=asked.party.sdp)
        asker.hears(200)
        asker.ack()
        asked.hears("ACK")
        for method in ("UPDATE", "INFO"):
            asker.asks(method)
            asked.answers(asked.hears(method), 200)
            asker.hears(200)
    caller.hangs_up()
    callee.is_hung_up()


def caller_hangs_up_while_he_reinvites(stage: Stage) -> None:
    caller, callee = stage.connected()
    invite = reinvites(caller, callee)
    caller.asks("BYE")
    caller.hears(200, "BYE")
    caller.hears_refusal(487)
    callee.is_hung_up()
    callee.answers(invite, 487)
    callee.hears("ACK")


def callee_hangs_up_while_he_is_reinvited(stage: Stage) -> None:
    caller, callee = stage.connected()
    invite = reinvites(caller, callee)
    callee.answers(invite, 180)
    caller.hears(180)
    callee.hangs_up()
    caller.hears_refusal(487)
    caller.is_hung_up()
    callee.answers(invite, 200, body=callee.party.sdp)
    callee.hears("ACK")


def callee_never_acknowledges_the_answer_to_his_reinvite(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.answers(reinvites(callee, caller), 200, body=caller.party.sdp)
    stage.pass_time(GIVE_UP + 0.2)
    callee.party.unheard = [message for message in callee.party.unheard if message.method == "BYE"]
    caller.hears("ACK")
    caller.is_hung_up()
    callee.is_hung_up()


def callee_has_lost_the_call(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.asks("INFO")
    callee.answers(callee.hears("INFO"), 481)
    caller.hears(481)
    caller.is_hung_up()
    callee.is_hung_up()


def caller_says_nothing_to_an_update(stage: Stage) -> None:
    caller, callee = stage.connected()
    callee.asks("UPDATE", body=callee.party.sdp)
    stage.pass_time(GIVE_UP)
    caller.party.unheard = [message for message in caller.party.unheard if message.method == "BYE"]
    caller.is_hung_up()
    callee.is_hung_up()


def caller_does_not_refresh_his_session(stage: Stage) -> None:
    caller, callee = with_session(stage, "Session-Expires: 90;refresher=uac")
    stage.pass_time(61)
    caller.is_hung_up()
    callee.is_hung_up()


def caller_hangs_up_after_refreshes(stage: Stage) -> None:
    caller, callee = with_session(stage, "Session-Expires: 90;refresher=uas")
    stage.pass_time(46)
    refresh = caller.hears("INVITE")
    stage.carrier.unheard.clear()
    caller.answers(refresh, 200, body=caller.party.sdp)
    caller.hears("ACK")
    caller.asks("UPDATE", "Supported: timer", "Session-Expires: 90;refresher=uas")
    caller.hears(200)
    caller.hangs_up()
    callee.is_hung_up()


def caller_hangs_up_while_he_is_asked_to_refresh(stage: Stage) -> None:
    caller, callee = with_session(stage, "Session-Expires: 90;refresher=uas")
    stage.pass_time(46)
    refresh = caller.hears("INVITE")
    stage.carrier.unheard.clear()
    caller.hangs_up()
    callee.is_hung_up()
    caller.answers(refresh, 487)
    caller.hears("ACK")


def with_session(stage: Stage, interval: str) -> tuple[Leg, Leg]:
    caller = stage.carrier.calls(PREMISE_ONLY, "Supported: timer", interval)
    callee = stage.premise.is_called()
    callee.says(200)
    caller.hears(100)
    caller.hears(200)
    caller.ack()
    callee.hears("ACK")
    return caller, callee


def caller_hangs_up_before_the_answer_to_his_info(stage: Stage) -> None:
    caller, callee = stage.connected()
    caller.asks("INFO")
    info = callee.hears("INFO")
    caller.asks("BYE")
    caller.hears(200, "BYE")
    caller.hears(487, "INFO")
    callee.is_hung_up()
    callee.answers(info, 481)


# ------------------------------------------------------------------------------------------------ it never stood


def callee_refuses(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.refuses(486, "Reason: Q.850;cause=17")
    caller.hears_refusal(486)


def everybody_refuses(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    for party in (stage.cloud, stage.spare, stage.premise):
        party.is_called().refuses(500)
    caller.hears_refusal(500)


def nobody_says_a_word(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    stage.pass_time(2)
    caller.hears_refusal(408)
    stage.pass_time(GIVE_UP)
    stage.premise.unheard.clear()
    stage.router.routing.trunks["premise"].succeeded(stage.router.routing.trunks["premise"].trunk.targets[0])


def nobody_can_be_reached(stage: Stage) -> None:
    stage.line.cut.add(stage.premise.address)
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    stage.pass_time(0)
    caller.hears_refusal(408)
    stage.line.cut.clear()
    stage.router.routing.trunks["premise"].succeeded(stage.router.routing.trunks["premise"].trunk.targets[0])


def it_rings_too_long(stage: Stage) -> None:
    caller, callee = stage.ringing()
    stage.pass_time(60)
    callee.is_cancelled()
    caller.hears_refusal(408)


def refusal_is_never_acknowledged(stage: Stage) -> None:
    caller, callee = stage.ringing()
    callee.refuses(603)
    stage.pass_time(GIVE_UP)
    caller.party.unheard.clear()


def caller_cancels(stage: Stage) -> None:
    caller, callee = stage.ringing()
    gives_up(caller)
    callee.is_cancelled()


def caller_cancels_before_the_callee_said_a_word(stage: Stage) -> None:
    caller = stage.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    callee = stage.premise.is_called()
    gives_up(caller)
    callee.says(100)
    callee.is_cancelled()


def caller_cancels_as_the_callee_answers(stage: Stage) -> None:
    caller, callee = stage.ringing()
    gives_up(caller)
    callee.says(200)
    callee.answers(callee.hears("CANCEL"), 200)
    callee.hears("ACK")
    callee.is_hung_up()


def caller_says_bye_while_it_rings(stage: Stage) -> None:
    caller, callee = stage.ringing()
    caller.asks("BYE", "Reason: Q.850;cause=16")
    caller.hears(200, "BYE")
    caller.hears_refusal(487)
    callee.is_cancelled()


def target_given_up_answers_late(stage: Stage) -> None:
    caller = stage.carrier.calls(CLOUD_FIRST)
    caller.hears(100)
    late = stage.cloud.is_called()
    late.says(100)
    stage.pass_time(6)
    late.answers(late.hears("CANCEL"), 200)
    callee = stage.spare.is_called()
    late.says(200)
    late.hears("ACK")
    late.is_hung_up()
    callee.refuses(486)
    caller.hears_refusal(486)


def router_stops_while_it_rings(stage: Stage) -> None:
    caller, callee = stage.ringing()
    stage.router.interrupt()
    caller.hears_refusal(503)
    callee.is_cancelled()


# ------------------------------------------------------------------------------------------------ it rang reliably


def rung_reliably(stage: Stage, body: bytes = b"") -> tuple[Leg, Leg, Wire]:
    caller, callee = calls(stage, SPEAKS)
    rings(callee, 7, 180, body)
    return caller, callee, rang(caller, 180)


def prack_crosses(stage: Stage) -> None:
    caller, callee, response = rung_reliably(stage, stage.premise.sdp)
    pracks(caller, response)
    pracked(callee, 7)
    caller.hears(200, "PRACK")
    is_answered(caller, callee)
    caller.hangs_up()
    callee.is_hung_up()


def prack_never_comes(stage: Stage) -> None:
    caller, callee, _ = rung_reliably(stage)
    stage.pass_time(GIVE_UP + 0.2)
    caller.party.unheard = caller.party.unheard[-1:]
    caller.hears_refusal(504)
    callee.is_cancelled()


def prack_never_comes_though_it_is_answered(stage: Stage) -> None:
    caller, callee, _ = rung_reliably(stage)
    is_answered(caller, callee)
    caller.hangs_up()
    callee.is_hung_up()


def prack_that_the_answer_waits_for_never_comes(stage: Stage) -> None:
    caller, callee, _ = rung_reliably(stage, stage.premise.sdp)
    callee.says(200)
    stage.pass_time(GIVE_UP + 0.2)
    caller.party.unheard = caller.party.unheard[-1:]
    caller.hears_refusal(504)
    callee.hears("ACK")
    callee.is_hung_up()


def callee_hangs_up_before_the_prack(stage: Stage) -> None:
    caller, callee, _ = rung_reliably(stage, stage.premise.sdp)
    callee.says(200)
    callee.hangs_up("Reason: Q.850;cause=16")
    callee.hears("ACK")
    caller.hears_refusal(480)


def caller_cancels_before_his_prack(stage: Stage) -> None:
    caller, callee, _ = rung_reliably(stage)
    callee.says(183)
    gives_up(caller)
    callee.is_cancelled()


def caller_hangs_up_before_the_answer_to_his_prack(stage: Stage) -> None:
    caller, callee, response = rung_reliably(stage)
    is_answered(caller, callee)
    pracks(caller, response)
    prack = callee.hears("PRACK")
    caller.asks("BYE")
    caller.hears(200, "BYE")
    caller.hears(487, "PRACK")
    callee.is_hung_up()
    callee.answers(prack, 481)


# ------------------------------------------------------------------------------------------------ it was transferred


def transferred_by_the_callee(stage: Stage) -> None:
    caller, callee = stage.connected()
    new = refers(callee, TO_A_TARGET, new=stage.cloud)
    arrives(callee, caller, new)
    caller.hangs_up()
    new.is_hung_up()


def transferred_by_the_caller(stage: Stage) -> None:
    caller, callee = stage.connected()
    new = refers(caller, TO_A_TARGET, new=stage.cloud)
    arrives(caller, callee, new)
    new.hangs_up()
    callee.is_hung_up()


def transferred_in_vain(stage: Stage) -> None:
    caller, callee = stage.connected()
    refers(callee, TO_A_TARGET, new=stage.cloud).refuses(486)
    is_told(callee, "486 Busy Here")
    callee.hangs_up()
    caller.is_hung_up()


def transferred_as_the_callee_hangs_up(stage: Stage) -> None:
    caller, callee = stage.connected()
    new = refers(caller, TO_A_TARGET, new=stage.cloud)
    callee.hangs_up()
    new.says(100)
    new.is_cancelled()
    is_told(caller, "487 Request Terminated")
    caller.is_hung_up()


def replaced(stage: Stage) -> None:
    caller, callee = stage.connected()
    tags = f"to-tag={tag_of(callee.remote)};from-tag={tag_of(callee.local)}"
    new = stage.premise.calls(PREMISE_ONLY, f"Replaces: {callee.call_id};{tags}")
    new.hears(100)
    caller.answers(caller.hears("INVITE"), 200, body=stage.carrier.sdp)
    new.hears(200)
    new.ack()
    caller.hears("ACK")
    callee.is_hung_up()
    new.hangs_up()
    caller.is_hung_up()


# ------------------------------------------------------------------------------------------------ it went elsewhere


def it_is_redirected(stage: Stage) -> None:
    stage.carrier.calls(REDIRECTED).hears_refusal(302)


def it_is_rejected(stage: Stage) -> None:
    stage.carrier.calls(REJECTED).hears_refusal(480)


def no_dial_peer_matches(stage: Stage) -> None:
    stage.carrier.calls(UNKNOWN).hears_refusal(404)


def referred(stage: Stage) -> Leg:
    caller = stage.carrier.calls(REFERRED)
    caller.hears(200)
    caller.ack()
    return caller


def kept(stage: Stage) -> tuple[Leg, Leg]:
    caller = referred(stage)
    caller.answers(caller.hears("REFER"), 603)
    return caller, stage.premise.is_called()


def gives_up(caller: Leg) -> None:
    caller.cancel("Reason: Q.850;cause=16")
    caller.hears(200, "CANCEL")
    caller.hears_refusal(487)


def it_is_referred(stage: Stage) -> None:
    caller = referred(stage)
    caller.answers(caller.hears("REFER"), 202)
    sipfrag = "Content-Type: message/sipfrag"
    caller.asks("NOTIFY", "Event: refer", "Subscription-State: terminated", sipfrag, body=b"SIP/2.0 200 OK\r\n")
    caller.hears(200, "NOTIFY")
    caller.is_hung_up()


def referred_caller_hangs_up(stage: Stage) -> None:
    caller = referred(stage)
    caller.answers(caller.hears("REFER"), 202)
    caller.hangs_up()


def referred_caller_never_acknowledges(stage: Stage) -> None:
    caller = stage.carrier.calls(REFERRED)
    stage.pass_time(GIVE_UP + 0.2)
    caller.answers(stage.carrier.unheard[-1], 200)
    stage.carrier.unheard.clear()


def kept_caller_hangs_up_while_it_rings(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(180)
    caller.hangs_up()
    callee.is_cancelled()


def kept_caller_is_joined(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 200, body=stage.carrier.sdp)
    caller.hears("ACK")
    caller.hangs_up()
    callee.is_hung_up()


def kept_caller_hangs_up_as_he_is_joined(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    again = caller.hears("INVITE")
    caller.hangs_up()
    callee.is_hung_up()
    caller.answers(again, 487)
    caller.hears("ACK")


def kept_caller_refuses_to_be_joined(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.says(200)
    callee.hears("ACK")
    caller.answers(caller.hears("INVITE"), 488)
    caller.hears("ACK")
    callee.is_hung_up()
    caller.is_hung_up()


def nobody_takes_the_kept_caller(stage: Stage) -> None:
    caller, callee = kept(stage)
    callee.refuses(486)
    caller.is_hung_up()


ENDINGS: Final = {
    ending.play.__name__: ending
    for ending in [
        Ending(caller_hangs_up, "answered", "caller", 200, (200,), 16),
        Ending(callee_hangs_up, "answered", "callee", 200, (200,)),
        Ending(both_hang_up, "answered", "caller", 200, (200,)),
        Ending(nobody_answers_the_bye, "answered", "caller", 200, (200,)),
        Ending(caller_hangs_up_before_his_ack, "answered", "caller", 200, (200,)),
        Ending(callee_hangs_up_before_the_ack, "answered", "callee", 200, (200,)),
        Ending(caller_never_acknowledges, "failed", "router", 200, (200,), 102),
        Ending(answered_twice, "answered", "caller", 200, (200,)),
        Ending(router_stops_in_mid_call, "interrupted", "router", 200, (200,), 41),
        Ending(held_and_resumed, "answered", "caller", 200, (200,)),
        Ending(caller_hangs_up_while_he_reinvites, "answered", "caller", 200, (200,)),
        Ending(callee_hangs_up_while_he_is_reinvited, "answered", "callee", 200, (200,)),
        Ending(callee_never_acknowledges_the_answer_to_his_reinvite, "answered", "router", 200, (200,), 102),
        Ending(callee_has_lost_the_call, "answered", "router", 200, (200,), 41),
        Ending(caller_says_nothing_to_an_update, "answered", "router", 200, (200,), 102),
        Ending(caller_does_not_refresh_his_session, "answered", "router", 200, (200,), 102),
        Ending(caller_hangs_up_after_refreshes, "answered", "caller", 200, (200,)),
        Ending(caller_hangs_up_while_he_is_asked_to_refresh, "answered", "caller", 200, (200,)),
        Ending(caller_hangs_up_before_the_answer_to_his_info, "answered", "caller", 200, (200,)),
        Ending(transferred_by_the_callee, "answered", "caller", 200, (200, 200)),
        Ending(transferred_by_the_caller, "answered", "caller", 200, (200, 200)),
        Ending(transferred_in_vain, "answered", "callee", 200, (200, 486)),
        Ending(transferred_as_the_callee_hangs_up, "answered", "callee", 200, (200, None)),
        Ending(replaced, "answered", "callee", 200, (200,)),
        Ending(callee_refuses, "failed", "router", 486, (486,), 17),
        Ending(everybody_refuses, "failed", "router", 500, (500, 500, 500)),
        Ending(nobody_says_a_word, "failed", "router", 408, (None,), 102),
        Ending(nobody_can_be_reached, "failed", "router", 408, (None,), 102),
        Ending(it_rings_too_long, "failed", "router", 408, (None,), 102),
        Ending(refusal_is_never_acknowledged, "failed", "router", 603, (603,)),
        Ending(caller_cancels, "cancelled", "caller", 487, (None,), 16),
        Ending(caller_cancels_before_the_callee_said_a_word, "cancelled", "caller", 487, (None,), 16),
        Ending(caller_cancels_as_the_callee_answers, "cancelled", "caller", 487, (None,), 16),
        Ending(caller_says_bye_while_it_rings, "cancelled", "caller", 487, (None,), 16),
        Ending(target_given_up_answers_late, "failed", "router", 486, (None, 486)),
        Ending(router_stops_while_it_rings, "interrupted", "router", 503, (None,), 41),
        Ending(prack_crosses, "answered", "caller", 200, (200,)),
        Ending(prack_never_comes, "failed", "router", 504, (None,), 102),
        Ending(prack_never_comes_though_it_is_answered, "answered", "caller", 200, (200,)),
        Ending(prack_that_the_answer_waits_for_never_comes, "failed", "router", 504, (200,), 102),
        Ending(callee_hangs_up_before_the_prack, "failed", "router", 480, (200,), 16),
        Ending(caller_cancels_before_his_prack, "cancelled", "caller", 487, (None,), 16),
        Ending(caller_hangs_up_before_the_answer_to_his_prack, "answered", "caller", 200, (200,)),
        Ending(it_is_redirected, "redirected", "router", 302, method="redirect"),
        Ending(it_is_rejected, "rejected", "router", 480, (), 42, "reject"),
        Ending(no_dial_peer_matches, "failed", "router", 404, method="none"),
        Ending(it_is_referred, "referred", "router", 200, (200,), 16, "refer"),
        Ending(referred_caller_hangs_up, "referred", "caller", 200, (None,), method="refer"),
        Ending(referred_caller_never_acknowledges, "failed", "router", 200, (None,), 102, "refer"),
        Ending(kept_caller_hangs_up_while_it_rings, "answered", "caller", 200, (603, None)),
        Ending(kept_caller_is_joined, "answered", "caller", 200, (603, 200)),
        Ending(kept_caller_hangs_up_as_he_is_joined, "answered", "caller", 200, (603, 200)),
        Ending(kept_caller_refuses_to_be_joined, "failed", "router", 200, (603, 200)),
        Ending(nobody_takes_the_kept_caller, "failed", "router", 200, (603, 486)),
    ]
}
