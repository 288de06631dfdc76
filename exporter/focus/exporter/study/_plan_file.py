"""``study.json``: what a study wants, and where each run lies; all that a report needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from focus.exporter.study._plan import Entry
from focus.exporter.study._scale import Scale
from focus.exporter.study._store import Store, read_json, write_json
from focus.runtime import FocusError, OutputError

PLAN = "study.json"

#: Raised whenever the meaning of a file changes.
LAYOUT = 1


def write_plan(store: Store, scale: Scale, entries: Sequence[Entry]) -> None:
    """Writes the file; an earlier study's runs stay where they are.

    Raises:
        FocusError: the folder holds something else; OutputError: it cannot be written.
    """
    folder = store.folder
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PLAN).is_file():
        raise FocusError(f"{folder} is not empty and no study; choose another --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}; choose another --out") from None
    backbone = store.backbone
    write_json(
        folder / PLAN,
        {
            "layout": LAYOUT,
            "backbone": {"name": backbone.name, "size": list(backbone.size), "weights_sha256": backbone.sha256},
            "scale": asdict(scale),
            "entries": [
                {
                    "table": entry.table,
                    "group": entry.group,
                    "row": entry.row,
                    "seed": entry.seed,
                    "split": entry.split,
                    "run": str(store.run_folder(entry.run).relative_to(folder)),
                    "trainings": [str(store.training_folder(one).relative_to(folder)) for one in entry.run.trainings],
                }
                for entry in entries
            ],
        },
    )


def read_plan(folder: Path) -> dict[str, Any]:
    """The file's values.

    Raises:
        FocusError: there is no study here, or one of another version.
    """
    found = read_json(folder / PLAN)
    if found is None:
        raise FocusError(f"{folder} has no study; make one with focus-eval study --out")
    if found.get("layout") != LAYOUT:
        raise FocusError(f"{folder} was made by another version; make the study again into another --out")
    return found
