"""Table I: all methods on the simulated benchmark."""

from __future__ import annotations

from focus.exporter.study._plan import MAIN_MAPS, Entry, Run
from focus.exporter.study._scale import Scale, Table, group_name, traits_of


def entries(scale: Scale) -> list[Entry]:
    """Every network on both sensors, classes and traits."""
    return [
        Entry(
            "benchmark",
            group_name(sensor, task),
            network,
            seed,
            split,
            Run(scale.training(network, sensor, task, seed, split), removals=scale.removals),
        )
        for seed, split in scale.pairs()
        for task_of in (lambda sensor: "class", traits_of)
        for sensor in ("full", "vnir")
        for task in (task_of(sensor),)
        for network in MAIN_MAPS
    ]


TABLE = Table(
    "benchmark",
    "Table I: all methods",
    entries,
    "Every method on the same frozen backbone, the same windows and the same seeds.",
)
