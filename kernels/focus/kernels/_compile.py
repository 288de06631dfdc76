"""How the loops are compiled: without the interpreter, and kept on disk where that can be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Numba's ``njit`` that releases the interpreter and keeps what it compiled for the next start.

    Where no folder can be written, the disk is full, or what was kept cannot be read (an older release's, or cut short
    by a loss of power), it goes on without: Numba itself would raise.

    Args:
        function: to compile.
        options: further ones of ``numba.njit``.
    """
    choices = {"nogil": True, "error_model": "numpy", **options}
    try:
        loop = numba.njit(cache=True, **choices)(function)
    except RuntimeError:
        return numba.njit(**choices)(function)
    load, save = loop._cache.load_overload, loop._cache.save_overload

    def load_if_it_can(*arguments: Any) -> Any:
        try:
            return load(*arguments)
        except Exception:  # unpickling may raise anything
            with suppress(OSError):
                loop._cache.flush()
            return None

    def save_if_it_can(*arguments: Any) -> None:
        with suppress(OSError):
            save(*arguments)

    loop._cache.load_overload, loop._cache.save_overload = load_if_it_can, save_if_it_can
    return loop
