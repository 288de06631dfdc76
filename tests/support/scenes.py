"""Small cubes and sources for tests of the runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cubes import Cube
from focus.runtime.sources import FrameMeta, Replay, SourceFacts
from support.toy_model import WAVELENGTHS


def reflectance(lines: int, samples: int, seed: int = 0, bands: int = len(WAVELENGTHS)) -> NDArray[np.float32]:
    """[C, lines, samples], smooth enough that neighbouring patches differ little, around the toy model's mean."""
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[:lines, :samples] / 9.0
    phase = rng.uniform(0, 6, (bands, 1, 1))
    waves = 0.08 * np.sin(down + phase) + 0.06 * np.cos(across - 2 * phase)
    return (0.4 + waves + 0.01 * rng.standard_normal((bands, lines, samples))).astype(np.float32)


def cube(lines: int = 30, samples: int = 37, seed: int = 0, **fields: Any) -> Cube:
    """A reflectance cube on the toy model's bands."""
    return Cube(
        **{
            "values": reflectance(lines, samples, seed),
            "wavelengths_nm": WAVELENGTHS,
            "quantity": "reflectance",
            **fields,
        }
    )


class Scripted:
    """A source that sends chosen lines of a cube: lost, damaged or out of order, as a test wants.

    Args:
        cube: reflectance, or counts with ``calibration=`` among the arguments of ``Replay``.
        sequences: sequence numbers to send, in order; line s - first of the cube goes with sequence s.
        damaged: sequence numbers whose lines are sent as not intact, filled with rubbish.
    """

    truth = None

    def __init__(
        self, cube: Cube, sequences: Sequence[int], damaged: Sequence[int] = (), first: int = 0, **replay: Any
    ) -> None:
        self.facts: SourceFacts = Replay(cube, **replay).facts
        self._cube, self._sequences, self._damaged, self._first = cube, sequences, damaged, first

    def start(self, get_buffer: Callable[[], NDArray[Any]]) -> Iterator[FrameMeta]:
        for sequence in self._sequences:
            buffer = get_buffer()
            bad = sequence in self._damaged
            rubbish = 1e6 if buffer.dtype.kind == "f" else 9
            buffer[...] = rubbish if bad else self._cube.values[:, sequence - self._first]
            yield FrameMeta(sequence, sequence * 1000, sequence, 10**18 + sequence * 10**6, not bad)

    def close(self) -> None:
        pass
