"""Sweeps of FOCUS' own settings."""

from __future__ import annotations

from functools import partial
from typing import Any, get_args

from focus.exporter.model import Auxiliary
from focus.exporter.study._scale import Table, focus_entries
from focus.runtime._bundle import Readout, Values

#: Table -> its title and rows, each with what it changes.
SWEEPS: dict[str, tuple[str, dict[str, dict[str, Any]]]] = {
    "sink-weight": (
        "Sweep: weight of the sink loss",
        {f"lambda = {weight:g}": {"sink_weight": weight} for weight in (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)},
    ),
    "hidden": (
        "Sweep: share of the patches that a prompt does not see in a step",
        {f"{share:g} hidden": {"hidden": share} for share in (0.0, 0.2, 0.4, 0.6)},
    ),
    "one-vs-rest": (
        "Sweep: weight of the loss of each class by itself",
        {f"weight {weight:g}": {"one_vs_rest": weight} for weight in (0.0, 0.25, 1.0)},
    ),
    "read-blocks": (
        "Sweep: reading depth",
        {f"r = {blocks}": {"read_blocks": blocks} for blocks in (1, 2, 4, 8, 12)},
    ),
    "auxiliary": (
        "Sweep: heads that the sink loss sends to [SINK]",
        {heads: {"auxiliary": heads} for heads in get_args(Auxiliary)},
    ),
    "readout": ("Sweep: read-out", {readout: {"readout": readout} for readout in get_args(Readout)}),
    "values": (
        "Sweep: what a prompt takes in of a patch",
        {values: {"values": values} for values in get_args(Values)},
    ),
}


TABLES = tuple(
    Table(name, title, partial(focus_entries, name, rows), "The same model, one setting moved.")
    for name, (title, rows) in SWEEPS.items()
)
