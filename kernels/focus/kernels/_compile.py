"""How the loops are compiled: without the interpreter, and kept on disk where that can be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba


def compiled(function: Callable[..., Any], **options: Any) -> Any:
    """Numba's ``njit`` that releases the interpreter and keeps what it compiled for the next start.

    Where no folder can be written, or the disk is full, it goes on without: Numba itself would raise.

    Args:
        function: to compile.
        options: further ones of ``numba.njit``.
    """
    choices = {"nogil": True, "error_model": "numpy", **options}
    try:
        loop = numba.njit(cache=True, **choices)(function)
    except RuntimeError:
        return numba.njit(**choices)(function)
    save = loop._cache.save_overload

    def save_if_it_can(*arguments: Any) -> None:
        with suppress(OSError):
            save(*arguments)

    loop._cache.save_overload = save_if_it_can
    return loop
