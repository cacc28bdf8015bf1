import asyncio
import gzip
import os

import aiohttp
import pytest
from aiohttp import web

from state_client.webex.transport import SLICE, TooLarge, open_session, read_body
from tests.state_client.webex.rest_cloud import Asked, Cloud, reply, serve


async def test_no_cookie_of_the_cloud_is_kept() -> None:
    async with serve(Cloud()) as cloud, open_session(cloud.address) as http:
        cloud.accepted = "token"
        cloud.on("/", reply({}, Set_Cookie="session=1; Path=/"))
        by_name = cloud.address.replace("127.0.0.1", "localhost")  # no jar keeps cookies of bare addresses
        for _ in range(2):
            async with http.get(by_name, headers={"Authorization": "Bearer token"}) as response:
                assert "Set-Cookie" in response.headers
        assert ["Cookie" in asked.headers for asked in cloud.asked] == [False, False]


async def test_a_proxy_of_the_environment_is_used_except_for_this_machine() -> None:
    for address, proxied in (
        ("https://api.example.com", True),
        ("http://127.0.0.1:1", False),
        ("http://[::1]:1", False),
    ):
        async with open_session(address) as http:
            assert http.trust_env is proxied


async def body_of(octets: bytes, coding: str, most: int = 2**30) -> bytes:
    """What is read of an answer with these octets in it."""

    def make(_: Asked) -> web.Response:
        return web.Response(body=octets, headers={"Content-Encoding": coding} if coding else {})

    async with serve(Cloud()) as cloud, open_session(cloud.address) as http:
        cloud.accepted = "token"
        cloud.on("/", make)
        async with http.get(cloud.address, headers={"Authorization": "Bearer token"}) as response:
            found = await read_body(response, most)
        assert cloud.asked[0].headers["Accept-Encoding"] == "gzip"
        return found


@pytest.mark.parametrize("size", [0, 1, SLICE - 1, SLICE, SLICE + 1, 5 * SLICE])
async def test_a_compressed_answer_is_read_as_it_was(size: int) -> None:
    for plain in (os.urandom(size), bytes(size)):
        assert await body_of(gzip.compress(plain), "gzip") == plain
        assert await body_of(plain, "") == plain
    assert await body_of(b"", "gzip") == b""


@pytest.mark.parametrize(
    ("octets", "coding"),
    [(gzip.compress(b"x" * 999, mtime=0)[:-9], "gzip"), (b"no gzip", "gzip"), (b"x", "br"), (b"x", "deflate")],
)
async def test_a_compressed_answer_that_is_not_whole_is_none(octets: bytes, coding: str) -> None:
    with pytest.raises(aiohttp.ClientError):
        await body_of(octets, coding)


async def test_calls_get_their_turn_while_an_answer_is_inflated() -> None:
    """300 KB become 300 MB: no more than is wanted, and never all at once."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    bomb = gzip.compress(bytes(100 * SLICE))
    counting = asyncio.create_task(count())
    before = turns
    with pytest.raises(TooLarge):
        await body_of(bomb, "gzip", 90 * SLICE)
    assert turns - before > 90
    counting.cancel()
