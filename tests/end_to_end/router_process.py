"""The real router, in a process of its own, as a user starts it; only its imports are done before (`forked.py`)."""

import http.client
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.block import Block
from tests.end_to_end.forked import Forked
from tests.end_to_end.waiting import until

Samples = dict[str, list[tuple[dict[str, str], float]]]

_STOP_WITHIN: Final = 30.0

StartRouter = Callable[[str], "RouterProcess"]
"""The fixture `start_router`: a configuration's text in, a router that is ready out."""


class RouterProcess:
    """`edge-router run` over one configuration file; its stderr is kept for whoever asks why."""

    def __init__(self, block: Block, configuration: str, directory: Path) -> None:
        self.block = block
        self.file = directory / "edge-router.yaml"
        self.file.write_text(configuration)
        self._stderr = directory / "stderr.log"
        words = ["run", "-c", str(self.file)]
        self._process = Forked("edge_router", words, directory / "stdout.log", self._stderr, directory)

    # -------------------------------------------------------------------------------------------- asking

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stderr(self) -> str:
        return self._stderr.read_text(errors="backslashreplace")

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an HTTP answer; (0, "") while nobody listens."""
        connection = http.client.HTTPConnection(*self.block.http, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self._process.poll() is None, f"the router ended with {self._process.returncode}:\n{self.stderr}"
            return self.get("/readyz")[0] == 200

        until(ready, "/readyz to say 200")

    def metrics(self) -> Samples:
        """Every sample by its name without the prefix, each with its labels."""
        status, text = self.get("/metrics")
        assert status == 200, (status, text, self.stderr)
        found: Samples = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found.setdefault(sample.name.removeprefix("edge_router_"), []).append((sample.labels, sample.value))
        return found

    def metric(self, name: str, **labels: str) -> float:
        """The sum over the samples that carry these labels; 0 where there is none."""
        samples = self.metrics().get(name, [])
        return sum(value for has, value in samples if labels.items() <= has.items())

    # -------------------------------------------------------------------------------------------- telling

    def configure(self, configuration: str) -> None:
        """Writes the file anew and asks for a reload."""
        self.file.write_text(configuration)
        self.send(signal.SIGHUP)

    def send(self, sign: signal.Signals) -> None:
        self._process.send_signal(sign)

    def wait_for_end(self, within: float = _STOP_WITHIN) -> int:
        """The exit status."""
        return self._process.wait(within)

    def stop(self) -> None:
        """Ends the process whatever it is at: once by asking, for calls in progress keep it, then by force."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(_STOP_WITHIN)

    def check_health(self) -> None:
        """Still alive, and nothing that an operator would have to call a bug on stderr."""
        assert self._process.poll() is None, f"the router ended with {self._process.returncode}:\n{self.stderr}"
        check_stderr(self.stderr)


def check_stderr(text: str) -> None:
    assert "Traceback" not in text, text


@contextmanager
def running_router(block: Block, configuration: str, directory: Path) -> Iterator[RouterProcess]:
    router = RouterProcess(block, configuration, directory)
    try:
        router.wait_until_ready()
        yield router
    finally:
        router.stop()
    check_stderr(router.stderr)
