"""Writes the colour maps of the live page from matplotlib's tables; run it after a change of NAMES."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np

#: Maps that stay readable for the colour-blind and in grey, the default first.
NAMES = ("inferno", "viridis", "cividis", "magma")

TARGET = Path(__file__).parents[1] / "runtime/focus/runtime/serve/page/colour-maps.js"


def render() -> str:
    """The module: 256 colours a map, as hexadecimal RGB."""
    lines = ["// 256 colours a map, RRGGBB each, from matplotlib's tables; made by scripts/make_colour_maps.py.", ""]
    lines.append("export const COLOUR_MAPS = {")
    for name in NAMES:
        table = matplotlib.colormaps[name](np.arange(256), bytes=True)[:, :3]
        lines.append(f'  {name}: "{table.astype(np.uint8).tobytes().hex()}",')
    return "\n".join([*lines, "};", ""])


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
