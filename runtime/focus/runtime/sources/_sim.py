"""``sim:``: leaves with known lesions pass under a simulated push-broom camera."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from focus.runtime._calibration import Calibration
from focus.runtime.sources._contract import FrameMeta, GetBuffer, SourceFacts, Truth

if TYPE_CHECKING:
    from focus.runtime.simulate import Sensor

SENSORS = ("vnir-204", "full-range-64")

#: What may lie under the camera, and the reflectance of what is no scene.
TARGETS = {"leaves": None, "white": 1.0, "dark": 0.0}

#: How the text of an option is read, by the annotation of its field.
KINDS: dict[str, type[int] | type[float] | type[str]] = {"int": int, "float": float, "str": str}

#: Depth of the simulated camera's words.
BITS = 12

#: Lines rendered at a time: few, so that memory stays small, and enough for NumPy to be quick.
CHUNK = 8


@dataclass(frozen=True)
class SimOptions:
    """What ``sim:key=value,...`` can set.

    Attributes:
        leaves: number of leaves on the strip.
        samples: samples a line.
        leaf: space for a leaf, in samples.
        seed: of everything random.
        sensor: a name in ``SENSORS``.
        lost: share of the lines that never arrive.
        classes: the first so many of the simulator's classes; 0 takes those that the sensor sees well.
        target: a name in ``TARGETS``: the leaves, a white panel of reflectance 1, or the covered lens.
    """

    leaves: int = 4
    samples: int = 256
    leaf: int = 128
    seed: int = 9
    sensor: str = "vnir-204"
    lost: float = 0.0
    classes: int = 0
    target: str = "leaves"

    @classmethod
    def from_text(cls, text: str) -> SimOptions:
        """Reads ``leaves=4,seed=2``.

        Raises:
            ValueError: an unknown key, or a value that is not of the key's kind.
        """
        kinds = {field.name: KINDS[str(field.type)] for field in fields(cls)}
        given: dict[str, object] = {}
        for part in filter(None, text.split(",")):
            key, _, value = part.partition("=")
            if key not in kinds:
                raise ValueError(f"sim: has no option {key!r}; it has {', '.join(kinds)} (e.g. sim:leaves=4,seed=2)")
            try:
                given[key] = kinds[key](value)
            except ValueError:
                kind = "a whole number" if kinds[key] is int else "a number"
                raise ValueError(f"sim: {key} must be {kind}, got {value!r}") from None
        return cls(**given)  # type: ignore[arg-type]  # each value has just been made of its field's own type


class Sim:
    """Streams the uint16 counts of ``simulate_strip`` with the camera's own dark and white reference.

    Args:
        options: see ``SimOptions``.
        uri: what the user asked for, for the record.
        raw: the counts as they are, without a calibration, dark 0 and gain 1: for references.
        exposure_ms: what to say of its exposure time, which changes nothing here.
    Raises:
        ValueError: options that make no scene.
    """

    def __init__(
        self, options: SimOptions, *, uri: str = "sim:", raw: bool = False, exposure_ms: float | None = None
    ) -> None:
        if options.sensor not in SENSORS:
            raise ValueError(f"sim: sensor must be one of {', '.join(SENSORS)}, got {options.sensor!r}")
        if options.target not in TARGETS:
            raise ValueError(f"sim: target must be one of {', '.join(TARGETS)}, got {options.target!r}")
        if not 0.0 <= options.lost < 1.0:
            raise ValueError(f"sim: lost is a share of the lines, 0 to below 1, got {options.lost:g}")
        if options.seed < 0:
            raise ValueError(f"sim: seed must be 0 or more, got {options.seed}")
        self._options = options
        # The leaf model takes a second to import, which cameras and files need not wait for.
        from focus.runtime.simulate import CLASS_NAMES, classes_seen, full_range, simulate_strip, vnir_204

        sensor = vnir_204() if options.sensor == "vnir-204" else full_range()
        classes = options.classes or len(classes_seen(sensor))
        if not 1 <= classes <= len(CLASS_NAMES):
            raise ValueError(f"sim: classes must be 0 to {len(CLASS_NAMES)}, got {options.classes}")
        rng = np.random.default_rng(options.seed)
        rounds = np.concatenate([rng.permutation(classes) for _ in range(max(options.leaves, 1))])
        self._strip = simulate_strip(
            rng,
            sensor,
            leaves=options.leaves,
            samples=options.samples,
            leaf_px=options.leaf,
            labels=[int(label) for label in rounds[: options.leaves]],
        )
        self._sensor = sensor
        calibration = self._references(sensor)
        labels = np.array([*self._strip.labels, -1], np.int8)
        self.truth: Truth | None = Truth(
            CLASS_NAMES[:classes], labels[self._strip.leaf_index], np.asarray(self._strip.lesion_class, np.int8)
        )
        self.facts = SourceFacts(
            name="simulated strip",
            uri=uri,
            wavelengths_nm=sensor.wavelengths_nm,
            fwhm_nm=sensor.fwhm_nm,
            samples=options.samples,
            lines=self._strip.size[0],
            dtype=np.dtype(np.uint16),
            dark=calibration.dark,
            gain=calibration.gain,
            good_bands=np.ones(sensor.bands, bool),
            bits=BITS,
            calibration=calibration,
            exposure_ms=exposure_ms,
            provenance={
                "sensor": sensor.name,
                "options": {field.name: getattr(options, field.name) for field in fields(options)},
                "leaves": [self._strip.class_names[label] for label in self._strip.labels],
            },
        )

        if raw:
            ones = np.ones_like(calibration.gain)
            self.facts = replace(self.facts, dark=0 * ones, gain=ones, calibration=None)

    def _references(self, sensor: Sensor) -> Calibration:
        """The references do not depend on the lines, so a single one is enough to get them."""
        counts = self._strip.lines(0, 1).counts(np.random.default_rng(0))
        return Calibration(
            np.asarray(counts.dark, np.float32),
            np.asarray(1.0 / (counts.white - counts.dark), np.float32),
            sensor.wavelengths_nm,
            panel=1.0,
            origin={"simulated": True},
        )

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta]:
        """See ``FrameSource.start``."""
        rng = np.random.default_rng(self._options.seed + 1)
        losses = np.random.default_rng(self._options.seed + 2)
        lines = self._strip.size[0]
        for first in range(0, lines, CHUNK):
            raw = self._block(first, min(first + CHUNK, lines), rng)
            for offset in range(raw.shape[1]):
                if losses.random() < self._options.lost:
                    continue
                get_buffer()[...] = raw[:, offset]
                yield FrameMeta(first + offset, None, time.monotonic_ns(), time.time_ns())

    def close(self) -> None:
        """There is nothing to give back."""

    def _block(self, first: int, stop: int, rng: np.random.Generator) -> NDArray[np.uint16]:
        """Counts of some lines, [C, lines, S]."""
        strip = self._strip.lines(first, stop)
        level = TARGETS[self._options.target]
        if level is None:
            return strip.counts(rng).raw
        held, sensor = strip.lines(0, 1).counts(np.random.default_rng(0)), self._sensor
        noise = sensor.noise_at(np.full(sensor.bands, level, np.float32))[:, None, None]
        reflectance = level + noise * rng.standard_normal((sensor.bands, stop - first, self._options.samples))
        counts = held.dark[:, None] + (held.white - held.dark)[:, None] * reflectance
        return np.clip(np.rint(counts), 0, 2**BITS - 1).astype(np.uint16)
