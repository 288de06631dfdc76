"""Files of the Tomato BLS data set: what their names say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SENSORS = ("visnir", "swir")

#: What a file is that shows no leaf: a reference of the calibration, or the cloth under the leaves.
_KINDS = ("white", "dark", "cloth")

_BEFORE = re.compile(r"before[ _]?inoculation|(^|_)bi(_|$)")
_DAYS = re.compile(r"(\d+) ?dai")
_HOURS = re.compile(r"(\d+) ?h")


class TomatoFile(NamedTuple):
    """One ENVI file.

    Attributes:
        header: its path.
        sensor: of ``SENSORS``.
        kind: ``leaf``, ``white``, ``dark`` or ``cloth``.
        recording: the name without sensor and suffixes: ``0dai_2hr_bc_run1``, the same for both cameras.
        stage: when it was taken: ``before``, ``2 h``, ``3 d``, or "" where the name does not say.
    """

    header: Path
    sensor: str
    kind: str
    recording: str
    stage: str


def tomato_files(folder: Path) -> list[TomatoFile]:
    """All ENVI headers below a folder whose names tell a camera, in the order of their paths."""
    found = [_described(header) for header in sorted(folder.rglob("*.hdr"))]
    return [file for file in found if file is not None]


def references_of(file: TomatoFile, files: Sequence[TomatoFile], kind: str) -> list[TomatoFile]:
    """References of a kind for a recording: those of its stage, else all of its camera."""
    fitting = [other for other in files if other.kind == kind and other.sensor == file.sensor]
    return [other for other in fitting if other.stage == file.stage] or fitting


def _described(header: Path) -> TomatoFile | None:
    name = header.name.lower().removesuffix(".hdr").removesuffix(".bil")
    sensor = next((sensor for sensor in SENSORS if sensor in name), None)
    if sensor is None:
        return None
    kind = next((kind for kind in _KINDS if kind in name), "leaf")
    recording = re.sub(r"[_ ]+", "_", name.replace(sensor, "")).strip("_")
    return TomatoFile(header, sensor, kind, recording, _stage(recording))


def _stage(recording: str) -> str:
    if _BEFORE.search(recording):
        return "before"
    hours, days = _HOURS.search(recording), _DAYS.search(recording)
    if hours is not None and (days is None or int(days[1]) == 0):
        return f"{hours[1]} h"
    return f"{days[1]} d" if days is not None else ""
