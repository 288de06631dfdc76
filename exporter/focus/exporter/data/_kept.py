"""A few windows of a training, kept beside its checkpoint (``focus.runtime._kept`` reads them)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._windows import WindowSet
from focus.runtime._files import write_atomically
from focus.runtime._kept import KEPT_FILE

#: How many windows are kept: enough to calibrate an INT8 model on the half of them; 0.3 MB each at 128 x 128.
KEPT_WINDOWS = 64


def training_folder(checkpoint: Path) -> Path:
    """Where metrics, events, state and kept windows of a training lie: ``model.training`` beside ``model.pt``."""
    return checkpoint.with_name(f"{checkpoint.stem}.training")


def keep_windows(folder: Path, windows: WindowSet) -> None:
    """Keeps a few validation windows, or training windows where there is no validation, as the network reads them.

    Raises:
        OutputError: the folder cannot be written.
    """
    chosen = windows.of("val") if len(windows.of("val")) else windows.of("train")
    chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, KEPT_WINDOWS).round().astype(int))]
    arrays: dict[str, NDArray[Any]] = {
        "band_means": windows.band_means[chosen],
        "composite": windows.composite[chosen],
    }
    if windows.task == "classification":
        arrays["labels"] = windows.targets[chosen]
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    write_atomically(folder / KEPT_FILE, content.getvalue())
