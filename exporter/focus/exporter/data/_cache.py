"""Ingested windows on disk, so that a second run with the same settings starts at once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data._windows import Truth, WindowSet
from focus.runtime import OutputError
from focus.runtime._npz import DAMAGED, load_arrays

#: Raised whenever the layout or the meaning of a cached file changes.
_LAYOUT = 2


def cached(folder: Path | None, kind: str, settings: Mapping[str, Any], ingest: Callable[[], WindowSet]) -> WindowSet:
    """The windows for these settings: from the cache, or ingested and then kept there.

    Args:
        folder: made if it is missing; None keeps nothing.
        kind: start of the file's name.
        settings: everything that the windows depend on; JSON values only.
        ingest: makes the windows.
    Raises:
        OutputError: the folder cannot be written.
    """
    if folder is None:
        return ingest()
    text = json.dumps({"layout": _LAYOUT, "kind": kind, **settings}, sort_keys=True)
    path = folder / f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
    found = _load(path)
    if found is None:
        found = ingest()
        _save(path, found)
    return found


def _load(path: Path) -> WindowSet | None:
    """A damaged file counts as absent: it is made again."""
    if not path.is_file():
        return None
    try:
        arrays = load_arrays(path)
        facts = json.loads(str(arrays.pop("facts")))
        truth_fields = {field.name: arrays.pop(field.name, None) for field in fields(Truth)}
        known = truth_fields["informative"] is not None
        facts["truth"] = Truth(**truth_fields) if known else None
        facts["fwhm_nm"] = arrays.pop("fwhm_nm", None)
        lists = {name: tuple(value) for name, value in facts.items() if isinstance(value, list)}
        return WindowSet(**{**facts, **lists, **arrays})
    except DAMAGED:
        return None


def _save(path: Path, windows: WindowSet) -> None:
    arrays: dict[str, NDArray[Any]] = {}
    facts: dict[str, Any] = {}
    for part in (windows, windows.truth):
        for field in fields(part) if part is not None else ():
            value = getattr(part, field.name)
            if isinstance(value, np.ndarray):
                arrays[field.name] = value
            elif field.name not in ("truth", "fwhm_nm", "trait_information"):
                facts[field.name] = value
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, facts=np.array(json.dumps(facts)), **arrays)  # type: ignore[arg-type]
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot keep the windows in {path.parent}: {error.strerror}; free some space or leave --cache out"
        ) from None
