"""What the cloud posts, made by hand."""

from __future__ import annotations

from typing import Any

import orjson

from state_client.webex.secret import Secret
from state_client.webex.signature import SIGNATURE, TIMESTAMP, sign

SECRET = Secret("the-secret-of-the-webhook-32-or-more")
SUBSCRIPTION = "41e92806-331d-4802-bc12-674f92d4a6f7"


def body(name: str, data: Any, **extra: Any) -> bytes:
    """The body of an event; ``extra`` is more of its envelope, or other values for it."""
    return orjson.dumps(
        {
            "id": "00000000-0000-0000-0000-000000000001",
            "specversion": "1.0",
            "type": name,
            "source": f"/com/cisco/wxcc/{SUBSCRIPTION}",
            "comciscoorgid": "97cdbf45-ebe2-4687-8341-44d5c7abf101",
            "datacontenttype": "application/json",
            "data": data,
        }
        | extra
    )


def task_post(event_id: str, task_id: str, at: float, name: str = "task:parked", **extra: Any) -> bytes:
    """An event of an interaction, sent when it happened: ``at``, in seconds since the epoch."""
    data = {"taskId": task_id, "queueId": "q-1", "channelType": "telephony", "createdTime": round(at * 1000)}
    return body(name, data, **({"id": event_id, "comciscotimestamp": str(round(at * 1000))} | extra))


def signed(raw: bytes, secret: Secret = SECRET) -> dict[str, str]:
    """The headers that the cloud sends along."""
    sent = orjson.loads(raw).get("comciscotimestamp")
    return {SIGNATURE: sign(secret, raw), "Content-Type": "application/json"} | ({TIMESTAMP: str(sent)} if sent else {})
