"""What the builder has timed before: a second build on the same GPU and TensorRT takes a fraction of the first."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from focus.runtime._errors import OutputError
from focus.runtime._files import write_atomically
from focus.runtime.engines._cache import cache_home
from focus.runtime.tensorrt._gpu import GpuFacts


def timing_cache_file(gpu: GpuFacts, tensorrt_version: str) -> Path | None:
    """Where the timings of this GPU and TensorRT version are kept: ``tensorrt`` in FOCUS_CACHE or the user's cache
    folder; None where there is no such folder, and the build goes without.
    """
    name = re.sub(r"[^a-z0-9]+", "-", gpu.name.lower()).strip("-")
    try:
        folder = cache_home() / "tensorrt"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # Path.home() raises the latter where a user has none
        return None
    return folder / f"{name}-sm{gpu.compute_capability.replace('.', '')}-{tensorrt_version}.timings"


def load_timings(config: Any, file: Path | None) -> None:
    """Gives the kept timings to a build; a cache that cannot be read, or is of another release, counts as empty."""
    if file is None:
        return
    try:
        content = file.read_bytes()
    except OSError:
        content = b""
    if not config.set_timing_cache(config.create_timing_cache(content), ignore_mismatch=False) and content:
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)


def save_timings(config: Any, file: Path | None) -> None:
    """Keeps what a build has timed; where it cannot be written, the next build only takes longer."""
    cache = None if file is None else config.get_timing_cache()
    if file is None or cache is None:
        return
    try:
        write_atomically(file, bytes(cache.serialize()))
    except OutputError:
        return
