"""Band groups by plant physiology (docs/method.md, "Band groups")."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

#: Name and lower and upper edge in nm; a band belongs to the range whose half-open interval holds its centre.
PHYSIOLOGY = (("VIS", 400.0, 700.0), ("red-edge", 700.0, 750.0), ("NIR", 750.0, 1100.0), ("SWIR", 1100.0, 2501.0))


@dataclass(frozen=True)
class BandGroup:
    """Neighbouring bands that one prompt of every class reads.

    Attributes:
        name: for people, e.g. ``VIS-2``, or ``VIS+red-edge`` of whole ranges.
        first: index of the first band.
        stop: index after the last band.
    """

    name: str
    first: int
    stop: int

    @property
    def bands(self) -> int:
        """Number of bands."""
        return self.stop - self.first


def band_groups(wavelengths_nm: NDArray[np.float64], groups: int = 4) -> tuple[BandGroup, ...]:
    """Splits a sensor's bands into groups that are parts of physiological ranges, or unions of whole ones.

    ``groups`` counts the groups of a sensor that covers every range (VIS, red-edge, NIR, SWIR). The ranges that this
    sensor covers share them in proportion to their number of bands, at least one each; ranges without a band are
    dropped with a warning. Fewer groups than covered ranges are unions of neighbouring ranges, of numbers of bands as
    equal as can be.

    Args:
        wavelengths_nm: float64 [C], increasing, within 400-2500 nm give or take 40 nm (those join the outer ranges).
        groups: wanted number of groups.
    Returns: the groups in order of wavelength, covering every band once.
    Raises:
        ValueError: wavelengths outside the sensible range, or a number of groups that cannot be formed.
    """
    wavelengths = np.asarray(wavelengths_nm, np.float64)
    outside = np.flatnonzero((wavelengths < 360.0) | (wavelengths > 2540.0))
    if outside.size:
        raise ValueError(
            f"band groups are defined for 360-2540 nm, band {outside[0]} lies at {wavelengths[outside[0]]:g} nm; "
            "leave such bands out of the cube"
        )
    edges = np.array([low for _, low, _ in PHYSIOLOGY[1:]])
    counts = np.bincount(np.searchsorted(edges, wavelengths, side="right"), minlength=len(PHYSIOLOGY))
    missing = [name for (name, _, _), count in zip(PHYSIOLOGY, counts, strict=True) if count == 0]
    covered = len(PHYSIOLOGY) - len(missing)
    if missing and groups == len(PHYSIOLOGY):
        warnings.warn(f"this sensor has no band in {', '.join(missing)}: {covered} band groups", stacklevel=2)
        groups = covered
    if not 1 <= groups <= wavelengths.size:
        raise ValueError(f"groups must be 1 to {wavelengths.size} (one a band) for this sensor, got {groups}")
    if groups < covered:
        return _united(_split(counts, np.sign(counts)), groups)
    return tuple(_split(counts, _apportion(counts, groups)))


def _apportion(counts: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """Groups a range: one each, the rest one by one to the range whose groups are the largest."""
    share = (counts > 0).astype(np.int64)
    for _ in range(groups - int(share.sum())):
        room = np.where(share < counts, counts / np.maximum(share, 1), 0.0)
        share[int(np.argmax(room))] += 1
    return share


def _split(counts: NDArray[np.int64], share: NDArray[np.int64]) -> list[BandGroup]:
    found: list[BandGroup] = []
    first = 0
    for (name, _, _), count, parts in zip(PHYSIOLOGY, counts, share, strict=True):
        edges = first + np.round(np.linspace(0, count, int(parts) + 1)).astype(int)
        for part, (start, stop) in enumerate(pairwise(edges)):
            found.append(BandGroup(name if parts == 1 else f"{name}-{part + 1}", int(start), int(stop)))
        first += int(count)
    return found


def _united(ranges: list[BandGroup], groups: int) -> tuple[BandGroup, ...]:
    """Unions of neighbouring ranges, cut where the sum of their squared numbers of bands is least."""
    choices = [
        [ranges[start:stop] for start, stop in pairwise((0, *cuts, len(ranges)))]
        for cuts in combinations(range(1, len(ranges)), groups - 1)
    ]
    parts = min(choices, key=lambda parts: sum((part[-1].stop - part[0].first) ** 2 for part in parts))
    return tuple(BandGroup("+".join(one.name for one in part), part[0].first, part[-1].stop) for part in parts)


def group_of_band(groups: tuple[BandGroup, ...]) -> NDArray[np.int32]:
    """Group index of each band, int32 [C]."""
    return np.repeat(np.arange(len(groups), dtype=np.int32), [group.bands for group in groups])
