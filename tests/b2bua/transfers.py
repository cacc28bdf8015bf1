"""What stories of transfers begin with and come back to."""

import pytest

from tests.b2bua.leg import Leg, Party
from tests.b2bua.stage import CLOUD_FIRST, HOME, Stage
from tests.end_to_end.wire import Wire

FROM_ANYWHERE = ({"name": "from-carrier", "incoming": {"called": "+1800555...."}, "policy": "door"},)
TO_A_TARGET = "Refer-To: <sip:42@198.51.100.21>"
TO_CLOUD = "Refer-To: <sip:{}@{}:{}>".format(CLOUD_FIRST, *HOME)
WHO = pytest.mark.parametrize("who", ["caller", "callee"])


def ends(stage: Stage, who: str) -> tuple[Leg, Leg]:
    """The transferor, and who stays, of a call from the carrier to the premise."""
    caller, callee = stage.connected()
    return (caller, callee) if who == "caller" else (callee, caller)


def refers(transferor: Leg, *headers: str, new: Party) -> Leg:
    """Sends a REFER, hears 202 and the first NOTIFY; returns the leg of who is called then."""
    transferor.asks("REFER", *(headers or (TO_CLOUD,)))
    transferor.hears(202, "REFER")
    is_told(transferor, "100 Trying")
    return new.is_called()


def is_told(transferor: Leg, status: str) -> Wire:
    """Hears a NOTIFY of a transfer, and says 200 to it."""
    notify = transferor.hears("NOTIFY")
    over = int(status[:3]) >= 200
    assert notify.get("Event").partition(";")[0] == "refer"
    assert notify.get("Subscription-State") == ("terminated;reason=noresource" if over else "active;expires=300")
    assert notify.get("Content-Type") == "message/sipfrag;version=2.0"
    assert notify.body == f"SIP/2.0 {status}\r\n".encode()
    transferor.answers(notify, 200)
    return notify


def is_joined(stays: Leg, new: Leg) -> Wire:
    """The new party has said 200 and hears its ACK; who stays is re-INVITEd with what it said."""
    new.hears("ACK")
    again = stays.hears("INVITE")
    stays.answers(again, 200, body=stays.party.sdp)
    stays.hears("ACK")
    return again


def arrives(transferor: Leg, stays: Leg, new: Leg) -> None:
    """The new party answers and takes the transferor's place."""
    new.says(200)
    is_joined(stays, new)
    is_told(transferor, "200 OK")
    transferor.is_hung_up()
