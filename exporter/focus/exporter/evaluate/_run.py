"""A model over all windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from focus.exporter.evaluate._cache import Cache
from focus.exporter.evaluate._contract import Sample
from focus.exporter.evaluate._window import Networks, WindowResult, measure_window
from focus.runtime import FocusError


def evaluate(
    networks: Networks,
    samples: Sequence[Sample],
    cache: Cache,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Measures every window that the cache does not hold yet.

    Args:
        cache: claimed.
        seed: of the controls.
        progress: called with windows done and in all.
    """
    for done, sample in enumerate(samples, start=1):
        if cache.load(sample.number) is None:
            cache.save(sample.number, measure_window(networks, sample, seed))
        if progress is not None:
            progress(done, len(samples))


def cached_results(cache: Cache, windows: int) -> list[WindowResult]:
    """All results of an evaluation, as they lie on disk.

    Raises:
        FocusError: some are missing.
    """
    found = [result for index in range(windows) if (result := cache.load(index)) is not None]
    if len(found) < windows:
        raise FocusError(
            f"{cache.folder} has {len(found)} of {windows} windows; give focus-eval run the same options again to go on"
        )
    return found
