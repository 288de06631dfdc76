"""Results of windows on disk, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from focus.exporter.evaluate._window import WindowResult
from focus.runtime import FocusError, OutputError
from focus.runtime._files import write_atomically
from focus.runtime._npz import DAMAGED, load_arrays

SETTINGS_FILE = "settings.json"

#: Raised whenever the meaning of a result changes.
LAYOUT = 2


class Cache:
    """A folder of window results, all of the same settings.

    Args:
        folder: made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def claim(self, settings: Mapping[str, Any]) -> None:
        """Says what the results are of, for a run that begins or goes on.

        Raises:
            FocusError: the folder has results of other settings, or something else in it.
            OutputError: it cannot be written.
        """
        wanted = {"layout": LAYOUT, **settings}
        file = self.folder / SETTINGS_FILE
        if file.exists():
            before = self.settings()
            changed = [name for name in {**before, **wanted} if before.get(name) != wanted.get(name)]
            if changed:
                raise FocusError(
                    f"{self.folder} has results of another {', '.join(changed)}; choose another --out, or remove it"
                )
            return
        if self.folder.is_dir() and any(self.folder.iterdir()):
            raise FocusError(f"{self.folder} is not empty and no evaluation; choose another --out")
        try:
            (self.folder / "windows").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make {self.folder}: {error.strerror}; choose another --out") from None
        write_atomically(file, json.dumps(wanted, indent=1).encode())

    def claimed(self) -> bool:
        """Whether a run has said what the results are of."""
        return (self.folder / SETTINGS_FILE).exists()

    def settings(self) -> dict[str, Any]:
        """What the results are of.

        Raises:
            FocusError: there is no evaluation here.
        """
        try:
            found: dict[str, Any] = json.loads((self.folder / SETTINGS_FILE).read_text())
        except (OSError, ValueError):
            raise FocusError(f"{self.folder} has no evaluation; make one with focus-eval run --out") from None
        if found.get("layout") != LAYOUT:
            raise FocusError(f"{self.folder} was made by another version; evaluate again into another --out")
        return found

    def load(self, index: int) -> WindowResult | None:
        """A window's result; None where there is none. A damaged file counts as none."""
        try:
            arrays = load_arrays(self._file(index))
            return WindowResult(json.loads(str(arrays.pop("facts"))), **arrays)
        except DAMAGED:
            return None

    def save(self, index: int, result: WindowResult) -> None:
        """Keeps a window's result.

        Raises:
            OutputError: it cannot be written.
        """
        content = io.BytesIO()
        np.savez_compressed(
            content,
            facts=np.array(json.dumps(result.facts)),
            heatmaps=result.heatmaps,
            curves=result.curves,
            composite=result.composite.astype(np.float16),
            lesion=result.lesion,
            informative=result.informative,
        )
        write_atomically(self._file(index), content.getvalue())

    def _file(self, index: int) -> Path:
        return self.folder / "windows" / f"{index:05d}.npz"
