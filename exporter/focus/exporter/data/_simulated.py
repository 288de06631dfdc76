"""Simulated leaves as a data set: ``sim:vnir`` and ``sim:full``."""

from __future__ import annotations

import hashlib
import importlib.resources
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from focus.exporter._workers import worker_map
from focus.exporter.data._trait_truth import trait_information
from focus.exporter.data._windows import SPLITS, Array, Truth, WindowSet
from focus.runtime import FocusError
from focus.runtime.simulate import CLASS_NAMES, Sensor, classes_seen, full_range, simulate_leaf_scene, vnir_204
from focus.runtime.spectral import composite_weights

Progress = Callable[[int, int], None]

#: Traits that can be learnt, and their units.
TRAITS = {"chl": "ug/cm2", "car": "ug/cm2", "antho": "ug/cm2", "ewt": "cm", "lma": "g/cm2", "N": "plates"}

#: Half the width of the shortcut's window, see ``simulate_leaf_scene``.
_SPURIOUS_REACH_NM = 12.0

_CHUNK = 16

_STATE = {True: "", False: " (broken in the test split)"}


@dataclass(frozen=True)
class Simulation:
    """What to simulate.

    Attributes:
        sensor: ``vnir`` (204 bands unless ``bands`` says otherwise) or ``full`` (64 bands).
        scenes, val, test: number of windows of each split; their random numbers never meet.
        task: ``class``, or traits joined by +, e.g. ``chl+ewt``.
        spurious: centre in nm of a shortcut, or None. In training and validation the ground announces the leaf's own
            class there; in the test split it announces a random class, so that a model which leans on it is found out.
        intact: the shortcut tells the truth in the test split, too: the same leaves, for comparison.
        bands: number of bands, or None for the sensor's own.
        classes: the first so many of ``CLASS_NAMES``, or None for those that the sensor sees well.
    """

    sensor: str
    scenes: int = 2000
    val: int = 400
    test: int = 400
    task: str = "class"
    spurious: float | None = None
    bands: int | None = None
    classes: int | None = None
    intact: bool = False

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that are drawn."""
        return classes_seen(self.make_sensor()) if self.classes is None else CLASS_NAMES[: self.classes]

    @property
    def traits(self) -> tuple[str, ...]:
        """Traits to be learnt; none for classification."""
        return () if self.task == "class" else tuple(self.task.split("+"))

    def make_sensor(self) -> Sensor:
        """The sensor; fewer VNIR bands are every n-th part of its range, each as wide as the step."""
        if self.sensor == "full":
            return full_range(self.bands or 64)
        whole = vnir_204()
        if self.bands is None:
            return whole
        chosen = np.round(np.linspace(0, whole.bands - 1, self.bands)).astype(int)
        parts = (whole.wavelengths_nm, whole.fwhm_nm, whole.noise, whole.read_noise)
        return Sensor(f"vnir-{self.bands}", *(part[chosen] for part in parts))


def parse_simulation(spec: str) -> Simulation:
    """``sim:vnir,scenes=2000,spurious=850,task=chl+ewt`` -> what to simulate.

    Raises:
        FocusError: names the part that is not understood.
    """
    sensor, *options = spec.removeprefix("sim:").split(",")
    if sensor not in ("vnir", "full"):
        raise FocusError(f"no simulated sensor {sensor!r} in --data {spec}; there are sim:vnir and sim:full")
    values: dict[str, Any] = {}
    kinds: dict[str, Callable[[str], Any]] = {
        "scenes": int, "val": int, "test": int, "bands": int, "classes": int, "spurious": float, "task": str,
        "intact": _yes_or_no,
    }  # fmt: skip
    for option in options:
        name, _, text = option.partition("=")
        if name not in kinds:
            raise FocusError(
                f"no option {name!r} in --data {spec}; there are {', '.join(f'{kind}=' for kind in kinds)}"
            )
        try:
            values[name] = kinds[name](text)
        except ValueError:
            raise FocusError(f"{name} must be a number in --data {spec}, got {text!r}") from None
    return _checked(Simulation(sensor, **values), spec)


def simulator_version() -> str:
    """A digest of the simulator's own source and of its coefficients: other code, other leaves."""
    digest = hashlib.sha256()
    folder = importlib.resources.files("focus.runtime.simulate")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith((".py", ".npz")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def simulated_settings(plan: Simulation, patch: int, size: tuple[int, int], seed: int) -> dict[str, Any]:
    """Everything that simulated windows depend on, for the cache."""
    settings = {**asdict(plan), "patch": patch, "size": list(size), "seed": seed, "simulator": simulator_version()}
    if not plan.intact:
        del settings["intact"]  # keeps what is cached from before there was such an option
    return {**settings, "trait truth": 1} if plan.traits else settings


def simulate_windows(
    plan: Simulation,
    patch: int,
    size: tuple[int, int],
    seed: int,
    *,
    workers: int = 2,
    progress: Progress | None = None,
) -> WindowSet:
    """Simulates the scenes of all splits and keeps what the network reads of them.

    Band means and composite come from the scene's linear mixture with the noise that they would have after
    ``kernels.ingest``; the cube itself, a hundred times their size, is never made.

    Args:
        patch: edge of a patch in samples.
        size: lines and samples of a scene, multiples of the patch, at least 32.
        seed: all randomness.
        workers: processes; 0 stays in this one.
        progress: called with scenes done and scenes in all.
    """
    sensor = plan.make_sensor()
    jobs = [(split, index) for split, count in enumerate((plan.scenes, plan.val, plan.test)) for index in range(count)]
    chunks = [jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK)]
    work = partial(_ingest_scenes, plan, patch, size, seed)
    found: list[_Window] = []
    with worker_map(workers) as run:
        for part in run(work, chunks):
            found += part
            if progress is not None:
                progress(len(found), len(jobs))
    return _collected(plan, sensor, jobs, found, patch, seed)


class _Window(NamedTuple):
    means: NDArray[np.float32]
    composite: NDArray[np.float16]
    label: int
    traits: tuple[float, ...]
    informative: NDArray[np.float32]
    lesion_share: NDArray[np.float32]
    leaf_share: NDArray[np.float32]
    bits: NDArray[np.uint8]
    information: Array | None


def _ingest_scenes(
    plan: Simulation, patch: int, size: tuple[int, int], seed: int, jobs: list[tuple[int, int]]
) -> list[_Window]:
    sensor = plan.make_sensor()
    weights = composite_weights(sensor.wavelengths_nm).astype(np.float32)
    rows, columns = size[0] // patch, size[1] // patch
    classes = len(plan.class_names)
    found = []
    for split, index in jobs:
        rng = np.random.default_rng([seed, split, index])
        label = index % classes
        announced = int(rng.integers(classes)) if SPLITS[split] == "test" else label
        announced = label if plan.intact else announced
        scene = simulate_leaf_scene(rng, sensor, label, size, plan.spurious, announced)
        lesion_share, leaf_share = (
            mask.reshape(rows, patch, columns, patch).mean(axis=(1, 3), dtype=np.float32).reshape(-1)
            for mask in (scene.lesion_mask, scene.leaf_mask)
        )
        found.append(
            _Window(
                np.ascontiguousarray(scene.band_means(patch, rng).T),
                scene.project(weights, rng).astype(np.float16),
                label,
                tuple(scene.traits[name] for name in plan.traits),
                scene.informative,
                lesion_share,
                leaf_share,
                np.packbits(scene.lesion_mask),
                trait_information(sensor, scene.traits, plan.traits) if plan.traits else None,
            )
        )
    return found


def _collected(
    plan: Simulation, sensor: Sensor, jobs: list[tuple[int, int]], found: list[_Window], patch: int, seed: int
) -> WindowSet:
    names = tuple(f"simulated {SPLITS[split]} leaf {index}" for split, index in jobs)
    targets: NDArray[Any] = np.array([window.label for window in found], np.int64)
    if plan.traits:
        targets = np.array([window.traits for window in found], np.float32)
    shortcut = f", shortcut at {plan.spurious:g} nm{_STATE[plan.intact]}" if plan.spurious is not None else ""
    return WindowSet(
        task="regression" if plan.traits else "classification",
        band_means=np.stack([window.means for window in found]),
        composite=np.stack([window.composite for window in found]),
        targets=targets,
        target_names=plan.traits or plan.class_names,
        units=tuple(TRAITS[name] for name in plan.traits) or (None,) * len(plan.class_names),
        splits=np.array([split for split, _ in jobs], np.int8),
        windows=names,
        groups=names,
        wavelengths_nm=sensor.wavelengths_nm,
        fwhm_nm=sensor.fwhm_nm,
        composite_weights=composite_weights(sensor.wavelengths_nm),
        patch=patch,
        truth=Truth(
            np.stack([window.informative for window in found]),
            np.stack([window.lesion_share for window in found]),
            np.stack([window.leaf_share for window in found]),
            np.stack([window.bits for window in found]),
            _stacked([window.information for window in found]),
        ),
        source=f"{plan.scenes} simulated leaves ({sensor.name}, {simulator_version()}{shortcut}), seed {seed}",
    )


def _stacked(parts: list[Array | None]) -> Array | None:
    known = [part for part in parts if part is not None]
    return np.stack(known) if known else None


def _yes_or_no(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError
    return text == "1"


def _checked(plan: Simulation, spec: str) -> Simulation:
    unknown = [name for name in plan.traits if name not in TRAITS]
    if unknown:
        raise FocusError(
            f"no task {unknown[0]!r} in --data {spec}; there are class and the traits {', '.join(TRAITS)} (join with +)"
        )
    if len(set(plan.traits)) != len(plan.traits):
        raise FocusError(f"a trait appears twice in --data {spec}; name each once")
    if plan.classes is not None and not 2 <= plan.classes <= len(CLASS_NAMES):
        raise FocusError(f"--data {spec}: classes must be 2 to {len(CLASS_NAMES)}, got {plan.classes}")
    if plan.scenes < len(CLASS_NAMES) or plan.val < 1 or plan.test < 1:
        raise FocusError(
            f"--data {spec}: scenes must be at least {len(CLASS_NAMES)} (one a class), val and test at least 1"
        )
    limits = (8, 204) if plan.sensor == "vnir" else (8, 1000)
    if plan.bands is not None and not limits[0] <= plan.bands <= limits[1]:
        raise FocusError(f"--data {spec}: bands must be {limits[0]} to {limits[1]} for this sensor, got {plan.bands}")
    if plan.intact and plan.spurious is None:
        raise FocusError(f"--data {spec}: intact=1 is about a shortcut; give its place with spurious=NM")
    if plan.spurious is not None:
        bands = plan.make_sensor().wavelengths_nm
        nearest = bands[np.argmin(np.abs(bands - plan.spurious))]
        # Written so that nan is refused, too.
        if not abs(nearest - plan.spurious) <= _SPURIOUS_REACH_NM:
            raise FocusError(f"--data {spec}: no band within {_SPURIOUS_REACH_NM:g} nm of spurious; try {nearest:.0f}")
    return plan
