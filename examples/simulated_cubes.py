"""A folder of cubes and its list, to go the way from cubes to maps without a camera (docs/train-on-your-own-cubes.md).

    python examples/simulated_cubes.py --out cubes

Writes ``leaf-0000.npz`` and on (51 bands of 400-1000 nm, 96 x 96 samples, uint16, reflectance x 10000), ``leaves.csv``
with path, label, chl and group, and a strip of other leaves to run over, ``field.npz``. A plant has two leaves.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from focus.exporter.data import Simulation
from focus.runtime.commands import run_command, seed_number
from focus.runtime.cubes import Cube, write_npz
from focus.runtime.simulate import CLASS_NAMES, Sensor, simulate_leaf_scene, simulate_strip

SCALE = 10_000

#: Lines and samples of a leaf's cube.
EDGE = 96

#: A sensor of the visible and the near infrared tells these apart.
CLASSES = 3


def main(argv: list[str] | None = None) -> int:
    """Writes the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder, made if it is missing")
    parser.add_argument("--plants", type=int, default=200, help="with two leaves each (default: %(default)s)")
    parser.add_argument("--seed", type=seed_number, default=1, help="other leaves (default: %(default)s)")
    args = parser.parse_args(argv)
    return run_command("simulated_cubes", lambda: _write(args.out, args.plants, args.seed))


def _write(out: Path, plants: int, seed: int) -> int:
    if plants < 1:
        raise ValueError(f"--plants must be at least 1, got {plants}")
    out.mkdir(parents=True, exist_ok=True)
    sensor = Simulation("vnir", bands=51).make_sensor()
    rows = ["path,label,chl,group"]
    for leaf in range(2 * plants):
        plant, rng = leaf // 2, np.random.default_rng([seed, leaf])
        scene = simulate_leaf_scene(rng, sensor, plant % CLASSES, (EDGE, EDGE))
        write_npz(_cube(scene.reflectance(rng), sensor), out / f"leaf-{leaf:04d}.npz")
        rows.append(f"leaf-{leaf:04d}.npz,{CLASS_NAMES[scene.label]},{scene.traits['chl']:.2f},plant-{plant:03d}")
    (out / "leaves.csv").write_text("\n".join(rows) + "\n")
    rng = np.random.default_rng([seed, 1_000_000])
    strip = simulate_strip(rng, sensor, leaves=6, samples=2 * EDGE, leaf_px=EDGE, labels=[0, 1, 2, 0, 1, 2])
    write_npz(_cube(strip.reflectance(rng), sensor), out / "field.npz")
    print(f"wrote {2 * plants} leaves of {plants} plants, {out / 'leaves.csv'} and {out / 'field.npz'}")
    return 0


def _cube(values: np.ndarray, sensor: Sensor) -> Cube:
    stored = np.clip(np.rint(values * SCALE), 0, 65535).astype(np.uint16)
    return Cube(stored, sensor.wavelengths_nm, sensor.fwhm_nm, quantity="reflectance", scale=SCALE)


if __name__ == "__main__":
    sys.exit(main())
