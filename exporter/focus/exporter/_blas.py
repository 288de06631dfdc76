"""Threads of NumPy's linear algebra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from threadpoolctl import ThreadpoolController


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """One thread for NumPy's linear algebra: threads for systems of 64 unknowns wait for each other, on busy cores ten
    times as long as the work takes. PyTorch, which may have a library of the same kind, keeps its own.
    """
    controller = ThreadpoolController()
    ours = [library.filepath for library in controller.lib_controllers if "numpy" in Path(library.filepath).parent.name]
    with controller.select(filepath=ours).limit(limits=1):
        yield
