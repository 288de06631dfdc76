"""What is run: healthy scenes in some variety, and faults of growing size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from focus.runtime.sources import FrameSource, SourceOptions, source_from_uri
from monitor_check._faults import brighter, drifted, overexposed, reversed_bands

#: Makes a source of a seed.
MakeSource = Callable[[int], FrameSource]


@dataclass(frozen=True)
class Case:
    """One kind of scene.

    Attributes:
        name: for the table.
        flag: that belongs there; None for a healthy one.
        size: of the fault.
        source: see ``MakeSource``.
    """

    name: str
    flag: str | None
    size: float
    source: MakeSource


def strip(sensor: str, options: str = "leaves=3") -> MakeSource:
    """A simulated strip of leaves."""
    return lambda seed: source_from_uri(f"sim:sensor={sensor},seed={seed},{options}", SourceOptions())


def healthy(sensor: str) -> list[Case]:
    """Nothing is wrong with these."""
    plain = strip(sensor)
    return [
        Case("as in training", None, 0, plain),
        Case("light 20 % lower", None, 0, lambda seed: brighter(plain(seed), 0.8)),
        Case("light 20 % higher", None, 0, lambda seed: brighter(plain(seed), 1.2)),
        Case("leaves half as large", None, 0, strip(sensor, "leaves=6,leaf=64")),
        Case("leaves twice as large", None, 0, strip(sensor, "leaves=2,leaf=256")),
        Case("a wide line, 600 samples", None, 0, strip(sensor, "leaves=3,samples=600")),
        Case("5 % of the lines lost", None, 0, strip(sensor, "leaves=3,lost=0.05")),
    ]


def faults(sensor: str) -> list[Case]:
    """Faults of a rig, small to large."""
    plain = strip(sensor)

    def drift(counts: float) -> MakeSource:
        return lambda seed: drifted(plain(seed), counts)

    def exposure(times: float) -> MakeSource:
        return lambda seed: overexposed(plain(seed), times, bits=12)

    def light(times: float) -> MakeSource:
        return lambda seed: brighter(plain(seed), times)

    drifts, exposures, lights = (-40, -20, -10, -5, 5, 10, 20, 40), (2, 3, 4, 6, 8), (1.5, 2, 3, 4)
    return [
        *(Case("dark level, counts", "dark_level", counts, drift(counts)) for counts in drifts),
        *(Case("exposure on 12 bits, times", "saturated", times, exposure(times)) for times in exposures),
        *(Case("light after the white reference, times", "band_means", times, light(times)) for times in lights),
        Case("bands read out backwards", "wavelength_order", 1, lambda seed: reversed_bands(plain(seed))),
    ]
