"""A model over all windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from focus.exporter._blas import one_blas_thread
from focus.exporter.evaluate._cache import Cache
from focus.exporter.evaluate._contract import Explainer, Sample
from focus.exporter.evaluate._window import WindowResult, measure_window
from focus.runtime import FocusError


def evaluate(
    explainers: Mapping[str, Explainer],
    samples: Sequence[Sample],
    cache: Cache,
    seed: int,
    sanity: Mapping[str, Explainer] | None = None,
    progress: Callable[[int, int], None] | None = None,
    removals: int | None = None,
    share: tuple[int, int] = (0, 1),
) -> None:
    """Measures every window that the cache does not hold yet, see ``measure_window``.

    Args:
        samples: all of them, in every process.
        cache: claimed.
        removals: deletion and insertion are measured on the first so many scored windows; None: on all.
        progress: called with windows done and in all, of this share.
        share: number of this process, and how many share the windows.
    """
    scored = [sample.number for sample in samples if sample.informative.any() and sample.lesion.any()]
    first = scored[:removals]
    own = samples[share[0] :: share[1]]
    with one_blas_thread():
        for done, sample in enumerate(own, start=1):
            if cache.load(sample.number) is None:
                removal = sample.number in first
                cache.save(sample.number, measure_window(explainers, sample, seed, sanity, removal=removal))
            if progress is not None:
                progress(done, len(own))


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
