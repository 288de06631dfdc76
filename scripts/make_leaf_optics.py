"""Writes the coefficients of PROSPECT-D, and leaves to test our reading of it against, from the MIT-licensed package
xleaf.

Needs CPython 3.11 on x86-64 Linux, the only machine that xleaf 1.2 has wheels for: ``pip install xleaf==1.2.2``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xleaf

ROOT = Path(__file__).parents[1]
PIGMENTS_AND_MATTER = ("k_cab", "k_car", "k_anth", "k_cw", "k_cm")


def main() -> None:
    """Writes both files."""
    table = xleaf.prosail.mod_dataspec_pdb
    absorption = np.stack([getattr(table, name) for name in PIGMENTS_AND_MATTER], axis=1)
    np.savez_compressed(
        ROOT / "runtime/focus/runtime/simulate/prospect_d.npz",
        absorption=absorption,
        refraction=np.array(table.refractive),
    )
    rng = np.random.default_rng(0)
    low, high = np.array([1, 0, 0, 0.002, 0.002, 1.05]), np.array([85, 20, 5, 0.05, 0.036, 3.6])
    traits = rng.uniform(low, high, (8, 6))
    optics = [xleaf.simulate_leaf(*leaf, transmittance=True) for leaf in traits]
    np.savez_compressed(
        ROOT / "tests/runtime/simulate/prospect_d_golden.npz", traits=traits, optics=np.array(optics, np.float32)
    )


if __name__ == "__main__":
    main()
