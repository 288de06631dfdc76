"""The bundle of a trained network: everything that the runtime must know, taken from the data and the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.data import WindowSet
from focus.exporter.model import FocusNet
from focus.exporter.training._shown import ShownReading
from focus.exporter.training._statistics import Statistics
from focus.runtime import Bundle
from focus.runtime.spectral import BandGroup

NEGLIGIBLE = 1e-12


def make_bundle(
    name: str,
    net: FocusNet,
    backbone_name: str,
    groups: tuple[BandGroup, ...],
    windows: WindowSet,
    statistics: Statistics,
    shown: ShownReading,
    trained_on: str,
) -> Bundle:
    """Fills a bundle completely, except ``checkpoint_sha256``, which the loading adds.

    Args:
        name: how people call the model.
        shown: what of the reading goes into the maps.
        trained_on: data, number of windows, seed.
    """
    rows, columns = windows.grid
    scales = zip(windows.target_names, windows.units, statistics.target_mean, statistics.target_deviation, strict=True)
    facts = {
        "name": name,
        "task": windows.task,
        "targets": [{"name": n, "unit": u, "mean": float(m), "deviation": float(d)} for n, u, m, d in scales],
        "wavelengths_nm": windows.wavelengths_nm.tolist(),
        "fwhm_nm": None if windows.fwhm_nm is None else windows.fwhm_nm.tolist(),
        "groups": [{"name": group.name, "first": group.first, "stop": group.stop} for group in groups],
        "backbone": {
            "name": backbone_name,
            "patch": windows.patch,
            "rows": rows,
            "columns": columns,
            "width": net.backbone.embed_dim,
            "blocks": len(net.backbone.blocks),
            "heads": net.backbone.blocks[0].attn.num_heads,
            "composite_mean": statistics.composite_mean.tolist(),
            "composite_deviation": statistics.composite_deviation.tolist(),
        },
        "reading": {
            "read_blocks": net.read_blocks,
            "sink": net.has_sink,
            "readout": net.readout,
            "values": net.values,
            **_shown(shown),
        },
        "mean": _rounded(statistics.mean),
        "deviation": _rounded(statistics.deviation),
        "adapter_norm": _rounded(net.adapter.detach().float().norm(dim=1).cpu().numpy()),
        "composite_weights": [_rounded(weights) for weights in windows.composite_weights],
        "trained_on": trained_on,
    }
    return Bundle.model_validate(facts)


def with_reading(bundle: Bundle, shown: ShownReading) -> Bundle:
    """The bundle with other maps."""
    facts = bundle.model_dump()
    facts["reading"] |= _shown(shown)
    return Bundle.model_validate(facts)


def _shown(shown: ShownReading) -> dict[str, Any]:
    return {
        "heads": shown.heads,
        "band_share": [_rounded(row) for row in shown.band_share],
        "group_share": [_rounded(row) for row in shown.group_share],
        "reference": _rounded(shown.reference),
        "brightness": [_rounded(row) for row in shown.brightness],
    }


def _rounded(values: NDArray[np.floating]) -> list[float]:
    """Eight digits, as many as float32 holds; the tails of Gaussian weights, below that of any sum, are zero."""
    return [float(f"{value:.8g}") if abs(value) > NEGLIGIBLE else 0.0 for value in values.tolist()]
