"""A model's folder as the rows find it; reading it needs no torch."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.exporter.bench._answers import Answer
from focus.exporter.bench._cubes import read_cube
from focus.exporter.bench._specs import ModelSpec
from focus.runtime import Bundle, Calibration

REFERENCES = "references.npz"


class Prepared:
    """What ``prepare`` left: models, cubes, calibration and the answers that are right.

    Args:
        folder: of one model.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        facts = json.loads((folder / "spec.json").read_text())
        self.spec = ModelSpec(**facts["spec"])
        self.cubes = int(facts["cubes"])

    @cached_property
    def bundle(self) -> Bundle:
        """Of the FOCUS model."""
        return Bundle.from_json((self.folder / "bundle.json").read_text(), str(self.folder))

    @cached_property
    def calibration(self) -> Calibration:
        """Dark and gain of the simulated rig."""
        return Calibration.load(self.folder / "rig.focuscal")

    def buffer(self) -> NDArray[np.uint16]:
        """Room for one cube, uint16 [lines, C, samples]."""
        return np.empty((self.spec.size, self.spec.bands, self.spec.size), np.uint16)

    def read(self, number: int, into: NDArray[np.uint16]) -> None:
        """Fills a buffer with a cube; numbers go round."""
        read_cube(self.folder / "cubes.raw", number % self.cubes, into)

    def reference(self, name: str) -> list[Answer]:
        """The right answers, one a cube: of ``focus``, ``naive`` or ``plain``, torch in float32.

        Raises:
            ValueError: no such reference.
        """
        return [
            Answer(*(self._arrays.get(f"{name}-{number}-{field}") for field in Answer._fields))
            for number in range(self.cubes)
        ]

    def inputs(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Standardised band means [N, C] and normalised composite [3, H, W] of a cube, as the reference read them."""
        return self._arrays[f"inputs-{number}-band_means"], self._arrays[f"inputs-{number}-composite"]

    def attention(self, number: int) -> NDArray[np.float32]:
        """The shown class's prompt-to-patch attention [H*, G, N] of a cube, of the reference."""
        return self._arrays[f"focus-{number}-attention"]

    def shown(self, number: int) -> int:
        """The class with the highest score of a cube."""
        return int(self._arrays[f"focus-{number}-scores"].argmax())

    @cached_property
    def _arrays(self) -> dict[str, NDArray[np.float32]]:
        with np.load(self.folder / REFERENCES) as arrays:
            return dict(arrays)


def spec_text(spec: ModelSpec, cubes: int, sources: str) -> str:
    """The content of ``spec.json``: what the folder's files are made of."""
    return json.dumps({"spec": asdict(spec), "cubes": cubes, "sources": sources}, indent=2) + "\n"
