"""Arguments of a kernel as the driver wants them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from focus.kernels.cuda._memory import Argument, DeviceArray


class Arguments:
    """Values and the array of pointers to them, which must live until the launch has returned.

    Args:
        values: see ``Argument``.
    """

    def __init__(self, values: Sequence[Argument]) -> None:
        self._values = [_as_ctype(value) for value in values]
        addresses = [ctypes.addressof(value) for value in self._values]
        self._pointers = (ctypes.c_void_p * len(addresses))(*addresses)

    @property
    def address(self) -> int:
        """Of the array of pointers: ``kernelParams`` of cuLaunchKernel."""
        return ctypes.addressof(self._pointers)


def _as_ctype(value: Argument) -> ctypes.c_void_p | ctypes.c_int32 | ctypes.c_float:
    if value is None:
        return ctypes.c_void_p(None)
    if isinstance(value, DeviceArray):
        return ctypes.c_void_p(value.address)
    return ctypes.c_int32(value) if isinstance(value, int) else ctypes.c_float(value)
