"""What a run of the bench measures, and with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import sipp
from bench.contenders import (
    Contender,
    Interpreted,
    Kamailio,
    RedirectingInterpreted,
    RedirectingKamailio,
    RedirectingRouter,
    Router,
    Sippy,
)
from bench.highest_rate import session_establishment_rate
from bench.load import Range
from bench.memory import burst, hold
from bench.places import Places
from bench.results import Results, SetUp
from bench.series import run_series
from bench.set_up_probe import SetUpProbe
from bench.start_up import start_seconds

_SIPPY_RATE = 200  # calls a second: what Sippy B2BUA carries on one core without losing any
_WARM_UP = 2.0  # s


@dataclass(frozen=True)
class Extent:
    """How much is measured. Rates in calls a second."""

    pairs: int = 5
    seconds: float = 6.0  # of each load of a pair
    bridging: Sequence[int] = (300, 800, 1500)
    redirecting: Sequence[int] = (800, 3000)
    sustained_rate: int = 2000
    sustained_seconds: float = 60.0
    ramp_seconds: float = 5.0
    held_calls: int = 10_000
    burst_calls: int = 40_000
    burst_rate: int = 1_500


SHORT = Extent(
    pairs=1,
    seconds=3.0,
    bridging=(800,),
    redirecting=(800,),
    sustained_seconds=5.0,
    ramp_seconds=2.0,
    held_calls=1_000,
    burst_calls=4_000,
)


class Programme:
    """Measures one part after the other into `results`; `say` hears what is going on."""

    def __init__(
        self, extent: Extent, places: Places, scratch: Path, results: Results, say: Callable[[str], None]
    ) -> None:
        self.extent = extent
        self.places = places
        self.scratch = scratch
        self.results = results
        self.say = say
        self.router = Router(places, 0)
        self.kamailio = Kamailio(places, 1)
        self.sippy = Sippy(places, 2)
        self.interpreted = Interpreted(places, 5)
        self.all: tuple[Contender, ...] = (self.router, self.kamailio, self.sippy)

    def cpu(self) -> None:
        """CPU time of a call, in alternating pairs."""
        self._series(self.all, _SIPPY_RATE)
        for rate in self.extent.bridging:
            self._series((self.router, self.kamailio, self.interpreted), rate)

    def redirect(self) -> None:
        """CPU time of a 302, in alternating pairs."""
        devices = (
            RedirectingRouter(self.places, 3),
            RedirectingKamailio(self.places, 4),
            RedirectingInterpreted(self.places, 6),
        )
        for rate in self.extent.redirecting:
            self.say(f"302 at {rate}/s")
            self.results.redirecting.append(
                run_series(
                    devices, self.places, self.scratch, sipp.REDIRECTED, rate, self.extent.seconds, self.extent.pairs
                )
            )

    def set_up(self) -> None:
        """Set-up times, and whether the sustained rate is carried without a failed call."""
        runs = [(device, _SIPPY_RATE, self.extent.seconds) for device in self.all]
        sustained = (self.extent.sustained_rate, self.extent.sustained_seconds)
        runs += [(device, *sustained) for device in (self.router, self.kamailio)]
        for device, rate, seconds in runs:
            self.say(f"set-up times of {device.name} at {rate}/s for {seconds:g} s")
            self.results.set_up.append(self._set_up(device, rate, seconds))

    def highest(self) -> None:
        """The session establishment rate of each."""
        for device, start, cap in ((self.router, 1000, 6000), (self.kamailio, 1000, 6000), (self.sippy, 50, 1000)):
            self.say(f"session establishment rate of {device.name}")
            found = session_establishment_rate(device, self.places, self.scratch, start, cap, self.extent.ramp_seconds)
            self.results.establishment_rate[device.name] = found

    def memory(self) -> None:
        """Memory of held and of finished calls."""
        for device, rate in ((self.router, 500), (self.kamailio, 500), (self.sippy, _SIPPY_RATE // 2)):
            self.say(f"{self.extent.held_calls} calls held by {device.name}")
            self.results.held[device.name] = hold(device, self.places, self.scratch, self.extent.held_calls, rate)
        for each in (self.router, self.kamailio):
            self.say(f"{self.extent.burst_calls} calls through {each.name}")
            self.results.burst[each.name] = burst(
                each, self.places, self.scratch, self.extent.burst_calls, self.extent.burst_rate
            )

    def start(self) -> None:
        """From the command to readiness."""
        self.results.start_seconds = start_seconds(self.router, self.scratch, self.extent.pairs)

    def _series(self, devices: Sequence[Contender], rate: int) -> None:
        self.say(f"bridging at {rate}/s: {', '.join(device.name for device in devices)}")
        self.results.bridging.append(
            run_series(devices, self.places, self.scratch, sipp.BRIDGED, rate, self.extent.seconds, self.extent.pairs)
        )

    def _set_up(self, device: Contender, rate: int, seconds: float) -> SetUp:
        with sipp.premise(self.places, self.scratch) as premise, device.running(self.scratch) as process:
            ground = Range(self.places, self.scratch, premise)
            ground.load(process, device.address, sipp.BRIDGED, rate, _WARM_UP)
            with SetUpProbe(device.address) as probe:
                load = ground.load(process, device.address, sipp.BRIDGED, rate, seconds)
            return SetUp(device.name, load, probe.times())


PARTS: dict[str, Callable[[Programme], None]] = {
    "cpu": Programme.cpu,
    "redirect": Programme.redirect,
    "set-up": Programme.set_up,
    "highest": Programme.highest,
    "memory": Programme.memory,
    "start": Programme.start,
}
