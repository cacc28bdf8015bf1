import asyncio
import logging
import traceback
from pathlib import Path

import pytest
from aiohttp import web

from state_client.webex.errors import NotAuthorised, NotSaved, Unreachable, WebexError
from state_client.webex.oauth import TokenKeeper
from state_client.webex.secret import SecretFile
from tests.state_client.webex.rest_cloud import CLIENT_SECRET, REFRESH, Asked, Rest, client, reply


def forbid_writing(rest: Rest) -> None:
    """A folder stands where the file was: nothing can be renamed over it, not even by root."""
    rest.refresh_path.unlink()
    rest.refresh_path.mkdir()


def allow_writing(rest: Rest) -> None:
    rest.refresh_path.rmdir()


async def test_the_refresh_token_brings_an_access_token_that_is_kept(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        token = await rest.keeper.token()
        assert token.reveal() == rest.cloud.accepted
        assert await rest.keeper.token() == token
        assert rest.cloud.token_requests == [
            {
                "grant_type": "refresh_token",
                "client_id": "client-id",
                "client_secret": CLIENT_SECRET,
                "refresh_token": REFRESH,
            }
        ]
        assert rest.keeper.expires == rest.clock.now + 1000
        assert rest.keeper.refresh_expires == rest.clock.now + 7_776_000
        assert rest.seen == [("token", "200")]


async def test_it_is_renewed_at_80_per_cent_of_its_life(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        first = await rest.keeper.token()
        rest.clock.now += 799
        assert await rest.keeper.token() == first
        rest.clock.now += 1
        assert await rest.keeper.token() != first
        assert len(rest.cloud.token_requests) == 2


async def test_however_many_ask_one_renewal_is_made(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        tokens = await asyncio.gather(*(rest.keeper.token() for _ in range(20)))
        assert len(set(tokens)) == 1
        again = await asyncio.gather(*(rest.keeper.renew(tokens[0]) for _ in range(20)))
        assert len(set(again)) == 1
        assert again[0] != tokens[0]
        assert len(rest.cloud.token_requests) == 2


async def test_a_token_that_others_have_renewed_already_is_not_renewed_again(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        bad = await rest.keeper.token()
        good = await rest.keeper.renew(bad)
        assert await rest.keeper.renew(bad) == good
        assert len(rest.cloud.token_requests) == 2


async def test_a_token_that_the_cloud_did_not_take_is_not_given_again(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        bad = await rest.keeper.token()
        rest.cloud.token_replies = [reply(None, 500)] * 2
        with pytest.raises(Unreachable):
            await rest.keeper.renew(bad)
        with pytest.raises(Unreachable):
            await rest.keeper.token()
        assert await rest.keeper.token() != bad


async def test_a_rotated_refresh_token_is_on_disk_before_the_access_token_is_used(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.rotates = True
        await rest.keeper.token()
        assert rest.refresh_path.read_text().strip() == rest.cloud.refresh == "refresh-token-1"
        assert rest.refresh_path.stat().st_mode & 0o777 == 0o600
        rest.clock.now += 900
        await rest.keeper.token()
        assert rest.cloud.token_requests[1]["refresh_token"] == "refresh-token-1"
        assert rest.refresh_path.read_text().strip() == "refresh-token-2"


async def test_a_refresh_token_that_stays_is_not_written(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        before = rest.refresh_path.stat()
        await rest.keeper.token()
        assert rest.refresh_path.stat().st_ino == before.st_ino


async def test_a_rotated_one_that_cannot_be_saved_is_not_lost(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.rotates = True

        async def spoil() -> None:
            forbid_writing(rest)

        rest.cloud.before_token_answer = spoil
        with pytest.raises(NotSaved, match=r"can't be written.*lost at a restart"):
            await rest.keeper.token()
        assert "can't be written" in rest.keeper.fault
        assert "lost at a restart" in caplog.text
        rest.cloud.before_token_answer = None
        with pytest.raises(NotSaved):
            await rest.keeper.token()
        assert len(rest.cloud.token_requests) == 1
        allow_writing(rest)
        assert (await rest.keeper.token()).reveal() == "access-token-1"
        assert rest.refresh_path.read_text().strip() == "refresh-token-1"
        assert rest.keeper.fault == ""
        assert len(rest.cloud.token_requests) == 1


async def test_while_the_rotated_one_cannot_be_saved_the_old_access_token_serves_its_time(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        old = await rest.keeper.token()
        rest.cloud.rotates = True

        async def spoil() -> None:
            forbid_writing(rest)

        rest.cloud.before_token_answer = spoil
        rest.clock.now += 850
        assert await rest.keeper.token() == old
        rest.clock.now += 150
        with pytest.raises(NotSaved):
            await rest.keeper.token()


async def test_one_who_gives_up_does_not_lose_the_rotated_token(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.rotates = True
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def linger() -> None:
            arrived.set()
            await go_on.wait()

        rest.cloud.before_token_answer = linger
        asking = asyncio.create_task(rest.keeper.token())
        await arrived.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        go_on.set()
        await rest.keeper.close()
        assert rest.refresh_path.read_text().strip() == "refresh-token-1"


async def test_a_refused_refresh_token_says_what_to_do(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with client(tmp_path) as rest:
        rest.refresh_path.write_text("forgotten-token")
        with pytest.raises(
            NotAuthorised, match=r"400 invalid_grant: the refresh token or the code is used up.*edge-router webex login"
        ) as caught:
            await rest.keeper.token()
        assert caught.value.tracking_id.startswith("edge-router_")
        assert "invalid_grant" in rest.keeper.fault
        assert "edge-router webex login" in caplog.text


@pytest.mark.parametrize("missing", ["refresh_path", "client_secret_path"])
async def test_a_missing_file_says_what_to_do(tmp_path: Path, missing: str) -> None:
    async with client(tmp_path) as rest:
        getattr(rest, missing).unlink()
        with pytest.raises(NotAuthorised, match=r"can't be read: No such file.*edge-router webex login"):
            await rest.keeper.token()
        assert rest.cloud.token_requests == []


async def test_what_fails_again_and_again_is_left_alone_and_a_login_ends_that(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.refresh_path.write_text("forgotten-token")
        for _ in range(5):
            with pytest.raises(NotAuthorised):
                await rest.keeper.token()
        for _ in range(5):
            with pytest.raises(
                NotAuthorised, match=r"invalid_grant.*; next try in \d+ s\. Run `edge-router webex login`"
            ):
                await rest.keeper.token()
        assert len(rest.cloud.token_requests) == 5
        rest.refresh_path.write_text(REFRESH)
        assert (await rest.keeper.token()).reveal() == rest.cloud.accepted


@pytest.mark.parametrize("status", [429, 503])
async def test_a_pause_that_the_token_endpoint_orders_is_kept_to_the_second(tmp_path: Path, status: int) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [reply({"message": "slow down"}, status, Retry_After="300")]
        with pytest.raises(Unreachable, match=f"Webex token: {status} "):
            await rest.keeper.token()
        for passed in (0, 20, 279):
            rest.clock.now += passed
            with pytest.raises(Unreachable, match=rf"{status} .*; next try in \d+ s"):
                await rest.keeper.token()
        assert len(rest.cloud.token_requests) == 1
        rest.clock.now += 1
        assert (await rest.keeper.token()).reveal() == rest.cloud.accepted


async def test_a_login_does_not_end_a_pause_that_the_token_endpoint_ordered(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [reply(None, 429, Retry_After="300")]
        with pytest.raises(Unreachable):
            await rest.keeper.token()
        rest.refresh_path.write_text("another-token")
        with pytest.raises(Unreachable, match="next try in 300 s"):
            await rest.keeper.token()
        assert len(rest.cloud.token_requests) == 1


async def test_a_429_of_the_token_endpoint_that_says_no_time_is_kept_for_a_minute(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [reply(None, 429)]
        with pytest.raises(Unreachable):
            await rest.keeper.token()
        rest.clock.now += 59
        with pytest.raises(Unreachable, match="next try in 1 s"):
            await rest.keeper.token()
        rest.clock.now += 1
        await rest.keeper.token()


async def test_the_request_for_a_token_has_a_tracking_id(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        await rest.keeper.token()
        (headers,) = rest.cloud.token_headers
        assert headers["TrackingId"].startswith("edge-router_")
        rest.cloud.token_replies = [reply(None, 500)]
        rest.clock.now += 1000
        with pytest.raises(Unreachable) as caught:
            await rest.keeper.token()
        assert caught.value.tracking_id == rest.cloud.token_headers[1]["TrackingId"]


async def test_it_recovers_by_itself_when_the_cloud_does(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [reply({"message": "try later"}, 503) for _ in range(5)]
        for _ in range(5):
            with pytest.raises(Unreachable, match="503 Service Unavailable"):
                await rest.keeper.token()
        rest.clock.now += 30
        assert (await rest.keeper.token()).reveal() == rest.cloud.accepted
        assert rest.keeper.fault == ""


async def test_a_failed_renewal_leaves_the_token_that_is_still_good(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        first = await rest.keeper.token()
        rest.clock.now += 900
        rest.cloud.token_replies = [reply(None, 500)]
        assert await rest.keeper.token() == first
        assert rest.keeper.fault != ""
        rest.cloud.token_replies = [reply(None, 500)]
        rest.clock.now += 100
        with pytest.raises(Unreachable):
            await rest.keeper.token()


@pytest.mark.parametrize("content", [{}, [], {"access_token": ""}, {"access_token": 7}, None])
async def test_an_answer_without_a_token_is_an_error(tmp_path: Path, content: object) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [reply(content)]
        with pytest.raises(Unreachable, match="no access token"):
            await rest.keeper.token()
        assert rest.refresh_path.read_text() == REFRESH


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [reply(None, 307, Location=f"{rest.cloud.address}/elsewhere")]
        with pytest.raises(WebexError, match=r"307.*is token_url right"):
            await rest.keeper.token()
        assert rest.cloud.asked == []


async def test_an_answer_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [reply({"access_token": "x" * 100_000})]
        with pytest.raises(Unreachable, match="larger than"):
            await rest.keeper.token()


async def test_no_secret_is_in_an_error_or_a_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with client(tmp_path) as rest:
        words = f"bad {REFRESH} or {CLIENT_SECRET}"
        rest.cloud.token_replies = [
            reply({"error": words, "error_description": words, "trackingId": words}, 400),
            reply({"message": words}, 500),
        ]
        shown = [caplog.text, repr(rest.keeper), repr(vars(rest.keeper))]
        for _ in range(2):
            with pytest.raises(WebexError) as caught:
                await rest.keeper.token()
            shown += [str(caught.value), repr(caught.value), "".join(traceback.format_exception(caught.value))]
            shown += [rest.keeper.fault, caplog.text]
        await rest.keeper.token()
        shown += [repr(vars(rest.keeper)), caplog.text]
        secrets = [REFRESH, CLIENT_SECRET, rest.cloud.accepted]
        assert not [secret for secret in secrets for text in shown if secret in text]
        assert "bad" not in caplog.text


@pytest.mark.parametrize("status", [400, 401, 403, 418, 429, 500, 599])
async def test_nothing_that_the_token_endpoint_writes_is_shown(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was sent two secrets, and may give them back: percent-encoded, in base64, reversed."""

    def echo(_: Asked) -> web.Response:
        told = {"error": "EVIL", "error_description": "EVIL", "message": "EVIL", "trackingId": "EVIL"}
        return web.json_response(told, status=status, reason="EVIL", headers={"TrackingId": "EVIL"})

    async with client(tmp_path) as rest:
        rest.cloud.token_replies = [echo]
        with pytest.raises(WebexError) as caught:
            await rest.keeper.token()
        assert "EVIL" not in str(caught.value) + rest.keeper.fault + caplog.text
        assert str(status) in str(caught.value)


async def test_an_answer_that_is_no_http_is_not_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 EVIL EVIL\r\nEVIL\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client(tmp_path) as rest:
        rest.keeper._token_url = f"http://127.0.0.1:{port}/"
        with pytest.raises(Unreachable, match="the answer is no HTTP") as caught:
            await rest.keeper.token()
        assert "EVIL" not in str(caught.value) + rest.keeper.fault + caplog.text
    server.close()


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("token", ["new\r\nX: y", "new \u2603", "   ", "r" * 30_000])
async def test_a_token_that_can_be_none_does_not_replace_the_good_one(name: str, token: str, tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        good = {"access_token": "access", "refresh_token": "refresh", "expires_in": 60}
        rest.cloud.token_replies = [reply({**good, name: token})]
        with pytest.raises(Unreachable, match="that can't be one"):
            await rest.keeper.token()
        assert rest.refresh_path.read_text().strip() == REFRESH
        assert rest.keeper.expires == 0


async def test_a_token_endpoint_without_https_is_refused(tmp_path: Path) -> None:
    async with client(tmp_path) as rest:
        with pytest.raises(ValueError, match="has to begin with https"):
            TokenKeeper("http://example.com/token", "id", SecretFile("a"), SecretFile("b"), rest.http)
