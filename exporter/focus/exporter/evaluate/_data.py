"""The windows to evaluate on: held-out ones whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from focus.exporter.data import Simulation, Truth, WindowSet, parse_simulation, simulate_windows
from focus.exporter.evaluate._contract import Sample
from focus.runtime import Bundle, FocusError
from focus.runtime.simulate import CLASS_NAMES

#: A patch is lesion, or leaf, where this share of it is.
HALF = 0.5


def held_out_plan(spec: str, bundle: Bundle) -> Simulation:
    """What to simulate for ``sim:...``; ``scenes=`` and ``val=`` change nothing.

    Raises:
        FocusError: no simulation, or not the model's sensor, classes or traits.
    """
    if not spec.startswith("sim:"):
        raise FocusError(f"--data {spec} has no truth to hold maps against; give a simulation, e.g. sim:vnir,test=120")
    plan = replace(parse_simulation(spec), scenes=len(CLASS_NAMES), val=1)
    if bundle.task == "regression" and plan.traits != bundle.class_names:
        wanted = f"sim:{plan.sensor},task={'+'.join(bundle.class_names)}"
        raise FocusError(f"model {bundle.name} tells {', '.join(bundle.class_names)}; give --data {wanted}")
    if plan.traits and bundle.task != "regression":
        raise FocusError(f"model {bundle.name} tells classes, no traits; give --data {spec} without task=")
    bundle.require_wavelengths(plan.make_sensor().wavelengths_nm, f"--data {spec}")
    if bundle.task == "classification" and plan.class_names != bundle.class_names:
        raise FocusError(
            f"--data {spec} has the classes {', '.join(plan.class_names)}, model {bundle.name} knows "
            f"{', '.join(bundle.class_names)}; set classes= to the model's"
        )
    return plan


def held_out_windows(
    plan: Simulation, bundle: Bundle, seed: int, *, workers: int = 2, progress: Callable[[int, int], None] | None = None
) -> list[Sample]:
    """The test windows of a simulation; those of a training with the same seed, of which it saw none.

    Each window has random numbers of its own, so the training's windows need not be made, and a few test windows are
    the first ones of many.

    Args:
        plan: from ``held_out_plan``.
        bundle: the model that reads them.
        seed: of the simulation.
        workers: processes; 0 stays in this one.
        progress: called with scenes done and in all.
    """
    windows = simulate_windows(plan, bundle.backbone.patch, bundle.window, seed, workers=workers, progress=progress)
    return samples_of(windows)


def samples_of(windows: WindowSet, split: str = "test") -> list[Sample]:
    """A split's windows with their truth. Of a regression each window is about one target, in turn.

    Raises:
        FocusError: the data set has no truth.
    """
    truth = windows.truth
    if truth is None:
        raise FocusError(f"{windows.source} has no truth to hold maps against; take simulated windows")
    return [_sample(windows, truth, number, index) for number, index in enumerate(windows.of(split))]


def _sample(windows: WindowSet, truth: Truth, number: int, index: np.int64) -> Sample:
    lesion = truth.lesion_share[index] >= HALF
    leaf = (truth.leaf_share[index] >= HALF) | lesion
    values = np.asarray(windows.targets[index], np.float32) if windows.task == "regression" else None
    label = int(windows.targets[index]) if values is None else number % values.size
    informative = truth.informative[index]
    if truth.trait_information is not None:
        # A trait is a mean over the leaf: all of it tells, and each band as well as its reflectance follows the trait.
        informative, lesion = truth.trait_information[index, label], leaf
    means, composite = windows.band_means[index], windows.composite[index].astype(np.float32)
    return Sample(number, means, composite, label, informative, lesion, leaf, values)
