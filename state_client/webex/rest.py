"""The cloud's REST interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class WebexApi:
    """Asks the cloud."""

    org_id: str

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        urgent: bool = False,
        fault: Callable[[Any], str] | None = None,
    ) -> Any:
        """Give the answer's JSON."""
        raise NotImplementedError
