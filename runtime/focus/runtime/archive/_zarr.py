"""The maps of a cube as a Zarr group (version 3), which is whole or not there; xarray opens it, too."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.archive._manifest import Entry
from focus.runtime.archive._order import Order
from focus.runtime.outputs import BaseSink
from focus.runtime.pipeline import MapRow, Plan, Reading

#: Attribute of a group that holds its ``Entry``, and what it was made with.
ENTRY, MADE_WITH = "focus_entry", "focus_made_with"


class ZarrSink(BaseSink):
    """Collects the maps of one cube; they are small beside it, a value a patch and class (and band, with T)."""

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._plan = plan
        self._rows: list[MapRow] = []
        self._readings: list[Reading] = []

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        self._readings.append(reading)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self._rows.append(row)

    def write(self, folder: Path, attributes: dict[str, Any]) -> None:
        """Writes the group, see docs/archives.md.

        Args:
            folder: must not exist.
            attributes: of the group; JSON values only.
        Raises:
            OSError: it cannot be written.
        """
        import zarr

        group = zarr.create_group(str(folder), zarr_format=3, attributes=attributes)
        for name, (dimensions, values) in {**self._maps(), **self._windows()}.items():
            group.create_array(name, data=values, dimension_names=dimensions)

    def _maps(self) -> dict[str, tuple[tuple[str, ...], NDArray[Any]]]:
        found: dict[str, tuple[tuple[str, ...], NDArray[Any]]] = {
            "M": (("row", "column"), np.stack([row.heatmap for row in self._rows])),
            "scores": (("class", "row", "column"), np.stack([row.scores for row in self._rows], axis=1)),
            "wavelength": (("band",), self._plan.bundle.wavelengths),
        }
        cubes = [row.cube for row in self._rows if row.cube is not None]
        if cubes:
            found["T"] = ("band", "row", "column"), np.stack(cubes, axis=1)
        return found

    def _windows(self) -> dict[str, tuple[tuple[str, ...], NDArray[Any]]]:
        windows = [reading.window for reading in self._readings]
        samples = self._plan.bundle.window[1]
        columns: dict[str, list[Any]] = {
            "window_first_line": [window.first_line for window in windows],
            "window_lines": [window.lines for window in windows],
            "window_first_sample": [window.first_sample for window in windows],
            "window_samples": [min(samples, self._plan.source.samples - window.first_sample) for window in windows],
            "window_shown": [reading.shown for reading in self._readings],
            "window_predicted": [-1 if reading.predicted is None else reading.predicted for reading in self._readings],
        }
        found: dict[str, tuple[tuple[str, ...], NDArray[Any]]] = {
            name: (("window",), np.array(values, np.int32)) for name, values in columns.items()
        }
        found["B"] = ("window", "band"), np.stack([reading.curve for reading in self._readings])
        found["window_scores"] = ("window", "class"), np.stack([reading.scores for reading in self._readings])
        return found


def finished(order: Order, cube: str, files: tuple[tuple[str, int, int], ...]) -> Entry | None:
    """The entry of a group that is there, made with the same from the same files; None where there is none."""
    try:
        attributes = json.loads((order.out / cube / "zarr.json").read_text())["attributes"]
        entry = Entry.from_json(attributes[ENTRY])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    same = attributes.get(MADE_WITH) == json.loads(json.dumps(order.made_with))
    return entry if same and entry.files == files else None


def put_in_place(part: Path, target: Path) -> None:
    """Makes a whole group visible, in place of one that is there; on one disk that is a rename.

    Raises:
        OSError: the disk fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    old = part.with_name(f"{part.name}.old")
    if target.exists():
        target.rename(old)
    part.rename(target)
    shutil.rmtree(old, ignore_errors=True)
