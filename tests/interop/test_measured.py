"""The measure itself: it knows a tone from another one, from silence and from a mixture."""

import array
import math
from pathlib import Path

from tests.interop.measured import RATE, Recording, Samples, share, write_tone
from tests.interop.stage import TONES


def tone(frequency: int, loudness: int = 10_000) -> Samples:
    turn = 2 * math.pi * frequency / RATE
    return array.array("h", [round(loudness * math.sin(turn * at)) for at in range(RATE // 10)])


def test_each_tone_is_itself_and_no_other() -> None:
    for played in TONES.values():
        for listened in TONES.values():
            found = share(tone(played), listened)
            assert found > 0.99 if played == listened else found < 0.01


def test_silence_and_a_mixture_are_no_tone() -> None:
    assert share(array.array("h", bytes(1600)), 430) == 0
    mixed = array.array("h", [one + other for one, other in zip(tone(430), tone(610), strict=True)])
    assert 0.4 < share(mixed, 430) < 0.6


def test_what_is_played_is_what_is_measured(tmp_path: Path) -> None:
    write_tone(tmp_path / "tone.wav", 850, seconds=2)
    windows = Recording(tmp_path / "tone.wav").windows(since=0)
    assert len(windows) == 20
    assert all(share(window, 850) > 0.99 for window in windows)
