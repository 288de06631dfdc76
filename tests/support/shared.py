"""Real cubes and weights that lie beside the repository, not in it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"


def shared_file(name: str) -> Path:
    """The path of a shared file.

    Args:
        name: below the folder ``shared`` beside the repository, e.g. ``data/jasperRidge2_R198.mat``.
    """
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is too large for the repository; to run this test: put it into {SHARED}")
    return path
