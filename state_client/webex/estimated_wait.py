"""The cloud's own estimate of how long a caller would wait. It is made of recent waits, and often there is none."""

from __future__ import annotations

import math
from typing import Any, Final

from state_client.webex.fields import part
from state_client.webex.rest import WebexApi

SHORTEST_LOOKBACK: Final = 5
LONGEST_LOOKBACK: Final = 240
"""Minutes of recent waits that an estimate may be made of."""


async def estimated_wait(api: WebexApi, queue_id: str, lookback_minutes: int) -> float | None:
    """Seconds that a caller would wait in this queue, None where the cloud has no estimate or no such queue.

    Raises `WebexError`, and ValueError for a lookback out of the cloud's bounds.
    """
    if not SHORTEST_LOOKBACK <= lookback_minutes <= LONGEST_LOOKBACK:
        raise ValueError(f"lookback has to be from {SHORTEST_LOOKBACK} to {LONGEST_LOOKBACK} minutes")
    params = {"queueId": queue_id, "lookbackMinutes": str(lookback_minutes), "orgId": api.org_id}
    answer: Any = await api.call("estimated-wait", "GET", "/v1/ewt", params=params)
    wait = part({"answer": answer}, "answer").get("estimatedWaitTime")
    if not isinstance(wait, int | float) or isinstance(wait, bool) or not math.isfinite(wait) or wait < 0:
        return None
    return wait / 1000
