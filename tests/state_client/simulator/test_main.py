"""`python -m state_client.simulator` as a process of its own."""

import asyncio
import signal
import sys

import aiohttp
import pytest

from state_client.simulator.__main__ import arguments, script_of
from state_client.simulator.script import OFFICE_DAY


async def start(*words: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "state_client.simulator", *words, stdout=pipe, stderr=pipe
    )


async def test_it_says_where_it_is_serves_and_stops() -> None:
    process = await start("--seed", "5", "--queues", "3", "--speed", "30")
    assert process.stdout
    try:
        said: dict[str, str] = {}
        while "truth" not in said:
            name, _, value = (await process.stdout.readline()).decode().strip().partition(" ")
            said[name] = value.strip()
        async with aiohttp.ClientSession() as session:
            async with session.get(said["truth"]) as answer:
                assert len((await answer.json())["queues"]) == 3
            form = {"grant_type": "refresh_token"} | {
                n: said[n] for n in ("client_id", "client_secret", "refresh_token")
            }
            async with session.post(said["token_url"], data=form) as answer:
                assert (await answer.json())["access_token"].endswith(said["org_id"])
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize("words", [("--speed", "0"), ("--agents", "0"), ("--queues", "many")])
async def test_what_it_can_t_do_is_said_in_words(words: tuple[str, ...]) -> None:
    process = await start(*words)
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"Traceback" not in errors
    assert words[0].encode() in errors


async def test_a_port_that_is_taken() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        process = await start("--port", str(port))
        _, errors = await process.communicate()
    assert (process.returncode, f"127.0.0.1:{port} can't be listened on".encode() in errors) == (1, True)


def test_its_words_make_a_script() -> None:
    script = script_of(arguments().parse_args(["--agents", "200", "--day", "--speed", "2", "--sessions", "30"]))
    assert (script.teams, script.hours, script.shifts, script.sessions) == (20, OFFICE_DAY, True, 30)
    assert (script.handling, script.patience) == (90.0, 90.0)
