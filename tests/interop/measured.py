"""What was recorded at an end, measured: is it this tone, and nothing else?"""

import array
import math
import struct
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from tests.end_to_end.waiting import until

RATE: Final = 8000
_WINDOW: Final = RATE // 10  # 100 ms: whole periods of every tone that is a multiple of 10 Hz
_HEADER: Final = 44
Samples: TypeAlias = "array.array[int]"

_ENOUGH: Final = 5
"""Windows in a row: half a second, more than lies in anybody's jitter buffer."""
_AUDIBLE: Final = 100.0
"""Mean square of samples below which it is silence: the tones are above a million."""


def share(samples: Samples, frequency: int) -> float:
    """How much of the energy is at this frequency (Goertzel), from 0 to 1; 0 for silence."""
    energy = sum(sample * sample for sample in samples)
    if energy < _AUDIBLE * len(samples):
        return 0.0
    turn = 2 * math.cos(2 * math.pi * frequency / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    power = last * last + before * before - turn * last * before
    return power / (len(samples) / 2) / energy


class Recording:
    """A WAV of 16 bits, mono, 8 kHz, that somebody still writes to: its header isn't true before he is done."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def length(self) -> int:
        """Samples by now."""
        return max(0, self.path.stat().st_size - _HEADER) // 2 if self.path.exists() else 0

    def windows(self, since: int) -> list[Samples]:
        """Everything that came after so many samples, in windows of 100 ms; a last one that isn't full waits."""
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(_HEADER + 2 * since)
            data = file.read()
        samples = array.array("h")
        samples.frombytes(data[: len(data) // 2 * 2])
        return [samples[at : at + _WINDOW] for at in range(0, len(samples) - _WINDOW + 1, _WINDOW)]

    def wait_for_tone(self, frequency: int) -> None:
        """From now on this tone is heard, for half a second without a gap."""
        self._wait(lambda window: share(window, frequency) > 0.9, f"a tone of {frequency} Hz")

    def wait_for_silence(self) -> None:
        """From now on nothing is heard, for half a second; who isn't sent anything still hears time pass."""
        self._wait(lambda window: sum(sample * sample for sample in window) < _AUDIBLE * len(window), "silence")

    def _wait(self, fits: Callable[[Samples], bool], what: str) -> None:
        since = self.length

        def heard() -> bool:
            row = "".join("x" if fits(window) else "-" for window in self.windows(since))
            return "x" * _ENOUGH in row

        until(heard, f"{what} in {self.path}")


def write_tone(path: Path, frequency: int, seconds: int) -> None:
    """A WAV to play."""
    period = [round(10_000 * math.sin(2 * math.pi * frequency * at / RATE)) for at in range(_WINDOW)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{_WINDOW}h", *period) * (seconds * RATE // _WINDOW))
