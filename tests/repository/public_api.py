"""Writes public_api.txt, the names that users may import; run it after a change that is meant."""

from __future__ import annotations

import importlib
from pathlib import Path

PINNED = Path(__file__).with_name("public_api.txt")
PACKAGES = ["focus.runtime", "focus.kernels", "focus.calib", "focus.exporter"]


def render() -> str:
    """The public names of the four packages as they are now, one a line below their package."""
    lines = []
    for package in PACKAGES:
        names = getattr(importlib.import_module(package), "__all__", [])
        lines += [package, *(f"    {name}" for name in sorted(names)), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PINNED.write_text(render(), encoding="utf-8")
