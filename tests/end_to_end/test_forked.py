"""Processes that tests start don't outlive those."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.end_to_end import forked

FORGETS: Final = """
import runpy, sys
from pathlib import Path
Forked = runpy.run_path(sys.argv[1])["Forked"]
print(Forked("http.server", ["--bind", "127.0.0.1", "0"], Path("stdout"), Path("stderr")).pid)
"""


def runs(pid: int) -> bool:
    """Whether a process is there, and not only what nobody has read of its end."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_who_forgets_to_end_one_ends_all_the_same_and_so_does_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FORGETS, forked.__file__]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not runs(int(done.stdout))
