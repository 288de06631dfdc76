"""What the attributes of a NetCDF or HDF5 variable say about its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from focus.runtime._errors import CubeError
from focus.runtime.cubes._cube import QUANTITIES, Quantity

_UNITLESS = ("", "1", "unitless", "none", "dimensionless")
_PERCENT = ("%", "percent")


def text_of(value: Any) -> str:
    """An attribute as text, whether the library gives str, bytes or an array of one."""
    item = np.asarray(value).reshape(-1)
    first = item[0] if item.size else ""
    return first.decode("utf-8", errors="replace") if isinstance(first, bytes) else str(first)


def number_of(attributes: Mapping[str, Any], *names: str) -> float | None:
    """The first of several numeric attributes that is there, or None."""
    for name in names:
        if name in attributes:
            try:
                return float(np.asarray(attributes[name]).reshape(-1)[0])
            except (ValueError, TypeError, IndexError):
                return None
    return None


def quantity_of(variable: str, attributes: Mapping[str, Any], floating: bool) -> tuple[Quantity | None, float]:
    """Quantity and scale that a variable states; (None, 1.0) where it does not state both without doubt.

    Stated means: an attribute `quantity`, or the word reflectance in the variable's name, `standard_name` or
    `long_name`. The scale is 1 / `scale_factor` (CF conventions: stored value x factor) or `Scale_Factor` (NEON:
    stored value / factor), times 100 where the units are percent, which are those of the unpacked values; integers
    without either, and other units, leave the quantity open.

    Args:
        variable: name of the variable.
        attributes: its attributes.
        floating: whether it is stored as floating point.
    Raises:
        CubeError: if an offset would have to be added, or the factor is not positive.
    """
    if number_of(attributes, "add_offset"):
        raise CubeError(
            f"{variable} has add_offset = {attributes['add_offset']}, which is not supported; unpack the variable first"
        )
    factor = number_of(attributes, "scale_factor")
    divisor = number_of(attributes, "Scale_Factor")
    if factor is not None and not factor > 0:
        raise CubeError(f"{variable} has scale_factor = {factor:g}, expected a positive number; correct the file")
    scale = 1.0 / factor if factor is not None else divisor
    stated = text_of(attributes.get("quantity", "")).lower()
    if stated == "counts":
        return "counts", 1.0
    named = [variable.rsplit("/", 1)[-1], *(text_of(attributes.get(key, "")) for key in ("standard_name", "long_name"))]
    if stated != QUANTITIES[0] and not any("reflectance" in words.lower() for words in named):
        return None, 1.0
    units = text_of(attributes.get("units", "")).lower()
    if units not in (*_PERCENT, *_UNITLESS) or (scale is None and not floating):
        return None, 1.0
    return "reflectance", (scale or 1.0) * (100.0 if units in _PERCENT else 1.0)
