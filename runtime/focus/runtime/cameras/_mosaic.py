"""Snapshot mosaic sensors: a filter pattern over the pixels, one band a pixel, again and again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from focus.runtime._errors import CameraError
from focus.runtime.cubes import bands_from_option

if TYPE_CHECKING:
    from focus.runtime.sources._options import SourceOptions

_PATTERN = re.compile(r"(\d+)x(\d+)(?:\+(\d+)\+(\d+))?")


@dataclass(frozen=True)
class Mosaic:
    """A pattern of n rows and m columns. Its places are numbered row by row.

    Attributes:
        rows, columns: n and m.
        top, left: row and column of the frame at which the first whole pattern begins.
        order: the band at each place, -1 for none; () where the bands are in the pattern's own order.
    """

    rows: int
    columns: int
    top: int = 0
    left: int = 0
    order: tuple[int, ...] = ()

    @classmethod
    def from_text(cls, text: str) -> Mosaic:
        """Reads ``4x4`` or, with the first row and column, ``5x5+2+0``.

        Raises:
            ValueError: it is neither.
        """
        found = _PATTERN.fullmatch(text)
        if found is None or not (int(found[1]) and int(found[2])):
            raise ValueError(f"--mosaic must be rows x columns of the pattern, 4x4 or 4x4+TOP+LEFT, got {text!r}")
        rows, columns, top, left = (int(part or 0) for part in found.groups())
        return cls(rows, columns, top, left)

    @property
    def places(self) -> int:
        """n m."""
        return self.rows * self.columns

    @property
    def bands(self) -> int:
        """C."""
        return self.places if not self.order else sum(band >= 0 for band in self.order)

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}+{self.top}+{self.left}"


def mosaic_of(options: SourceOptions) -> Mosaic | None:
    """The pattern that the user or the calibration says, with the order of its bands; None for no mosaic.

    Raises:
        CameraError: nobody says which band is where, or two say different things.
        ValueError: no pattern.
    """
    held = None if options.calibration is None else options.calibration.mosaic
    if options.mosaic is not None:
        mosaic = Mosaic.from_text(options.mosaic)
    elif held is not None:
        rows, columns, top, left = (*held, 0, 0)[:4]
        mosaic = Mosaic(rows, columns, top, left)
    else:
        return None
    said = mosaic.rows, mosaic.columns, mosaic.top, mosaic.left
    if held is not None and held != said[: len(held)]:
        raise CameraError(f"--mosaic is {mosaic}, the calibration is of a pattern of {held[0]}x{held[1]}; leave it out")
    orders = [order for order in (_order_of_table(options, mosaic), _order_of_calibration(options, mosaic)) if order]
    if not orders:
        raise CameraError(
            f"which band is where in the {mosaic.rows}x{mosaic.columns} mosaic is not known; give --wavelengths FILE "
            "in the order of the pattern, row by row, or a --calibration that says it"
        )
    if orders[0] != orders[-1]:
        raise CameraError("--wavelengths and the calibration order the mosaic's bands differently; leave out one")
    order = orders[0]
    return mosaic if order == tuple(range(mosaic.places)) else replace(mosaic, order=order)


def _order_of_table(options: SourceOptions, mosaic: Mosaic) -> tuple[int, ...]:
    """Bands in the order of their wavelengths, from a table in the order of the pattern."""
    given = bands_from_option(options.wavelengths_nm, mosaic.places)
    if given is None:
        return ()
    centres, _ = given
    if len(centres) != mosaic.places:
        raise CameraError(f"--wavelengths has {len(centres)} bands, the mosaic {mosaic.places} places; correct it")
    return tuple(np.argsort(np.argsort(centres, kind="stable")).tolist())


def _order_of_calibration(options: SourceOptions, mosaic: Mosaic) -> tuple[int, ...]:
    calibration = options.calibration
    if calibration is None or calibration.mosaic is None:
        return ()
    return calibration.mosaic_order or tuple(range(mosaic.places))
