"""Where a URI leads that a REFER or a 3xx names: to the target of a trunk, by address or by name, or to us."""

from dataclasses import replace

import pytest

from edge_router.b2bua.routing.aim import Aim, aim_at, is_here
from edge_router.b2bua.routing.routing import Routing
from edge_router.b2bua.trunks.live_trunk import LiveTrunk
from edge_router.config.build import build
from edge_router.dialplan.hunting import Located
from edge_router.sip.uri import SipUri, parse_uri
from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import part
from tests.b2bua.stage import CLOUD_FIRST, PREMISE_ONLY, Stage, configuration
from tests.b2bua.test_names import PLACES, located
from tests.b2bua.test_redirection import is_through
from tests.b2bua.transfers import arrives, refers

NAMES = ["sip:Cloud.example.com", "sip:cloud.example.com:5070"]


def uri(text: str) -> SipUri:
    read = parse_uri(text)
    assert isinstance(read, SipUri)
    return read


def routed(*targets: str) -> Routing:
    return build(configuration(cloud={"targets": list(targets)}), lambda: 0.0)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("sip:1@cloud.example.com", NAMES[0]),
        ("sip:1@CLOUD.example.com.", NAMES[0]),
        ("sip:1@cloud.example.com:5060", NAMES[0]),
        ("sip:1@cloud.example.com:5070", NAMES[1]),
        ("sip:1@cloud.example.com:5080", ""),
        ("sip:1@example.com", ""),
    ],
)
def test_a_target_by_the_name_that_it_is_written_with(text: str, target: str) -> None:
    aim = aim_at(routed(*NAMES), uri(text))
    assert (aim.target if aim is not None else "") == target


def told(aim: Aim | None) -> tuple[LiveTrunk, str] | None:
    return None if aim is None else (aim.trunk, aim.target)


def test_one_of_the_addresses_that_its_name_leads_to() -> None:
    routing = routed(NAMES[0])
    live = routing.trunks["cloud"]
    (target,) = live.trunk.targets
    hosts = ("198.51.100.21", "2001:db8::21")
    live.locate({target.uri: [Located(replace(target, host=each, port=5062), 0) for each in hosts]}, {})
    for each, place in zip(live.targets, ("198.51.100.21:5062", "[2001:db8::21]:5062"), strict=True):
        assert told(aim_at(routing, uri(f"sip:1@{place}"))) == (live, each.label)
    assert aim_at(routing, uri("sip:1@198.51.100.21")) is None
    assert told(aim_at(routing, uri("sip:1@cloud.example.com"))) == (live, target.uri)


def test_of_two_trunks_with_that_target_it_is_the_own() -> None:
    listeners = [{"name": each, "transport": "udp", "address": f"192.0.2.{each}:5060"} for each in ("1", "2")]
    targets = ["sip:198.51.100.31:5060"]
    config = configuration(
        carrier={"listen": "1"}, cloud={"targets": targets, "listen": "1"}, premise={"listen": "2"}, listen=listeners
    )
    routing = build(config, lambda: 0.0)
    for port, own, trunk in ((5060, "cloud", "cloud"), (5060, "premise", "premise"), (5062, "premise", "")):
        aim = aim_at(routing, SipUri.build("198.51.100.31", port), own)
        assert (aim.trunk.name if aim is not None else "") == trunk


@pytest.mark.parametrize(
    ("text", "trunk"),
    [
        ("sip:1@198.51.100.40", "cloud"),
        ("sip:1@198.51.100.40;transport=udp", "cloud"),
        ("sip:1@198.51.100.40;transport=TCP", "premise"),
        ("sip:1@198.51.100.40;transport=sctp", "cloud"),
        ("sip:1@198.51.100.41:5061", "cloud"),
        ("sips:1@198.51.100.41:5061", "premise"),
        ("sips:1@198.51.100.41", "premise"),
        ("sip:1@198.51.100.41;transport=tls", "premise"),
        ("sip:1@sbc.example.com", "cloud"),
        ("sip:1@sbc.example.com;transport=tcp", "premise"),
    ],
)
@pytest.mark.parametrize("own", ["", "cloud"])
def test_of_several_at_one_address_it_is_the_one_of_the_transport_that_is_asked_for(
    text: str, trunk: str, own: str
) -> None:
    at = "192.0.2.1:5060"
    names = [f"sip:sbc.example.com;transport={each}" for each in ("udp", "tcp")]
    cloud = {"targets": ["sip:198.51.100.40", "sip:198.51.100.41:5061", names[0]]}
    premise = {"targets": ["sip:198.51.100.40;transport=tcp", "sip:198.51.100.41:5061;transport=tcp", names[1]]}
    listeners = [{"name": each, "transport": each, "address": at} for each in ("udp", "tcp")]
    config = configuration(listen=listeners, cloud=cloud, premise=premise)
    routing = build(config, lambda: 0.0)
    known = routing.trunks["premise"]
    known.targets = [replace(each, transport="tls") if each.port == 5061 else each for each in known.targets]
    aim = aim_at(routing, uri(text), own)
    assert aim is not None
    assert aim.trunk.name == trunk


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("sip:1@192.0.2.1", True),
        ("sip:1@192.0.2.1:5060", True),
        ("sip:1@192.0.2.1:5070", False),
        ("sip:1@192.0.2.2", False),
    ],
)
def test_an_address_of_ours(stage: Stage, text: str, ours: bool) -> None:
    assert is_here(stage.router, uri(text)) is ours


@pytest.fixture
def named(open_stage: OpenStage) -> Stage:
    stage = open_stage(cloud={"targets": ["sip:cloud.example.com"]})
    located(stage, *PLACES)
    return stage


@pytest.mark.parametrize(("host", "at"), [("cloud.example.com", 0), (PLACES[0], 0), (PLACES[1], 1)])
def test_a_contact_names_it(named: Stage, host: str, at: int) -> None:
    caller = named.carrier.calls(PREMISE_ONLY)
    caller.hears(100)
    named.premise.is_called().refuses(302, f"Contact: <sip:{CLOUD_FIRST}@{host}>")
    is_through(caller, (named.cloud, named.spare)[at].is_called())
    assert named.record.target == f"{PLACES[at]}:5060"


@pytest.mark.parametrize(("host", "at"), [("cloud.example.com", 0), (PLACES[0], 0), (PLACES[1], 1)])
def test_a_refer_names_it(named: Stage, host: str, at: int) -> None:
    transferor, stays = named.connected()
    new = refers(transferor, f"Refer-To: <sip:42@{host}>", new=(named.cloud, named.spare)[at])
    assert new.invite.uri == "sip:42@cloud.example.com"
    arrives(transferor, stays, new)
    part(stays, new)
