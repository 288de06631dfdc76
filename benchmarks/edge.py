"""What a window costs on the edge side, stage by stage, with the shipped model: ``make bench``.

Correctness first: the engine's outputs must be finite. Each stage is then timed alone, one process, median and 99th
percentile. The peer in the same run is a plain copy of the raw window: nothing that reads the data once can be faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.kernels import ingest, saliency, standardise
from focus.runtime.engines import engine_from_path
from focus.runtime.simulate import simulate_leaf_scene, vnir_204


def timed(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median and 99th percentile in ms, after three calls that are not counted."""
    for _ in range(3):
        work()
    found = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        found.append(1e3 * (time.perf_counter() - start))
    return float(np.median(found)), float(np.percentile(found, 99))


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def main() -> int:
    """Prints the table and writes the same as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=Path, help="model (default: the shipped one)")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--json", type=Path, default=Path("out/bench.json"))
    args = parser.parse_args()
    with engine_from_path(args.engine) as engine:
        bundle = engine.bundle
        scene = simulate_leaf_scene(np.random.default_rng(0), vnir_204(), label=1, size=bundle.window)
        counts = scene.counts(np.random.default_rng(1))
        raw, dark = counts.raw, counts.dark[:, None]
        gain = 1.0 / (counts.white - counts.dark)[:, None]
        weights = np.array(bundle.composite_weights)

        def summaries() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            found = ingest(raw, bundle.backbone.patch, weights, dark=dark, gain=gain)
            means = standardise(found.band_means, np.array(bundle.mean), np.array(bundle.deviation))
            centred = found.composite - np.array(bundle.backbone.composite_mean)[:, None, None]
            return means, (centred / np.array(bundle.backbone.composite_deviation)[:, None, None]).astype(np.float32)

        means, composite = summaries()
        outputs = engine.infer(means[None], composite[None])
        if not all(np.isfinite(value).all() for value in outputs):
            raise SystemExit("the engine's outputs are not finite; nothing is worth timing")
        best = int(outputs.logits[0].argmax())
        shown, weight = outputs.attention[0, :, best], bundle.band_weight[best]
        stages: dict[str, Callable[[], object]] = {
            "copy of the raw window": raw.copy,
            "ingest": summaries,
            "engine (ONNX Runtime)": lambda: engine.infer(means[None], composite[None]),
            "saliency (M, B)": lambda: saliency(shown, means, weight, bundle.group_of_band),
            "saliency (T, M, B)": lambda: saliency(shown, means, weight, bundle.group_of_band, with_cube=True),
        }
        rows = {name: timed(work, args.repeats) for name, work in stages.items()}
    machine = {"processor": processor(), "cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    print(f"{machine['processor']}, {machine['cores']} cores; {bundle.name}: {' x '.join(map(str, raw.shape))} uint16")
    floor = rows["copy of the raw window"][0]
    for name, (median, p99) in rows.items():
        print(f"  {name:26s} {median:8.2f} ms   p99 {p99:8.2f} ms   {median / floor:6.1f} x copy")
    args.json.parent.mkdir(parents=True, exist_ok=True)
    table = [{"name": name, "median_ms": median, "p99_ms": p99} for name, (median, p99) in rows.items()]
    args.json.write_text(json.dumps({"machine": machine, "model": bundle.name, "rows": table}, indent=2) + "\n")
    print(f"wrote {args.json}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
