"""One way in for every data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from focus.exporter.data._cache import cached
from focus.exporter.data._folder import FolderOptions, folder_settings, folder_windows
from focus.exporter.data._simulated import parse_simulation, simulate_windows, simulated_settings
from focus.exporter.data._windows import WindowSet
from focus.runtime import FocusError


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
    """The windows of ``sim:vnir``, ``sim:full`` (see ``parse_simulation``) or of a manifest (see ``read_manifest``).

    Args:
        spec: what --data says.
        patch: edge of a patch in samples; size: lines and samples of a window.
        seed: of the simulation, or of the manifest's split.
        options: for a manifest only.
        cache: folder that keeps the windows for the next run with the same settings.
        workers: processes that simulate; 0 stays in this one.
        progress: called with scenes or cubes done and in all.
    Raises:
        FocusError: data that cannot be read or do not fit.
        ValueError: a size that is no multiple of the patch.
    """
    if size[0] % patch or size[1] % patch:
        near = ", ".join(str(max(1, round(edge / patch)) * patch) for edge in size)
        raise ValueError(
            f"--size must be a multiple of the backbone's patch {patch}, got {size[0]} x {size[1]}; try {near}"
        )
    options = options or FolderOptions()
    if not spec.startswith("sim:"):
        path = Path(spec)
        settings = folder_settings(path, options, patch, size, seed)
        return cached(cache, "folder", settings, lambda: folder_windows(path, options, patch, size, seed, progress))
    if options != FolderOptions():
        raise FocusError(
            "--targets, --quantity, --scale, --tile and --resample-to are for a manifest; for simulated traits write "
            "e.g. --data sim:vnir,task=chl+ewt"
        )
    plan = parse_simulation(spec)
    if min(size) < 32:
        raise FocusError(f"simulated leaves need windows of at least 32 x 32 samples, got {size[0]} x {size[1]}")
    return cached(
        cache,
        f"sim-{plan.sensor}",
        simulated_settings(plan, patch, size, seed),
        lambda: simulate_windows(plan, patch, size, seed, workers=workers, progress=progress),
    )
