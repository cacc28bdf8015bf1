"""A request that is refused, and the two forms in which the cloud says so.

The services for subscriptions have a whole number for ``error.key``, all others text and a ``reason`` beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

REASONS = {
    400: "Bad Request",
    401: "Unauthorized Operation",
    403: "Operation is forbidden",
    404: "Resource not found or URI is invalid",
    413: "Content Too Large",
    422: "Unprocessable Entity",
    429: "Too many requests have been sent in a given amount of time and the request has been rate limited",
    500: "An Unexpected Error Occurred",
    503: "The service is currently unavailable to serve the requests",
}


class Refusal(Exception):
    """What is asked isn't given. ``headers`` go along with the answer, `Retry-After` for one."""

    def __init__(self, status: int, description: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description or REASONS.get(status, "Error")
        self.headers = dict(headers or {})

    def body(self, tracking_id: str, whole_key: bool) -> dict[str, Any]:
        """The answer's body; with ``whole_key`` in the form of the services for subscriptions."""
        message = [{"description": self.description}]
        if whole_key:
            return {"trackingId": tracking_id, "error": {"key": self.status, "message": message}}
        reason = REASONS.get(self.status, self.description)
        return {"trackingId": tracking_id, "error": {"key": str(self.status), "reason": reason, "message": message}}
