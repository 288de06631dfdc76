"""NumPy's archives that a program may find damaged: cut off by a full disk, or with a flipped bit."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

#: All that NumPy and zipfile raise on damaged files, and what readers of their content do.
DAMAGED = (
    OSError, ValueError, KeyError, TypeError, EOFError, SyntaxError, NotImplementedError, tokenize.TokenError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def has_array(path: Path, name: str) -> bool:
    """Whether an .npz file lists an array; a damaged one lists none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return f"{name}.npy" in archive.namelist()
    except DAMAGED:
        return False


def load_arrays(path: Path) -> dict[str, Any]:
    """All arrays of an .npz file; nothing that is pickled.

    Raises:
        One of ``DAMAGED``: there is no such file, or it is damaged.
    """
    # NumPy leaves the file open where it is damaged, unless it was given an open one.
    with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
