"""A target that goes and comes back, as OPTIONS finds out."""

from contextlib import closing

from tests.end_to_end.block import Block
from tests.end_to_end.phone import Phone
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until
from tests.end_to_end.wire import Wire

KEEPALIVE = {"interval": "1s", "down_interval": "1s", "retries": 2, "up_after": 2}
RULE = {"name": "cloud first", "to": ["cloud", "premise"]}


def answer(phone: Phone, site: Site, code: int = 200) -> Wire:
    """Answers the next OPTIONS that comes to the phone."""
    asked = phone.receive(lambda message: message.method == "OPTIONS", "OPTIONS")
    copied = [(name, value) for name, value in asked.headers if name in ("Via", "From", "Call-ID", "CSeq")]
    phone.send(Wire(f"SIP/2.0 {code} OK", [*copied, ("To", f"{asked.get('To')};tag=x")], b""), site.block.router)
    return asked


def up(site: Site) -> bool:
    return site.router.metric("trunk_up", trunk="cloud") == 1


def test_a_target_goes_and_comes_back(own_site: OwnSite, block: Block) -> None:
    with closing(Phone(block.cloud, 5060)) as cloud:  # before anybody asks him
        site = own_site(RULE, cloud={"keepalive": KEEPALIVE})
        asked = answer(cloud, site)
        assert not asked.faults()
        assert asked.get("Contact") == "<sip:{}:{}>".format(*site.block.router)
        assert up(site)
    until(lambda: not up(site), "the cloud to be taken for down")
    assert site.router.get("/readyz")[1].count("down: cloud") == 1
    caller = site.caller("+1800555")
    callee = site.answered(caller, site.premise)
    site.ends(caller, callee)
    assert site.router.metric("failovers_total", **{"from": "cloud", "reason": "down"}) == 1
    with closing(Phone(site.block.cloud, 5060)) as cloud:
        until(lambda: bool(answer(cloud, site).start) and up(site), "the cloud to be up again")
        until(lambda: site.router.stderr.count("target sip:") == 2, "two lines in the log")


def test_options_leave_by_the_listener_that_calls_would(own_site: OwnSite, block: Block) -> None:
    """The trunk's own, else one that speaks the target's kind of IP address."""
    port = block.port_of_six
    with closing(Phone(block.cloud, 5060)) as cloud, closing(Phone("::1")) as six:
        site = own_site(
            RULE,
            listen=[
                {"name": "pstn", "address": "{}:{}".format(*block.router)},
                {"name": "six", "address": f"[::1]:{port}"},
                {"name": "inside", "address": f"{block.host(11)}:5060"},
            ],
            cloud={"keepalive": KEEPALIVE, "listen": "inside"},
            trunks={"six": {"targets": [f"sip:[::1]:{six.port}"], "keepalive": KEEPALIVE}},
        )
        assert answer(cloud, site).source == (block.host(11), 5060)
        asked = six.receive(lambda message: message.method == "OPTIONS", "OPTIONS")
        assert (asked.uri, asked.source) == (f"sip:[::1]:{six.port}", ("::1", port))
