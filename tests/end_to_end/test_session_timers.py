"""Session timers and the longest duration of a call, over real sockets and by the router's own clock."""

from tests.end_to_end.site import OwnSite
from tests.end_to_end.waiting import until

NUMBER = "+1800555"


def test_a_call_ends_in_its_time(own_site: OwnSite) -> None:
    site = own_site(carrier={"max_duration": "1s"})
    caller = site.caller(NUMBER)
    callee = site.answered(caller, site.premise)
    for leg in (caller, callee):
        assert leg.hears_of_end().all("Reason") == ["Q.850;cause=102"]
    until(lambda: site.router.metric("calls_active") == 0, "the call to be over")


def test_each_side_agrees_on_its_own(own_site: OwnSite) -> None:
    site = own_site(premise={"session_timer": {"expires": "15m"}}, carrier={"session_timer": {"min_se": "30m"}})
    timer = ("Supported", "timer")
    short = site.caller(NUMBER)
    short.invite([timer, ("Session-Expires", "900")])
    assert site.refused(short, 422).get("Min-SE") == "1800"
    caller = site.caller(NUMBER)
    caller.invite([timer, ("Session-Expires", "1800")])
    callee = site.callee(site.premise, caller)
    assert callee.opening is not None
    assert callee.opening.get("Session-Expires") == "900"
    callee.answer(200, [timer, ("Session-Expires", "600;refresher=uas")])
    answer = caller.expect(200)
    assert (answer.get("Session-Expires"), answer.get("Require")) == ("1800;refresher=uac", "timer")
    caller.ack(answer)
    callee.expect("ACK")
    for leg, interval in ((caller, "1800"), (callee, "600")):
        leg.send(leg.request("UPDATE", [timer, ("Session-Expires", f"{interval};refresher=uac")]))
        assert leg.expect(200, method="UPDATE").get("Session-Expires") == f"{interval};refresher=uac"
    site.ends(caller, callee)
