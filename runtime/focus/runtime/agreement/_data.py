"""What ``--data`` may name: cubes, a manifest of cubes, what a training kept, a simulation."""

from __future__ import annotations

import glob
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from focus.runtime import Bundle, FocusError
from focus.runtime._kept import KEPT_FILE, kept_windows
from focus.runtime._table import rows_of_table
from focus.runtime.agreement._windows import UNKNOWN, NetInput, windows_from_kept, windows_from_source
from focus.runtime.cubes._envi import header_of
from focus.runtime.cubes._open import kind_of
from focus.runtime.engines import ModelFile
from focus.runtime.sources import OPTION_OF_FIELD, SourceOptions, source_from_uri

#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, float, float], None]

_CHECK_SPLITS = frozenset({"val", "validation", "test"})
_SPLITS = _CHECK_SPLITS | {"train", "training"}


@dataclass(frozen=True)
class Recording:
    """One thing that holds windows.

    Attributes:
        name: a source's URI, or the folder of a training.
        label: the class of all its windows; None where it is not known.
        split: ``calibration``, ``check``, or None where the manifest leaves it open.
    """

    name: str
    label: str | None = None
    split: str | None = None


class Divided(NamedTuple):
    """Windows to calibrate on and others to check on."""

    calibration: list[NetInput]
    check: list[NetInput]


def recordings_from_data(items: Sequence[str]) -> list[Recording]:
    """What the user named, one entry a cube, however often it was named.

    Args:
        items: each a cube's file, a pattern of such (``leaves/*.hdr``), a CSV manifest, a ``MODEL.training`` folder, or
            ``sim:...``.
    Raises:
        FocusError: nothing there, something else, a file of no known format, or one cube both to calibrate and to
            check on.
    """
    distinct: dict[str, Recording] = {}
    for recording in (recording for item in items for recording in _recordings(item)):
        name = _identity(recording)
        known = distinct.setdefault(name, recording)
        if known.split and recording.split and known.split != recording.split:
            raise FocusError(f"{recording.name} is named to calibrate and to check on; give it one split")
        # A pattern that names a cube again says neither what it shows nor what it is for.
        distinct[name] = replace(known, label=known.label or recording.label, split=known.split or recording.split)
    return list(distinct.values())


def _identity(recording: Recording) -> str:
    """The same for two names of one recording: other ways to a file, and header and data of an ENVI cube."""
    scheme, _, rest = recording.name.partition(":")
    if scheme == "sim":
        return recording.name
    path = Path(rest if scheme == "replay" else recording.name).resolve()
    if scheme != "replay":
        return str(path)
    header = header_of(path) if kind_of(path) == "envi" else None
    return str(header or path)


def _recordings(item: str) -> list[Recording]:
    path = Path(item)
    if item.startswith("sim:"):
        return [Recording(item)]
    if path.is_dir():
        if not (path / KEPT_FILE).is_file():
            raise FocusError(
                f"{path} holds no {KEPT_FILE} of focus-train; name the cubes themselves, e.g. --data '{path}/*.hdr'"
            )
        return [Recording(item)]
    if path.suffix.lower() == ".csv":
        return _manifest(path)
    found = [item] if path.is_file() else sorted(glob.glob(item, recursive=True))  # noqa: PTH207  # may be absolute
    if not found:
        raise FocusError(
            f"no file {item}; --data takes cubes, a CSV manifest, a MODEL.training folder, or sim: for simulated leaves"
        )
    return [Recording(f"replay:{name}") for name in found]


def _manifest(path: Path) -> list[Recording]:
    """Rows of a manifest as ``focus-train`` reads it: ``path``, and optionally ``label`` and ``split``."""
    if not path.is_file():
        raise FocusError(f"no manifest {path}; it is a CSV file with the column path and, if known, label")
    found = []
    for row in rows_of_table(path, "path"):
        if not (path.parent / row["path"]).is_file():
            raise FocusError(
                f"{path} line {row.line}: no file {row['path']}; paths are relative to {path.parent.resolve()}"
            )
        split = row.get("split", "").lower()
        if split and split not in _SPLITS:
            raise FocusError(f"{path} line {row.line}: split must be train, val, test, got {row['split']!r}")
        role = None if not split else "check" if split in _CHECK_SPLITS else "calibration"
        found.append(Recording(f"replay:{path.parent / row['path']}", row.get("label") or None, role))
    return found


def divided_windows(
    recordings: Sequence[Recording],
    model: ModelFile,
    options: SourceOptions,
    count: int,
    progress: Progress | None = None,
) -> Divided:
    """Up to ``count`` windows to calibrate on and as many others to check on; no sample is in both.

    Rows of a manifest's ``train`` calibrate and those of ``val`` and ``test`` check; everything else is shuffled (the
    same way each time) and halved.

    Raises:
        FocusError: a recording does not fit the model, or there are fewer than two windows.
        ValueError: ``count`` below 1.
    """
    if count < 1:
        raise ValueError(f"--windows must be 1 or more, got {count}")
    pools: dict[str | None, list[NetInput]] = {"calibration": [], "check": [], None: []}
    wanted = {"calibration": count, "check": count, None: 2 * count}
    chosen = [
        recording
        for split, number in wanted.items()
        for recording in _spread([one for one in recordings if one.split == split], number)
    ]
    for index, recording in enumerate(chosen):

        def tell(share: float, before: int = index) -> None:
            if progress is not None:
                progress("reading windows", before + share, len(chosen))

        alike = sum(one.split == recording.split for one in chosen)
        pools[recording.split] += _windows_of(recording, model, options, -(-wanted[recording.split] // alike), tell)
        tell(1.0)
    rest = [pools[None][i] for i in np.random.default_rng(0).permutation(len(pools[None]))][: 2 * count]
    half = -(-len(rest) // 2)
    divided = Divided(
        (pools["calibration"] + rest[:half])[:count],
        (pools["check"] + rest[half:])[:count],
    )
    if not divided.calibration or not divided.check:
        raise FocusError(
            f"--data holds {len(divided.calibration)} windows to calibrate on and {len(divided.check)} to check on, "
            "at least one of each is needed; give more cubes or larger ones"
        )
    return divided


def windows_from_data(
    recordings: Sequence[Recording],
    model: ModelFile,
    options: SourceOptions,
    count: int,
    progress: Progress | None = None,
) -> list[NetInput]:
    """Up to ``count`` windows, spread over all recordings; splits do not matter where nothing is calibrated.

    Raises:
        FocusError: a recording does not fit the model, or there is no window.
        ValueError: ``count`` below 1.
    """
    if count < 1:
        raise ValueError(f"--windows must be 1 or more, got {count}")
    chosen = _spread(list(recordings), count)
    windows: list[NetInput] = []
    for index, recording in enumerate(chosen):

        def tell(share: float, before: int = index) -> None:
            if progress is not None:
                progress("reading windows", before + share, len(chosen))

        windows += _windows_of(recording, model, options, -(-count // len(chosen)), tell)
        tell(1.0)
    if not windows:
        raise FocusError("--data holds no whole window of the model; give more cubes or larger ones")
    return [windows[i] for i in np.unique(np.linspace(0, len(windows) - 1, count).round().astype(int))]


def _spread(recordings: list[Recording], count: int) -> list[Recording]:
    """At most ``count`` of them, evenly: nobody waits for a thousand cubes when a hundred windows are enough."""
    if len(recordings) <= count:
        return recordings
    return [recordings[i] for i in np.linspace(0, len(recordings) - 1, count).round().astype(int)]


def _windows_of(
    recording: Recording, model: ModelFile, options: SourceOptions, count: int, progress: Callable[[float], None]
) -> list[NetInput]:
    if recording.name.startswith(("sim:", "replay:")):
        scheme, _, path = recording.name.partition(":")
        mine = options.for_one_of_many(Path(path)) if scheme == "replay" else options
        source = source_from_uri(recording.name, mine)
        return windows_from_source(source, model, count, _label(recording, model.bundle), progress)
    given = [field.name for field in fields(options) if getattr(options, field.name) is not None]
    if given:
        option = OPTION_OF_FIELD.get(given[0], given[0])
        raise ValueError(f"{recording.name} holds windows that are ingested already; leave out --{option}")
    kept = kept_windows(Path(recording.name))
    if kept is None:
        raise FocusError(f"{recording.name} holds no {KEPT_FILE}; train again, or name cubes")
    windows = windows_from_kept(kept, model.bundle)
    return [windows[i] for i in np.unique(np.linspace(0, len(windows) - 1, count).round().astype(int))]


def _label(recording: Recording, bundle: Bundle) -> int:
    if recording.label is None or bundle.task != "classification":
        return UNKNOWN
    if recording.label not in bundle.class_names:
        raise FocusError(
            f"{recording.name.partition(':')[2]} has the label {recording.label!r}, model {bundle.name} knows "
            f"{', '.join(bundle.class_names)}; correct the manifest, or leave out its column label"
        )
    return bundle.class_names.index(recording.label)
