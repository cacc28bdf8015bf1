"""Copies: what is lost is sent again, and what comes again changes nothing."""

from copy import copy

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door
from tests.end_to_end.site import Site

NUMBER = "+1800555"


def configuration(block: Block) -> str:
    return front_door(block)


def test_a_copy_of_the_invite_makes_no_second_call(site: Site) -> None:
    caller = site.caller(NUMBER)
    invite = caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(180)
    caller.expect(180)
    caller.send(invite)
    caller.expect(180)  # the newest response again (RFC 3261 §17.2.1)
    site.settled()
    # The router's own copies, T1 apart, end with the callee's 180.
    branches = {message.branch for message in site.calls_to(site.premise, caller)}
    assert callee.opening is not None
    assert branches <= {callee.opening.branch}
    site.connects(caller, callee)
    site.ends(caller, callee)


def test_an_invite_that_nobody_answers_is_sent_again(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    again = callee.expect("INVITE")
    assert again == callee.opening
    callee.answer(180)
    caller.expect(180)
    site.connects(caller, callee)
    site.ends(caller, callee)


def test_an_answer_that_is_not_acknowledged_is_sent_again(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    answer = caller.expect(200)
    assert caller.expect(200) == answer
    caller.ack(answer)
    callee.expect("ACK")
    site.ends(caller, callee)


def test_a_refusal_that_is_not_acknowledged_is_sent_again(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(486)
    final = caller.expect(486)
    assert caller.expect(486) == final
    caller.ack(final)


def test_a_copy_of_the_callees_answer_gets_the_ack_again(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(200)
    caller.ack(caller.expect(200))
    ack = callee.expect("ACK")
    callee.answer(200)
    again = callee.expect("ACK")
    assert (again.cseq, again.body, again.get("To")) == (ack.cseq, ack.body, ack.get("To"))
    site.ends(caller, callee)


def test_a_copy_of_the_callees_refusal_gets_the_ack_again(site: Site) -> None:
    caller = site.caller(NUMBER)
    caller.invite()
    callee = site.callee(site.premise, caller)
    for _ in range(2):
        callee.answer(486)
        ack = callee.expect("ACK")
        assert callee.opening is not None
        assert ack.branch == callee.opening.branch
    site.refused(caller, 486)


def test_a_copy_of_a_bye_gets_the_same_answer(site: Site) -> None:
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    bye = caller.bye()
    callee.hears_of_end()
    first = caller.expect(200, method="BYE")
    caller.send(bye)
    assert caller.expect(200, method="BYE") == first


def test_a_second_callee_that_answers_is_acknowledged_and_ended(site: Site) -> None:
    """A proxy behind the trunk forked (RFC 3261 §13.2.2.4): the other dialog gets ACK and BYE, the call goes on."""
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    assert callee.opening is not None
    fork = copy(callee)
    fork.local = callee.local + "-fork"
    fork.reply(callee.opening, 200, body=fork.body)
    ack = fork.phone.receive(
        lambda message: message.method == "ACK" and message.get("To").endswith("-fork"), "ACK of the fork"
    )
    assert ack.cseq == callee.opening.cseq
    bye = fork.phone.receive(
        lambda message: message.method == "BYE" and message.get("To").endswith("-fork"), "BYE of the fork"
    )
    fork.reply(bye, 200)
    site.ends(caller, callee)
