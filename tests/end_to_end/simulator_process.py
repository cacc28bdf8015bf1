"""The simulated contact centre, in a process of its own, as a user starts it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.end_to_end.block import Block
from tests.end_to_end.forked import Forked
from tests.end_to_end.waiting import until

SECRET = "0123456789abcdef0123456789abcdef"


class SimulatorProcess:
    """A contact centre in which nothing happens but what the test asks for."""

    def __init__(self, block: Block, directory: Path) -> None:
        self._directory = directory
        self._webhook = "http://{}:{}/webhooks/webex".format(*block.http)
        words = ["--load", "0", "--lag", "0", "--host", block.host(20), "--port", "8090"]
        self._stdout, self._stderr = (directory / f"simulator.{kind}" for kind in ("stdout", "stderr"))
        self._process = Forked("state_client.simulator", words, self._stdout, self._stderr)
        self.said: dict[str, str] = {}

    def wait_until_ready(self) -> None:
        def has_begun() -> bool:
            assert self._process.poll() is None, f"the simulator ended: {self._stderr.read_text()}"
            *lines, _ = self._stdout.read_text().split("\n")
            self.said = dict(line.split() for line in lines)
            return "truth" in self.said

        until(has_begun, "the simulator to begin")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()

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
        simulator.wait_until_ready()
        yield simulator
    finally:
        simulator.stop()
