from pathlib import Path
from typing import Any

import pytest

from state_client.webex.errors import WebexError
from state_client.webex.estimated_wait import estimated_wait
from tests.state_client.webex.rest_cloud import ORG, client, fault, reply


async def test_milliseconds_become_seconds(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/v1/ewt", reply({"estimatedWaitTime": 20349.12}))
        assert await estimated_wait(rest.api, "q-1", 15) == pytest.approx(20.34912)
        assert rest.cloud.asked[0].query == {"queueId": "q-1", "lookbackMinutes": "15", "orgId": ORG}
        assert rest.seen[-1] == ("estimated-wait", "200")


async def test_no_content_is_no_estimate(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/v1/ewt", reply(None, 204))
        assert await estimated_wait(rest.api, "q-1", 15) is None


@pytest.mark.parametrize("content", [{"estimatedWaitTime": -1}, {"estimatedWaitTime": "1"}, {}, [], None])
async def test_what_is_no_estimate_is_none(tmp_path: Path, content: Any) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/v1/ewt", reply(content))
        assert await estimated_wait(rest.api, "q-1", 15) is None


async def test_nothing_to_wait_for_is_an_estimate_too(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/v1/ewt", reply({"estimatedWaitTime": 0}))
        assert await estimated_wait(rest.api, "q-1", 15) == 0


async def test_an_error_is_an_error(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.on("/v1/ewt", fault(422, "no"))
        with pytest.raises(WebexError, match="estimated-wait: 422 no"):
            await estimated_wait(rest.api, "q-1", 15)


@pytest.mark.parametrize("minutes", [4, 241])
async def test_a_lookback_that_the_cloud_does_not_take_is_not_asked_for(tmp_path: Path, minutes: int) -> None:
    async with client(tmp_path) as rest:
        with pytest.raises(ValueError, match="from 5 to 240 minutes"):
            await estimated_wait(rest.api, "q-1", minutes)
        assert rest.cloud.asked == []
