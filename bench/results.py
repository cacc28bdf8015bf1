"""All that a run of the bench has found, and the file it is kept in."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

from pydantic import TypeAdapter

import edge_router
from bench.load import Load
from bench.memory import Burst, Held
from bench.series import Series
from bench.set_up_probe import SetUpTimes

DIRECTORY = Path(__file__).parent / "results"


@dataclass(frozen=True)
class SetUp:
    """Set-up times of one device under one load."""

    device: str
    load: Load
    times: SetUpTimes


@dataclass
class Results:
    """What was measured, by the names of the devices in `contenders`. A part that wasn't run is empty."""

    taken: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))
    machine: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    bridging: list[Series] = field(default_factory=list)
    redirecting: list[Series] = field(default_factory=list)
    set_up: list[SetUp] = field(default_factory=list)
    establishment_rate: dict[str, int] = field(default_factory=dict)  # calls a second
    held: dict[str, Held] = field(default_factory=dict)
    burst: dict[str, Burst] = field(default_factory=dict)
    start_seconds: float | None = None

    def loads(self) -> list[tuple[str, Load]]:
        """Each load of a pair or with set-up times, and the device that it went through."""
        found = [
            (device, trial.load)
            for series in self.bridging + self.redirecting
            for device, trials in series.trials.items()
            for trial in trials
        ]
        return found + [(each.device, each.load) for each in self.set_up]

    def others_cores(self) -> tuple[float, float] | None:
        """What everything else on the machine used during the loads, in cores: median and highest."""
        used = [load.others_cores for _, load in self.loads()]
        return (median(used), max(used)) if used else None

    def write(self, name: str) -> Path:
        """Write `name`.json into the directory of results; gives its path."""
        DIRECTORY.mkdir(exist_ok=True)
        path = DIRECTORY / f"{name}.json"
        path.write_text(json.dumps(_rounded(asdict(self)), indent=1) + "\n")
        return path


def read(name: str) -> Results:
    """What `write` wrote. FileNotFoundError where there is nothing of that name."""
    return TypeAdapter(Results).validate_json((DIRECTORY / f"{name}.json").read_bytes())


def describe_machine() -> str:
    """Processor, cores, kernel."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return f"{model}, {len(models)} cores, Linux {platform.release().partition('-')[0]}, loopback"


def describe_versions() -> dict[str, str]:
    """Versions of everything that takes part, by name."""
    found = {
        "Python": platform.python_version(),
        "edge-router": edge_router.__version__,
        "Sippy B2BUA": version("sippy"),
    }
    for name, command in (("Kamailio", ["kamailio", "-v"]), ("SIPp", ["sipp", "-v"])):
        words = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        found[name] = next(word.lstrip("v").partition("-")[0] for word in words if word.lstrip("v")[:1].isdigit())
    return found


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
