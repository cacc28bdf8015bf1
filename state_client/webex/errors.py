"""What can go wrong between us and the cloud, in words for whoever runs the router.

No error, and nothing else that is written anywhere, holds a token or a secret.
"""

from __future__ import annotations

from typing import Final

LONGEST_REASON: Final = 300
"""Characters of what the cloud says; the rest is left out."""


class WebexError(Exception):
    """The cloud didn't do what it was asked; the classes below say which kind of failure it was, where that matters.

    ``status`` is HTTP's, 0 where no answer came. ``tracking_id`` is what Cisco's support asks for, ``reason`` the
    cloud's own words or ours. ``retry_after`` is for how many seconds the cloud wants to be left alone, 0 where it
    doesn't say; ``next_try`` after how many it is asked again, where it wasn't asked because of what it said before.
    """

    def __init__(
        self,
        operation: str,
        status: int,
        tracking_id: str,
        reason: str,
        retry_after: float = 0.0,
        next_try: float = 0.0,
    ) -> None:
        self.operation = operation
        self.status = status
        self.tracking_id = tracking_id
        self.reason = " ".join(reason.split())[:LONGEST_REASON]
        self.retry_after = retry_after
        self.next_try = next_try
        super().__init__(operation, status, tracking_id, self.reason)

    def __str__(self) -> str:
        status = f"{self.status} " if self.status else ""
        tracked = f" (TrackingId {self.tracking_id})" if self.tracking_id else ""
        postponed = f"; next try in {self.next_try:.0f} s" if self.next_try else ""
        return f"Webex {self.operation}: {status}{self.reason}{tracked}{postponed}"

    @property
    def lasting(self) -> str:
        """What it says without what is another moment's a second later."""
        return str(self) if not self.next_try else str(postponed(self, 0.0))


class Unreachable(WebexError):
    """No answer came, or none but 5xx, or the breaker is open: the network or the cloud isn't well."""


class Busy(WebexError):
    """Our own limit or the cloud's (429): the request wasn't processed."""


class Refused(WebexError):
    """403: the token is good, but its scopes or its user's role don't allow this."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. The authorisation needs the scope cjp:config_read, and cjp:config_write to make "
            "subscriptions; its user has to be a contact centre administrator. A new scope counts after a new "
            "`edge-router webex login`"
        )


class NotSaved(WebexError):
    """The cloud gave a new refresh token, and it can't be kept. It is in memory, and writing is tried again."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. The cloud gave a new refresh token, which would be lost at a restart: nothing is "
            "asked of the cloud with it until it is saved"
        )


class NotAuthorised(WebexError):
    """401, or there is no token to ask with."""

    def __str__(self) -> str:
        return f"{super().__str__()}. Run `edge-router webex login`"


def postponed(error: WebexError, next_try: float) -> WebexError:
    """The same fault, of a request that isn't made for ``next_try`` seconds because of it."""
    kind = NotAuthorised if isinstance(error, NotAuthorised) else Unreachable
    return kind(error.operation, error.status, error.tracking_id, error.reason, next_try=next_try)
