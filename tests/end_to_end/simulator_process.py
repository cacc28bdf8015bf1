"""The simulated contact centre, in a process of its own, as a user starts it."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.end_to_end.block import Block

SECRET = "0123456789abcdef0123456789abcdef"


class SimulatorProcess:
    """A contact centre in which nothing happens but what the test asks for."""

    def __init__(self, block: Block, directory: Path) -> None:
        self._directory = directory
        self._webhook = "http://{}:{}/webhooks/webex".format(*block.http)
        command = [sys.executable, "-m", "state_client.simulator", "--load", "0", "--lag", "0"]
        self.process = subprocess.Popen(
            [*command, "--host", block.host(20), "--port", "8090"], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.said: dict[str, str] = {}
        while "truth" not in self.said:
            line = self.process.stdout.readline()
            assert line, "the simulator ended"
            name, value = line.split()
            self.said[name] = value

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def state(self, **settings: Any) -> dict[str, Any]:
        """The section `state` for a router that follows it; writes the secrets beside the configuration."""
        for name, value in (("client", self.said["client_secret"]), ("refresh", self.said["refresh_token"])):
            (self._directory / name).write_text(value)
        (self._directory / "webhook").write_text(SECRET)
        webex = {
            "api": self.said["api"],
            "token_url": self.said["token_url"],
            "org_id": self.said["org_id"],
            "client_id": self.said["client_id"],
            "client_secret_file": "client",
            "refresh_token_file": "refresh",
            "webhook": {"url": self._webhook, "secret_file": "webhook"},
        }
        return {"source": "webex", "webex": {**webex, **settings}}

    # -------------------------------------------------------------------------------------------- asking, telling

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.said['api']}/simulator/{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    @property
    def queue(self) -> str:
        """The name of a queue for calls."""
        queues = self.ask("GET", "truth")["queues"].values()
        return str(next(queue["name"] for queue in queues if queue["channel"] == "telephony"))

    def calls(self, queue: str, count: int) -> list[str]:
        """So many callers more wait in a queue. Gives the ids of their tasks."""
        self.ask("POST", "agents", {"state": "idle"})
        found: list[str] = self.ask("POST", "calls", {"queue": queue, "count": count})["tasks"]
        return found


@contextmanager
def running_simulator(block: Block, directory: Path) -> Iterator[SimulatorProcess]:
    simulator = SimulatorProcess(block, directory)
    try:
        yield simulator
    finally:
        simulator.stop()
