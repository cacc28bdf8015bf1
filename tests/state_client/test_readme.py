"""The example in the package's README does what it says."""

import asyncio
import re
import sys
from pathlib import Path

import state_client
from state_client.simulator.script import Script
from state_client.simulator.server import Simulator

README = Path(state_client.__file__).with_name("README.md")


async def test_the_example_runs(tmp_path: Path) -> None:
    text = README.read_text()
    (example,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    simulator = Simulator(Script(load=0.0))
    url = await simulator.start()
    try:
        assert simulator.cloud.org_id in example
        for secret, name in re.findall(r"echo (\S+) > (\w+)", text):
            (tmp_path / name).write_text(secret)
        assert "http://127.0.0.1:8090" in example
        (tmp_path / "example.py").write_text(example.replace("http://127.0.0.1:8090", url))
        root = Path(state_client.__file__).parent.parent
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "example.py"),
            cwd=tmp_path,
            env={"PYTHONPATH": str(root)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            told, errors = await process.communicate()
        assert (process.returncode, errors.decode()) == (0, "")
        names = {line.split()[0] for line in told.decode().splitlines()}
        assert names == {queue.name for queue in simulator.cloud.world.centre.queues.values()}
    finally:
        await simulator.close()


def test_what_the_rooms_are_called() -> None:
    named = set(re.findall(r"`(\w+\.py|\w+/)`", README.read_text().partition("## Rooms")[2]))
    rooms = {f"{path.parent.name}/" for path in README.parent.glob("*/__init__.py")}
    assert rooms <= named
    assert named - rooms <= {path.name for path in README.parent.glob("*.py")}
