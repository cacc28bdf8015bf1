"""A REFER inside a call that the router consumes: it calls the new party, and brings the one who stays there."""

import pytest

from tests.b2bua.conftest import OpenStage
from tests.b2bua.in_call import accepts, media, part, reinvites
from tests.b2bua.leg import Leg
from tests.b2bua.stage import CLOUD_FIRST, Stage
from tests.b2bua.transfers import FROM_ANYWHERE, TO_CLOUD, WHO, arrives, ends, is_joined, is_told, refers
from tests.end_to_end.wire import beside_origin, origin


@pytest.fixture
def stage(open_stage: OpenStage) -> Stage:
    return open_stage(peers=FROM_ANYWHERE)


@WHO
def test_who_stays_is_brought_to_the_new_party(stage: Stage, who: str) -> None:
    transferor, stays = ends(stage, who)
    new = refers(transferor, new=stage.cloud)
    assert new.invite.uri == f"sip:{CLOUD_FIRST}@198.51.100.21:5060"
    assert new.invite.body == stays.party.sdp
    new.says(180)
    is_told(transferor, "180 Ringing")
    new.says(200)
    again = is_joined(stays, new)
    assert beside_origin(again.body) == beside_origin(new.party.sdp)
    user, session, version, address = origin(transferor.party.sdp)
    assert origin(again.body) == (user, session, version + 1, address)
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
    accepts(new, reinvites(stays, new), stays)
    accepts(stays, reinvites(new, stays), new)
    part(stays, new)
    record = stage.record
    uri = TO_CLOUD.partition("<")[2].rstrip(">")
    assert (record.outcome, record.transferred_to) == ("answered", uri)
    assert record.ended_by == ("callee" if who == "caller" else "caller")
    assert [(each.dial_peer, each.code) for each in record.attempts] == [("premise", 200), ("cloud", 200)]
