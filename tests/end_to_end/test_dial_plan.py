"""Where a number goes: inbound and outbound dial-peers by CUBE patterns, and numbers in every dress."""

import pytest

from tests.end_to_end.block import Block
from tests.end_to_end.configuration import front_door, trunk
from tests.end_to_end.site import Site
from tests.end_to_end.wire import user_of

HOSTS = {"long": 101, "short": 102, "second": 103, "renumbered": 104}


def configuration(block: Block) -> str:
    def outgoing(name: str, called: str, preference: int = 0, **more: object) -> dict[str, object]:
        return {"name": name, "outgoing": {"trunk": name, "called": called, "preference": preference}, **more}

    return front_door(
        block,
        trunks={name: trunk(block.host(last)) for name, last in HOSTS.items()},
        dial_peers=[
            # No policy and no destinations: the outgoing dial-peers are matched by number.
            {"name": "by-number", "incoming": {"trunk": "carrier", "called": "+1900", "calling": "+1312"}},
            {"name": "no-way-out", "incoming": {"trunk": "carrier", "called": "+1901"}},
            outgoing("short", "+1900...."),
            outgoing("long", "+190055"),
            outgoing("second", "+1900....", 1),
            outgoing("renumbered", "+19007", called_number="9{called}"),
        ],
    )


def sent_to(site: Site, called: str, name: str, calling: str = "+13125550199") -> str:
    """Calls a number, sees it arrive at this trunk, and gives the user part that it arrived with."""
    end = site.phone(site.block.host(HOSTS[name]))
    caller = site.caller("", calling=calling)
    caller.target = f"sip:{called}@{site.block.router[0]}"
    caller.invite()
    invite = end.receive(lambda message: message.method == "INVITE", f"the call to {called}")
    caller.called = user_of(invite.uri)
    end.pending.append(invite)
    callee = site.callee(end, caller)
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)
    return caller.called


def test_the_longest_match_wins(site: Site) -> None:
    assert sent_to(site, "+19005512345", "long") == "+19005512345"
    assert sent_to(site, "+19001234567", "short") == "+19001234567"


def test_the_next_preference_comes_after_a_failure(site: Site) -> None:
    ends = [site.phone(site.block.host(HOSTS[name])) for name in ("short", "second")]
    caller = site.caller("+1900123")
    caller.invite()
    first = site.callee(ends[0], caller)
    first.answer(500)
    first.expect("ACK")
    second = site.callee(ends[1], caller)
    site.connects(caller, second)
    site.ends(caller, second)


def test_called_number_is_what_is_dialled_there(site: Site) -> None:
    assert sent_to(site, "+19007654321", "renumbered") == "9+19007654321"


@pytest.mark.parametrize(
    ("called", "arrives"),
    [
        ("+1-900-551-2345", "+1-900-551-2345"),
        ("+1(900)551.2345", "+1(900)551.2345"),
        ("%2b19005512345", "%2b19005512345"),
        ("+19005512345;npdi;rn=+1312", "+19005512345;npdi;rn=+1312"),
    ],
)
def test_a_number_is_matched_bare_and_stays_dressed_on_the_wire(site: Site, called: str, arrives: str) -> None:
    assert sent_to(site, called, "long") == arrives


def test_a_calling_number_that_does_not_match_is_another_dial_peers(site: Site) -> None:
    """All keys of one map must hold: this caller falls to from-carrier, and so to the premise."""
    caller = site.caller("+190055", calling="+14155550100")
    caller.invite()
    callee = site.callee(site.premise, caller)
    callee.answer(486)
    callee.expect("ACK")
    site.refused(caller, 486)


def test_a_number_that_no_outgoing_dial_peer_takes(site: Site) -> None:
    caller = site.caller("+1901")
    caller.invite()
    site.refused(caller, 404)
