"""One way in for every data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from focus.exporter.data._cache import cached
from focus.exporter.data._cubes import Progress
from focus.exporter.data._folder import FolderOptions, folder_settings, folder_windows
from focus.exporter.data._hyperleaf import hyperleaf_settings, hyperleaf_windows, parse_hyperleaf
from focus.exporter.data._jasper import jasper_settings, jasper_windows, parse_jasper
from focus.exporter.data._simulated import parse_simulation, simulate_windows, simulated_settings
from focus.exporter.data._tomato import parse_tomato, tomato_settings, tomato_windows
from focus.exporter.data._windows import WindowSet
from focus.runtime import FocusError


class _Known(NamedTuple):
    """A data set with a layout of its own; of the folder's options it takes the last three.

    Attributes:
        parse: the spec -> a plan; settings: plan, options and seed -> what the windows depend on; windows: reads them.
        takes: options of a manifest that it has a use for.
    """

    parse: Callable[[str], Any]
    settings: Callable[[Any, FolderOptions, int], dict[str, Any]]
    windows: Callable[[Any, FolderOptions, int, tuple[int, int], int, Progress | None], WindowSet]
    takes: tuple[str, ...]


#: Samples of a simulated window, at least; a leaf has to have room in it.
LEAST_SIMULATED = 32

_CUBES = ("tile", "resample_to", "leaks")

#: Beginning of ``--data`` -> data set.
KNOWN: Mapping[str, _Known] = MappingProxyType(
    {
        "hyperleaf": _Known(parse_hyperleaf, hyperleaf_settings, hyperleaf_windows, _CUBES),
        "tomato-bls": _Known(parse_tomato, tomato_settings, tomato_windows, _CUBES),
        "jasper-ridge": _Known(parse_jasper, jasper_settings, jasper_windows, ("leaks",)),
    }
)

_FLAGS = {
    "targets": "--targets", "quantity": "--quantity", "scale": "--scale", "tile": "--tile",
    "resample_to": "--resample-to", "leaks": "--i-know-it-leaks",
}  # fmt: skip


def open_windows(
    spec: str,
    patch: int,
    size: tuple[int, int],
    seed: int,
    *,
    options: FolderOptions | None = None,
    cache: Path | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> WindowSet:
    """The windows of ``sim:vnir``, ``sim:full`` (see ``parse_simulation``), of a known data set (``hyperleaf:DIR``,
    ``tomato-bls:DIR``, ``jasper-ridge:FILE.mat``) or of a manifest (see ``read_manifest``).

    Args:
        spec: what --data says.
        patch: edge of a patch in samples; size: lines and samples of a window.
        seed: of the simulation, or of the split.
        options: for cubes on disk.
        cache: folder that keeps the windows for the next run with the same settings.
        workers: processes that simulate; 0 stays in this one.
        progress: called with scenes, cubes or windows done and in all.
    Raises:
        FocusError: data that cannot be read or do not fit.
        ValueError: a size that is no multiple of the patch.
    """
    require_size(spec, patch, size)
    options = options or FolderOptions()
    kind = spec.partition(":")[0]
    if kind == "sim":
        return _simulated(spec, patch, size, seed, options, cache, workers, progress)
    if kind in KNOWN:
        known = KNOWN[kind]
        _require_only(options, known.takes, f"{kind}: names its targets and quantities itself, e.g. {kind}:PATH,split=")
        plan = known.parse(spec)
        settings = {**known.settings(plan, options, seed), "patch": patch, "size": list(size), "seed": seed}
        return cached(cache, kind, settings, lambda: known.windows(plan, options, patch, size, seed, progress))
    path = Path(spec)
    settings = folder_settings(path, options, patch, size, seed)
    return cached(cache, "folder", settings, lambda: folder_windows(path, options, patch, size, seed, progress))


def require_size(spec: str, patch: int, size: tuple[int, int]) -> None:
    """Refuses windows that a data set cannot be read in.

    Args:
        spec, patch, size: as in ``open_windows``.
    Raises:
        ValueError: no multiple of the patch; FocusError: too small for simulated leaves.
    """
    if size[0] % patch or size[1] % patch:
        near = "x".join(str(max(1, round(edge / patch)) * patch) for edge in size)
        raise ValueError(
            f"--size must be a multiple of the backbone's patch {patch}, got {size[0]} x {size[1]}; try {near}"
        )
    if spec.startswith("sim:") and min(size) < LEAST_SIMULATED:
        least = f"{LEAST_SIMULATED} x {LEAST_SIMULATED}"
        raise FocusError(f"simulated leaves need windows of at least {least} samples, got {size[0]} x {size[1]}")


def _simulated(
    spec: str,
    patch: int,
    size: tuple[int, int],
    seed: int,
    options: FolderOptions,
    cache: Path | None,
    workers: int,
    progress: Progress | None,
) -> WindowSet:
    _require_only(options, (), "for simulated traits write e.g. --data sim:vnir,task=chl+ewt")
    plan = parse_simulation(spec)
    return cached(
        cache,
        f"sim-{plan.sensor}",
        simulated_settings(plan, patch, size, seed),
        lambda: simulate_windows(plan, patch, size, seed, workers=workers, progress=progress),
    )


def _require_only(options: FolderOptions, takes: tuple[str, ...], hint: str) -> None:
    """Refuses options of a manifest that a data set has no use for."""
    plain = FolderOptions()
    kept = replace(plain, **{name: getattr(options, name) for name in takes})
    wrong = [flag for name, flag in _FLAGS.items() if getattr(kept, name) != getattr(options, name)]
    if wrong:
        raise FocusError(f"{', '.join(wrong)}: for a manifest of cubes on disk; {hint}")
