"""Where engines keep what they compiled."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

#: Models whose compiled form is kept; the ones not used for longest go first.
KEPT_MODELS = 4

#: Names of the folders made here; whatever else lies beside them is somebody else's.
OURS = re.compile("[0-9a-f]{16}")


def cache_folder(engine: str, sha256: str) -> Path | None:
    """A folder for one model's compiled form: in FOCUS_CACHE, or else in the user's cache folder.

    It is named after the file's content. OpenVINO itself only looks at a file's path, size and date, and runs the model
    of before where another one was copied over it.

    Args:
        engine: name of the engine.
        sha256: hash of the model file.
    Returns: None where nothing can be written; the engine then compiles the model each time.
    """
    try:
        home = cache_home() / engine
        folder = home / sha256[:16]
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        others = [path for path in home.iterdir() if path != folder and OURS.fullmatch(path.name)]
        others.sort(key=lambda path: path.stat().st_mtime)
    except (OSError, RuntimeError):  # Path.home() raises the latter where a user has none
        return None
    for old in others[: -(KEPT_MODELS - 1)]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def cache_home() -> Path:
    """FOCUS_CACHE, or else ``focus`` in the user's cache folder.

    Raises:
        RuntimeError: the user has no home.
    """
    own, user = os.environ.get("FOCUS_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(user) if user else Path.home() / ".cache") / "focus"
