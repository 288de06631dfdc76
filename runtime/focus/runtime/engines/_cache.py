"""Where engines keep what they compiled."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: Models whose compiled form is kept; the ones not used for longest go first.
KEPT_MODELS = 4


def cache_folder(engine: str, sha256: str) -> Path | None:
    """A folder for one model's compiled form: in FOCUS_CACHE, or else in the user's cache folder.

    It is named after the file's content. OpenVINO itself only looks at a file's path, size and date, and runs the model
    of before where another one was copied over it.

    Args:
        engine: name of the engine.
        sha256: hash of the model file.
    Returns: None where nothing can be written; the engine then compiles the model each time.
    """
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    home = Path(os.environ.get("FOCUS_CACHE") or Path(user) / "focus") / engine
    folder = home / sha256[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        kept = sorted((path for path in home.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    except OSError:
        return None
    for old in kept[:-KEPT_MODELS]:
        shutil.rmtree(old, ignore_errors=True)
    return folder
