"""SIPp asks who we are, and reckons our answers itself: calls, and registrations from beginning to end."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.configuration import front_door
from tests.end_to_end.sipp_process import Sipp
from tests.end_to_end.site import OwnSite, Site
from tests.end_to_end.waiting import until

DATA: Final = "../tests/data/sipp"
RULE: Final = {"name": "premise", "to": "premise"}
PASSWORD: Final = "correct horse"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def started(scenario: str, site: Site, directory: Path, stack: ExitStack) -> Sipp:
    sipp = Sipp(f"{DATA}/{scenario}", site.block, directory)
    stack.callback(sipp.stop)
    sipp.wait_until_bound()
    return sipp


def test_a_call_to_who_asks_who_we_are(
    own_site: OwnSite, tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREMISE_PASSWORD", PASSWORD)
    site = own_site(RULE, premise={"username": "edge", "password_file": "env:PREMISE_PASSWORD"})
    sipp = started("premise_challenges.xml", site, tmp_path, stack)
    caller = site.caller("+1800555")
    caller.invite()
    caller.ack(caller.expect(200))
    shown = [site.router.get(path)[1] for path in ("/v1/calls", "/v1/trunks", "/metrics", "/readyz")]
    assert '"premise"' in shown[1]
    assert not [text for text in shown if PASSWORD in text or "Digest" in text]
    caller.bye()
    caller.expect(200, method="BYE")
    assert sipp.failure() == ""
    site.idle()
    assert PASSWORD not in site.router.stderr


def test_a_registration_from_its_beginning_to_its_end(own_site: OwnSite, tmp_path: Path, stack: ExitStack) -> None:
    site = own_site(RULE)
    password = site.router.file.with_name("password")
    password.write_text(PASSWORD)
    register = {"registrar": f"sip:{site.block.cloud}", "aor": "sip:edge@registrar.example", "contact_user": "line1"}
    cloud = {"username": "edge", "password_file": password.name, "register": register}
    sipp = started("registrar.xml", site, tmp_path, stack)
    site.router.configure(front_door(site.block, [RULE], cloud=cloud))
    until(lambda: site.router.metric("trunk_registered", trunk="cloud") == 1, "the cloud to have us")
    until(lambda: site.router.metric("sip_responses_total", method="REGISTER", code="200") == 2, "it to be renewed")
    site.router.send(signal.SIGTERM)
    assert site.router.wait_for_end() == 0
    assert sipp.failure() == ""
    assert PASSWORD not in site.router.stderr
