"""Processes of ours that begin with everything imported: each is forked from one that has done it once.

What a test starts is what `python -m` would start, in a process of its own with its own files and signals. But two
thirds of a second of imports, four hundred times, would be half of the time that all tests take.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
from collections.abc import Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

_server: Final = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(["edge_router.app", "edge_router.cli", "state_client.simulator.server", "rich.console"])
_BEGIN: Final = Path(__file__).with_name("forked_begin.py")
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Forked:
    """What `subprocess.Popen` would be for `python -m MODULE WORDS`; its output goes into files."""

    def __init__(
        self,
        module: str,
        words: Sequence[str],
        stdout: Path,
        stderr: Path,
        cwd: Path | None = None,
        environment: Mapping[str, str] = NOTHING,
    ) -> None:
        stdout.write_bytes(b"")  # there from the beginning, for whoever looks at once
        stderr.write_bytes(b"")
        told = {
            "words": [module, *words],
            "files": [os.devnull, str(stdout), str(stderr)],
            "cwd": str(cwd or Path.cwd()),
            "environment": {**os.environ, **environment},
        }
        # By its path: the forked process need not find our package.
        self._process: BaseProcess = _server.Process(target=runpy.run_path, args=(str(_BEGIN), told))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        atexit.register(self.kill)  # else whoever forgot to end it would be waited for without an end

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """Its exit status, or minus the signal that ended it."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a process of ours", timeout)
        return self._process.exitcode

    def send_signal(self, sign: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, sign)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def ran(
    module: str, words: Sequence[str], environment: Mapping[str, str] = NOTHING, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """`python -m MODULE WORDS` from its beginning to its end, with nothing to read."""
    with TemporaryDirectory() as directory:
        stdout, stderr = (Path(directory) / name for name in ("stdout", "stderr"))
        process = Forked(module, words, stdout, stderr, environment=environment)
        try:
            status = process.wait(timeout)
        finally:
            process.kill()
        return subprocess.CompletedProcess([module, *words], status, stdout.read_text(), stderr.read_text())
