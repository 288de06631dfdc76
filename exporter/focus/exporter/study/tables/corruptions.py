"""What corrupted test windows do to trained models: Sec. III-E of the paper, and other faults of sensors."""

from __future__ import annotations

from focus.exporter.data.corruptions import CORRUPTIONS
from focus.exporter.study._plan import MAIN_MAPS, Entry, Run
from focus.exporter.study._scale import Scale, Table, group_name


def entries(scale: Scale) -> list[Entry]:
    """Every network's main maps on the full range; nothing is trained anew."""
    return [
        Entry(
            "corruptions",
            group_name("full", "class"),
            f"{network}: {kind} {severity:g}",
            seed,
            split,
            Run(
                scale.training(network, "full", "class", seed, split),
                (MAIN_MAPS[network],),
                corruption=kind,
                severity=severity,
            ),
        )
        for seed, split in scale.splits_once()
        for kind, (_, severities) in CORRUPTIONS.items()
        for severity in severities
        for network in MAIN_MAPS
    ]


TABLE = Table(
    "corruptions",
    "Noise and other corruptions",
    entries,
    "The models of Table I on corrupted test windows, without training anew.",
)
