"""The runtime as the rows of our own use it: the one place that knows its interface. No torch here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.exporter.bench._answers import Answer
from focus.exporter.bench.peers import Unavailable
from focus.kernels import Ingested, LineIngest, prepare, standardise
from focus.runtime import Bundle, Calibration
from focus.runtime.engines import Engine, Outputs, engine_from_path
from focus.runtime.pipeline import explain

Array = NDArray[np.float32]


class Ingest:
    """Raw counts to what the network reads, for one rig and one model; made once, as the pipeline does."""

    def __init__(self, bundle: Bundle, rig: Calibration, threads: int) -> None:
        prepare(np.uint16)
        backbone = bundle.backbone
        self._lines = LineIngest(
            bundle.window[1],
            backbone.patch,
            np.array(bundle.composite_weights),
            dark=rig.dark,
            gain=rig.gain,
            threads=threads,
        )
        self._mean, self._deviation = np.array(bundle.mean), np.array(bundle.deviation)
        self._centre, self._spread = (
            np.array(values, np.float32)[:, None, None]
            for values in (backbone.composite_mean, backbone.composite_deviation)
        )

    def kernel(self, raw: NDArray[np.uint16]) -> Ingested:
        """Band means and composite, reflectance, of raw counts [H, C, W]."""
        return self._lines.add(raw.transpose(1, 0, 2))

    def __call__(self, raw: NDArray[np.uint16]) -> tuple[Array, Array]:
        """Standardised band means [N, C] and normalised composite [3, H, W]."""
        found = self.kernel(raw)
        composite = found.composite - self._centre
        composite /= self._spread
        return standardise(found.band_means, self._mean, self._deviation), composite


def open_engine(path: Path, threads: int, backend: str) -> Engine:
    """An engine on a backend, not yet entered.

    Raises:
        Unavailable: the backend is not installed.
    """
    try:
        return engine_from_path(path, threads, backend=backend)
    except ModuleNotFoundError as error:
        raise Unavailable(f"{error.name} is not installed") from None


def infer(engine: Engine, means: Array, composite: Array) -> Outputs:
    """One window through the network."""
    return engine.infer(means[None], composite[None])


def answer(outputs: Outputs, means: Array, bundle: Bundle) -> Answer:
    """Scores, and M and B of the class with the highest."""
    logits = outputs.logits[0].astype(np.float64)
    exponent = np.exp(logits - logits.max())
    shown = int(logits.argmax())
    maps = explain(bundle, outputs.attention[0, :, shown], means, shown)
    return Answer(exponent / exponent.sum(), maps.heatmap, maps.curve)


def quantise(model: Path, cubes: Path, rig: Path, out: Path) -> None:
    """Makes an INT8 model of an FP32 one with ``focus-calib quantize``, without its limits on what INT8 may lose: the
    weights may be random, and the row is about time.

    Raises:
        Unavailable: that failed, e.g. because NNCF is not installed.
    """
    words = ["quantize", "--onnx", model, "--data", cubes, "--calibration", rig, "--out", out]
    words += [f"--least-{name}=-1" for name in ("agreement", "spearman", "top5")]
    code = "import sys; from focus.calib.commands import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode or not out.is_file():
        lines = done.stderr.strip().splitlines()
        raise Unavailable(lines[-1][:300] if lines else "focus-calib quantize wrote no model")
