"""A few windows of a training, kept beside its checkpoint: what an export is checked on."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._windows import Array, WindowSet
from focus.runtime import FocusError
from focus.runtime._files import write_atomically

#: How many windows are kept.
KEPT_WINDOWS = 4


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
    content = io.BytesIO()
    np.savez(content, band_means=windows.band_means[chosen], composite=windows.composite[chosen])
    write_atomically(_path(folder), content.getvalue())


def kept_windows(folder: Path) -> tuple[Array, NDArray[np.float16]] | None:
    """Band means float32 [M, N, C] and composites float16 [M, 3, H, W] that ``keep_windows`` kept; None if it did not.

    Raises:
        FocusError: the file is damaged.
    """
    path = _path(folder)
    if not path.is_file():
        return None
    try:
        with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
            return file["band_means"], file["composite"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise FocusError(f"cannot read {path} ({error}); remove it, or check on a cube with --check") from None


def _path(folder: Path) -> Path:
    return folder / "windows.npz"
