"""How much a study makes, and what its tables ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from focus.exporter.evaluate import MODEL
from focus.exporter.study._plan import FOCUS, LITERAL, Data, Entry, Run, Training
from focus.exporter.training import TrainSettings

#: The first split's simulation; FOCUS' defaults were fitted on other ones, up to 7.
FIRST_SPLIT = 11

#: How many splits have more than one seed, and the tables beside Table I.
SEEDED = 3


@dataclass(frozen=True)
class Scale:
    """How much of everything a study makes.

    Attributes:
        seeds, splits: how many of each; Table I is made for all pairs of the first ``SEEDED`` splits and once on every
            further one, other tables once on the first ``SEEDED``.
        scenes, val, test: windows of each split.
        removals: windows of a run on which deletion and insertion are measured.
        settings: of every training; its seed is replaced.
        blocks: L, of the backbone.
    """

    seeds: int
    splits: int
    scenes: int
    val: int
    test: int
    removals: int
    settings: TrainSettings
    blocks: int = 12

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Seeds and splits: every split before the next seed, as runs differ by the split first. Splits beyond
        ``SEEDED`` have the first seed alone: another split says more than another seed does.
        """
        for seed in range(1, self.seeds + 1):
            splits = self.splits if seed == 1 else min(self.splits, SEEDED)
            yield from ((seed, FIRST_SPLIT + number) for number in range(splits))

    def splits_once(self) -> Iterator[tuple[int, int]]:
        """The first splits with the first seed, for tables beside Table I: where one thing is moved, simulations differ
        more than seeds do.
        """
        return ((1, FIRST_SPLIT + number) for number in range(min(self.splits, SEEDED)))

    def training(self, network: str, sensor: str, task: str, seed: int, split: int, **changes: Any) -> Training:
        """One training; ``changes`` are of its settings."""
        data = Data(sensor, task, self.scenes, self.val, self.test, split)
        # The paper's own network has its prompts in all blocks, they see all patches, and its loss is cross-entropy.
        literal = {"read_blocks": self.blocks, "hidden": 0.0, "one_vs_rest": 0.0}
        own: dict[str, Any] = literal if network == LITERAL else {}
        return Training(network, data, replace(self.settings, **{**own, **changes, "seed": seed}))

    def focus_run(self, seed: int, split: int, **changes: Any) -> Run:
        """FOCUS on the full range, classes; where nothing is changed, the run of Table I."""
        training = self.training(FOCUS, "full", "class", seed, split, **changes)
        if training == self.training(FOCUS, "full", "class", seed, split):
            return Run(training, removals=self.removals)
        return Run(training, (MODEL,))


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes:
        name: for ``--only``; title: for people.
        entries: its runs at some scale.
        says: what it shows, a sentence or two for the report.
    """

    name: str
    title: str
    entries: Callable[[Scale], Sequence[Entry]]
    says: str


def focus_entries(table: str, rows: Mapping[str, Mapping[str, Any]], scale: Scale) -> list[Entry]:
    """FOCUS on the full range, classes, with each row's settings; depths that the backbone does not have are left out.

    Args:
        rows: name -> what it changes of the settings.
    """
    return [
        Entry(table, group_name("full", "class"), row, seed, split, scale.focus_run(seed, split, **changes))
        for seed, split in scale.splits_once()
        for row, changes in rows.items()
        if changes.get("read_blocks", 1) <= scale.blocks
    ]


def traits_of(sensor: str) -> str:
    """The regression of a sensor: water needs the short-wave infrared."""
    return "chl+ewt+antho" if sensor == "full" else "chl+antho"


def group_name(sensor: str, task: str) -> str:
    """A group of rows, for people."""
    return f"{sensor}, {'classification' if task == 'class' else 'regression of ' + task}"
