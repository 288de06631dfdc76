"""Threads of NumPy's linear algebra, as they are now."""

from __future__ import annotations

import numpy as np
from threadpoolctl import ThreadpoolController


def numpy_threads() -> list[int]:
    """Of each of NumPy's libraries; there is at least one."""
    np.linalg.solve(np.eye(2), np.ones(2))
    libraries = ThreadpoolController().info()
    found = [library["num_threads"] for library in libraries if "numpy" in library["filepath"].rsplit("/", 2)[-2]]
    assert found, "NumPy's linear algebra was not found"
    return found
