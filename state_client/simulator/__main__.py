"""``python -m state_client.simulator``: a simulated Webex Contact Center on this machine."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from state_client.simulator.script import OFFICE_DAY, Script
from state_client.simulator.server import Simulator

STEADY = (1.0,) * 24


def arguments() -> argparse.ArgumentParser:
    """What it understands."""
    parser = argparse.ArgumentParser(
        prog="python -m state_client.simulator",
        description="A simulated Webex Contact Center: OAuth, configuration, search, subscriptions and webhooks.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (any that is free)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same script (1)")
    parser.add_argument("--queues", type=int, default=6, help="queues (6)")
    parser.add_argument("--teams", type=int, default=0, help="teams (one for 10 agents)")
    parser.add_argument("--agents", type=int, default=40, help="agents (40)")
    parser.add_argument("--load", type=float, default=1.0, help="calls, as a share of what the agents can take (1.0)")
    parser.add_argument("--swing", type=float, default=0.6, help="how far calls rise and fall around that (0.6)")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast everything happens (1)")
    parser.add_argument("--day", action="store_true", help="office hours (UTC): calls by the hour, agents in shifts")
    parser.add_argument("--lag", type=float, default=3.0, help="seconds that searches are behind (3)")
    parser.add_argument("--limit", type=int, default=300, help="requests a minute (300)")
    parser.add_argument("--sessions", type=int, default=0, help="voice contacts that the entitlement allows (no bound)")
    return parser


def script_of(asked: argparse.Namespace) -> Script:
    """The script that was asked for."""
    return Script(
        seed=asked.seed,
        queues=asked.queues,
        teams=asked.teams or max(1, asked.agents // 10),
        agents=asked.agents,
        load=asked.load,
        swing=asked.swing,
        shifts=asked.day,
        hours=OFFICE_DAY if asked.day else STEADY,
        sessions=asked.sessions,
    ).faster(asked.speed)


async def run(asked: argparse.Namespace) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    warm_up = 900.0 / asked.speed
    simulator = Simulator(script_of(asked), lag=asked.lag, per_minute=asked.limit, warm_up=warm_up)
    url = await simulator.start(asked.host, asked.port)
    print(f"api            {url}")
    print(f"token_url      {url}/v1/access_token")
    print(f"org_id         {simulator.cloud.org_id}")
    print(f"client_id      {simulator.cloud.tokens.client_id}")
    print("client_secret  simulated-secret")
    print("refresh_token  simulated-refresh-token")
    print(f"truth          {url}/simulator/truth", flush=True)
    await stop.wait()
    await simulator.close()


def main() -> int:
    """The program."""
    asked = arguments().parse_args()
    if asked.speed <= 0 or asked.queues < 1 or asked.agents < 1:
        print("--speed must be above 0, --queues and --agents 1 or more", file=sys.stderr)
        return 2
    try:
        asyncio.run(run(asked))
    except OSError as fault:
        print(f"{asked.host}:{asked.port} can't be listened on: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
