"""Step 2: the kernels against the reference, on fresh random inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from focus.kernels.cuda import DeviceError
from gpu_check._gpu import OneGpu, opened_gpu
from gpu_check._ingest import ingest_cases, ingest_faults
from gpu_check._saliency import saliency_cases, saliency_faults
from gpu_check._section import OK, WRONG, Row, Section, Tell
from gpu_check._window import window_cases, window_faults

#: Faults of one kernel that are told; the rest is only counted.
TOLD = 5


def check_kernels(index: int, seed: int, few: bool, tell: Tell) -> Section:
    """Checks every kernel on many shapes; each is launched twice over poison.

    Args:
        index: which GPU.
        seed: of the inputs.
        few: fewer shapes.
        tell: gets a line now and then.
    """
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for name, cases in (("ingest", _ingest), ("window", _window), ("saliency", _saliency)):
        tell(f"kernels: {name}")
        checked, faults = 0, []
        for case, faults_of in cases(rng, few):
            try:
                with opened_gpu(index) as gpu:
                    found = faults_of(gpu)
            except DeviceError as error:
                found = [str(error)]
            checked += 1
            faults += [f"{case}: {fault}" for fault in found]
        rows.append({"kernel": name, "shapes": checked, "faults": len(faults), "first": faults[:TOLD]})
    wrong = [row["kernel"] for row in rows if row["faults"]]
    note = f"wrong: {', '.join(wrong)}" if wrong else f"all as the reference, seed {seed}"
    return Section("kernels", "Kernels against the reference", WRONG if wrong else OK, note, rows)


Cases = Iterator[tuple[str, Callable[[OneGpu], list[str]]]]


def _ingest(rng: np.random.Generator, few: bool) -> Cases:
    for name, window, options in ingest_cases(rng, few):
        yield name, partial(ingest_faults, window=window, **options)


def _window(rng: np.random.Generator, few: bool) -> Cases:
    for name, held, kind in window_cases(rng, few):
        yield name, partial(window_faults, held=held, kind=kind)


def _saliency(rng: np.random.Generator, few: bool) -> Cases:
    for name, given, shown, with_cube in saliency_cases(rng, few):
        yield name, partial(saliency_faults, given=given, shown=shown, with_cube=with_cube)
