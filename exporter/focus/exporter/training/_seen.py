"""What a trained network reads and how it looks, over windows of its training: the range that the monitor holds a run
against.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from focus.exporter.data import WindowSet
from focus.exporter.model import FocusNet
from focus.exporter.training._batches import Batches, spread
from focus.exporter.training._bundle import with_reading
from focus.exporter.training._evaluate import read_windows
from focus.exporter.training._shown import fix_reading
from focus.exporter.training._statistics import band_statistics, statistics_of_bundle
from focus.kernels import standardise
from focus.runtime import Bundle, FocusError
from focus.runtime._bundle import Range, Seen
from focus.runtime.pipeline import collapse_of

#: Windows that are looked at, spread over training and validation; at a patch grid of 16 x 16, 0.1 % of their patches
#: are a hundred.
MOST_WINDOWS = 512

#: Training windows have the bundle's mean spectrum to so many deviations; the bundle keeps eight digits.
SAME_MEAN = 1e-4

#: Quantiles of what is usual.
LOW, HIGH = 0.001, 0.999


def seen_in_training(net: FocusNet, batches: Batches, bundle: Bundle, batch: int) -> Seen:
    """Reads training and validation windows as the runtime does, for every class or target, as any may be shown.

    Args:
        net: trained.
        bundle: names the heads of its maps.
        batch: windows at once.
    """
    chosen = seen_windows(batches.windows)
    heads = list(bundle.reading.heads)
    found = []
    for _, reading in read_windows(net, batches, chosen, batch):
        attention, sink = (part[-1][:, heads].float().cpu().numpy() for part in (reading.attention, reading.sink_mass))
        masses = sink.mean(axis=(1, 3), dtype=np.float64).ravel().tolist()
        found.append(
            (masses, [collapse_of(window[:, target]) for window in attention for target in range(net.classes)])
        )
    sink_mass, collapse = (list(chain(*parts)) for parts in zip(*batches.processes.gathered(found), strict=True))
    low, high = band_quantiles(batches.windows, bundle, chosen)
    return Seen(
        windows=len(chosen),
        sink_mass=_range(sink_mass),
        collapse=_range(collapse),
        band_low=tuple(low.tolist()),
        band_high=tuple(high.tolist()),
    )


def measured(net: FocusNet, bundle: Bundle, windows: WindowSet, batch: int = 16) -> Bundle:
    """The bundle of a model that was trained before, with what its maps are made of and what is usual for it measured
    again, on the windows of its training.

    Raises:
        FocusError: these are other windows: their mean spectrum is not the bundle's.
    """
    statistics = statistics_of_bundle(bundle)
    if not np.array_equal(windows.wavelengths_nm, bundle.wavelengths):
        raise FocusError(f"the data have other bands than model {bundle.name}; name the data that it was trained on")
    mean, _, _ = band_statistics(windows.band_means, windows.of("train"))
    apart = float(np.max(np.abs(mean - statistics.mean) / statistics.deviation))
    if apart > SAME_MEAN:
        raise FocusError(
            f"model {bundle.name} was not trained on these windows: their mean spectrum is {apart:.2g} deviations away "
            f"from its own; it was trained on {bundle.trained_on}"
        )
    batches = Batches(windows, statistics, torch.device("cpu"))
    found = with_reading(bundle, fix_reading(net, batches, batch))
    return found.model_copy(update={"seen": seen_in_training(net, batches, found, batch)})


def seen_windows(windows: WindowSet) -> NDArray[np.int64]:
    """Indices of the windows that are looked at."""
    known = np.concatenate([windows.of("train"), windows.of("val")])
    return spread(known, MOST_WINDOWS)


def band_quantiles(
    windows: WindowSet, bundle: Bundle, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The quantiles ``LOW`` and ``HIGH`` of each band's x^ over the patches of the chosen windows, float64 [C] each."""
    mean, deviation = np.array(bundle.mean), np.array(bundle.deviation)
    patches = standardise(windows.band_means[chosen].reshape(-1, windows.bands), mean, deviation)
    low, high = np.quantile(patches, [LOW, HIGH], axis=0)
    return np.round(low, 4), np.round(high, 4)


def _range(values: list[float]) -> Range:
    low, high = np.quantile(values, [LOW, HIGH])
    return Range(low=float(f"{low:.6g}"), high=float(f"{high:.6g}"))
