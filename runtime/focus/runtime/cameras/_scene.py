"""What ``camera-sim`` sends: a simulated strip, a recorded cube, or a pattern of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._calibration import Calibration
from focus.runtime._errors import CubeError
from focus.runtime.cameras._stream_header import DTYPES, StreamHeader
from focus.runtime.cubes import open_cube
from focus.runtime.sources._contract import SourceFacts
from focus.runtime.sources._replay import WordFormat, cube_lines_of, words_of
from focus.runtime.sources._sim import Sim, SimOptions

#: Different lines of a pattern: enough that a repeated line is seen, few enough to be made at once.
PATTERN_LINES = 64
PATTERN_BITS = 12
PATTERN_RANGE_NM = 400.0, 1000.0


@dataclass(frozen=True)
class Scene:
    """Lines to send.

    Attributes:
        header: what the stream says of itself.
        lines: gives them anew, each [C, S] of the header's dtype; one is overwritten by the next.
        count: how many there are.
        calibration: makes reflectance of the counts, where the scene brings it.
    """

    header: StreamHeader
    lines: Callable[[], Iterator[NDArray[Any]]]
    count: int
    calibration: Calibration | None = None


def scene_from_uri(uri: str) -> Scene:
    """Opens ``sim:key=value,...`` or ``replay:FILE``.

    Raises:
        ValueError: it is neither.
        CubeError: the file cannot be used.
    """
    scheme, colon, rest = uri.partition(":")
    if colon and scheme == "sim":
        return _simulated(Sim(SimOptions.from_text(rest), uri=uri))
    if colon and scheme == "replay" and rest:
        return _recorded(rest)
    raise ValueError(f"--from must be replay:FILE or sim:key=value,..., got {uri!r}")


def snapshots(scene: Scene, lines: int) -> Scene:
    """The same lines as snapshot cubes of so many lines each.

    Raises:
        ValueError: fewer than 1.
    """
    if lines < 1:
        raise ValueError(f"--cube-lines must be 1 or more, got {lines}")
    return replace(scene, header=replace(scene.header, kind="snapshot", cube_lines=lines))


def pattern(bands: int, samples: int, seed: int = 0) -> Scene:
    """Noise of 12 bits, [bands, samples] uint16, that costs nothing to make: for finding out what a machine holds."""
    rng = np.random.default_rng(seed)
    lines = rng.integers(0, 1 << PATTERN_BITS, (PATTERN_LINES, bands, samples), np.uint16)
    header = StreamHeader(
        bands,
        samples,
        np.dtype("<u2"),
        np.linspace(*PATTERN_RANGE_NM, bands),
        name=f"pattern {bands}x{samples}",
        bits=PATTERN_BITS,
    )
    calibration = Calibration(
        np.zeros((bands, 1), np.float32),
        np.full((bands, 1), 2.0**-PATTERN_BITS, np.float32),
        np.linspace(*PATTERN_RANGE_NM, bands),
        panel=1.0,
        origin={"simulated": True},
    )
    return Scene(header, lambda: iter(lines), PATTERN_LINES, calibration)


def _simulated(sim: Sim) -> Scene:
    facts: SourceFacts = sim.facts

    def lines() -> Iterator[NDArray[Any]]:
        line = np.empty((facts.bands, facts.samples), "<u2")
        for _ in sim.start(lambda: line):
            yield line

    header = StreamHeader(
        facts.bands,
        facts.samples,
        np.dtype("<u2"),
        facts.wavelengths_nm,
        facts.fwhm_nm,
        name=facts.name,
        bits=facts.bits or 0,
    )
    return Scene(header, lines, facts.lines or 0, facts.calibration)


def _recorded(path: str) -> Scene:
    cube = open_cube(path)
    name = cube.provenance.name
    dtype = next((known for known in DTYPES.values() if known == cube.values.dtype.newbyteorder("<")), None)
    if dtype is None:
        raise CubeError(
            f"{name} holds {cube.values.dtype}, a stream carries uint8, uint16, int16 or float32; convert it"
        )
    bands, count, samples = cube.shape
    # What a file does not state is sent as counts, which nobody takes for reflectance.
    quantity = cube.quantity or "counts"
    words, cube_lines = words_of(cube, WordFormat()), cube_lines_of(cube)
    if cube_lines is not None and count > cube_lines:
        count -= count % cube_lines  # played in a loop, the next round would go on in a cube that was broken off
    header = StreamHeader(
        bands,
        samples,
        dtype,
        cube.wavelengths_nm,
        cube.fwhm_nm,
        name=name,
        kind="push-broom" if cube_lines is None else "snapshot",
        cube_lines=cube_lines or 0,
        quantity=quantity,
        scale=cube.scale if quantity == "reflectance" else 1.0,
        bits=words.bits or 0,
        shift=words.shift or 0,
        exposure_ms=cube.exposure_ms or 0.0,
    )
    return Scene(header, lambda: (cube.values[:, line].astype(dtype, copy=False) for line in range(count)), count)
