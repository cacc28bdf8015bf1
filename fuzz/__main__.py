"""Fuzzes one target with atheris: ``python -m fuzz message --seconds 600 --corpus .fuzz``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import atheris

from fuzz.seeds import seeds, words
from fuzz.stopwatch import Stopwatch
from fuzz.targets import LONGEST, check_of

_ROOMS: Final = [f"edge_router.{room}" for room in ("sip", "b2bua", "admission", "dialplan")]


def main() -> None:
    """Runs until the time is over or something is found, which stands as a file beside the corpus then."""
    reader = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    reader.add_argument("target", choices=LONGEST)
    reader.add_argument("--seconds", type=int, default=600)
    reader.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="a folder, which is made if it isn't there")
    reader.add_argument("--runs", type=int, help="so many inputs from the same seed each time, whatever time one takes")
    chosen = reader.parse_args()
    corpus, begun, lines = (chosen.corpus / chosen.target / name for name in ("corpus", "seeds", "words"))
    for folder in (corpus, begun):
        folder.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=_ROOMS):
        check = check_of(chosen.target)
    for at, seed in enumerate(seeds(chosen.target) + _calls(chosen.target)):
        (begun / f"{at:04}").write_bytes(seed)
    lines.write_text("".join(f'"{_escaped(word)}"\n' for word in words()))
    until = (
        [f"-max_total_time={chosen.seconds}"]
        if chosen.runs is None
        else [f"-runs={chosen.runs}", "-seed=1", "-reload=0"]
    )
    options = [*until, f"-max_len={LONGEST[chosen.target]}", f"-dict={lines}"]
    options += [f"-artifact_prefix={corpus.parent}/", "-timeout=60", "-print_final_stats=1", "-report_slow_units=5"]
    run = Stopwatch(check).run if chosen.runs is None else check
    atheris.Setup([sys.argv[0], *options, str(corpus), str(begun)], run)
    atheris.Fuzz()


def _calls(target: str) -> list[bytes]:
    if target != "router":
        return []
    from fuzz.calls import whole_calls  # it takes a router, which others do without

    return whole_calls()


def _escaped(word: bytes) -> str:
    return "".join(chr(octet) if 32 < octet < 127 and octet not in b'"\\' else f"\\x{octet:02x}" for octet in word)


if __name__ == "__main__":
    main()
