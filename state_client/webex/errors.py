"""What can go wrong between us and the cloud, in words for whoever runs the router.

No error, and nothing else that is written anywhere, holds a token or a secret.
"""

from __future__ import annotations

from typing import Final

LONGEST_REASON: Final = 300
"""Characters of what the cloud says; the rest is left out."""


class WebexError(Exception):
    """The cloud answered, and not as it was asked to.

    ``status`` is HTTP's, ``tracking_id`` what Cisco's support asks for, ``reason`` the cloud's own words or ours.
    """

    def __init__(self, operation: str, status: int, tracking_id: str, reason: str) -> None:
        self.operation = operation
        self.status = status
        self.tracking_id = tracking_id
        self.reason = reason[:LONGEST_REASON]
        super().__init__(operation, status, tracking_id, self.reason)

    def __str__(self) -> str:
        tracked = f" (TrackingId {self.tracking_id})" if self.tracking_id else ""
        return f"Webex: {self.operation}: {self.status} {self.reason}{tracked}"


class Refused(WebexError):
    """403: the token is good, and its scopes or its user's role don't allow this."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. The authorisation needs the scope cjp:config_read (to make subscriptions also "
            "cjp:config_write), and its user has to be a contact centre administrator"
        )


class Busy(WebexError):
    """429, or our own limit: the request wasn't made or not processed. ``retry_after`` is in seconds."""

    def __init__(self, operation: str, status: int, tracking_id: str, reason: str, retry_after: float) -> None:
        super().__init__(operation, status, tracking_id, reason)
        self.retry_after = retry_after


class Unreachable(WebexError):
    """No answer came, or none but 5xx: the network, the cloud or our breaker. ``status`` is 0 where no answer came."""


class NotAuthorised(Exception):
    """There is no token to ask with, and what to do about it."""
