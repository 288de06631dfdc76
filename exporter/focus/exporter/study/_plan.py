"""What a study is made of, as data: trainings, runs on them, and the tables that want them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from focus.exporter.evaluate import MODEL
from focus.exporter.training import TrainSettings

FOCUS, LITERAL = "focus", "focus-literal"

#: All networks, and of each the maps that stand for it where there is room for one.
MAIN_MAPS: dict[str, str] = {
    FOCUS: MODEL,
    "adapted-vit": "grad-cam",
    "prompt-cam": "prompt-cam",
    "se-cnn": "se-cnn",
    LITERAL: "literal-eq-5",
}


@dataclass(frozen=True)
class Data:
    """Simulated windows.

    Attributes:
        sensor: ``vnir`` or ``full``; task: ``class``, or traits joined by +.
        scenes, val, test: windows of each split; split: the simulation's seed.
        spurious: centre of a shortcut in nm, or None.
        permuted: training and validation labels in a random order, so that there is nothing to learn.
    """

    sensor: str
    task: str
    scenes: int
    val: int
    test: int
    split: int
    spurious: float | None = None
    permuted: bool = False

    @property
    def spec(self) -> str:
        """As ``--data`` of ``focus-train`` has it."""
        shortcut = "" if self.spurious is None else f",spurious={self.spurious:g}"
        return f"sim:{self.sensor},scenes={self.scenes},val={self.val},test={self.test},task={self.task}{shortcut}"


@dataclass(frozen=True)
class Training:
    """A network and all that it is trained with, but backbone and weights, which a study has one of."""

    network: str
    data: Data
    settings: TrainSettings

    @property
    def name(self) -> str:
        """For people, and as the start of the folder's name: with all that is not as usual."""
        data, usual = self.data, TrainSettings()
        parts = [self.network, data.sensor, "class" if data.task == "class" else "traits"]
        parts += [
            f"{name}{value}"
            for name, value in asdict(self.settings).items()
            if name not in ("seed", "epochs", "precision") and value != getattr(usual, name)
        ]
        parts += ["permuted"] * data.permuted + ["spurious"] * (data.spurious is not None)
        return "-".join([*parts, f"split{data.split}", f"seed{self.settings.seed}"]).replace("_", "-")

    @property
    def of_focus(self) -> Training:
        """FOCUS on the same data with the same settings."""
        return replace(self, network=FOCUS)

    @property
    def needs_focus(self) -> bool:
        """Whether its maps need what FOCUS' training fixed."""
        return self.network not in (FOCUS, LITERAL)


@dataclass(frozen=True)
class Run:
    """An evaluation of a trained network on the test windows of its data.

    Attributes:
        training: of the network.
        explainers: names of the maps that are measured; empty: all that the network has.
        removals: windows on which deletion and insertion are measured.
        corruption, severity: what was done to the test windows, see ``focus.exporter.data``; empty: nothing.
        intact: a shortcut holds in the test split, too: the same leaves, for comparison.
        against: another training, whose maps should be others (its rank correlation is reported).
    """

    training: Training
    explainers: tuple[str, ...] = ()
    removals: int = 0
    corruption: str = ""
    severity: float = 0.0
    intact: bool = False
    against: Training | None = None

    @property
    def name(self) -> str:
        """For people, and as the start of the folder's name."""
        what = [f"{self.corruption}{self.severity:g}"] * bool(self.corruption) + ["intact"] * self.intact
        what += ["against"] * (self.against is not None)
        return "-".join([self.training.name, *what])

    @property
    def trainings(self) -> tuple[Training, ...]:
        """What must be trained before; the networks of other methods take sensor and standardisation from FOCUS."""
        found = (self.training,) if self.against is None else (self.training, self.against)
        return (*found, self.training.of_focus) if self.training.needs_focus else found

    def to_json(self) -> dict[str, Any]:
        """Plain values; all that the run depends on but backbone, weights and code."""
        return asdict(self)


@dataclass(frozen=True)
class Costing:
    """What some trained networks and their maps cost: parameters, operations, time.

    Attributes:
        trainings: of the networks, FOCUS first, all of the same data.
    """

    trainings: tuple[Training, ...]

    @property
    def name(self) -> str:
        """For people, and as the start of the folder's name."""
        return f"costs-{self.trainings[0].data.sensor}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Entry:
    """A run's place in the report: a table, a group of rows (sensor and task), a row, and its seed and split."""

    table: str
    group: str
    row: str
    seed: int
    split: int
    run: Run | Costing


@dataclass(frozen=True)
class Scale:
    """How much of everything a study makes.

    Attributes:
        seeds, splits: 1..n of each; every table's runs are made for all pairs.
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
        """Seeds and splits, a whole split-seed pair after the other, so that a study that is stopped has whole ones."""
        return ((seed, split) for split in range(1, self.splits + 1) for seed in range(1, self.seeds + 1))

    def training(self, network: str, sensor: str, task: str, seed: int, split: int, **changes: Any) -> Training:
        """One training; ``changes`` are of its settings."""
        data = Data(sensor, task, self.scenes, self.val, self.test, split)
        # The paper's own network has its prompts in all blocks.
        depth = {"read_blocks": self.blocks} if network == LITERAL else {}
        return Training(network, data, replace(self.settings, **{**depth, **changes, "seed": seed}))

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


def offers(**changes: Any) -> bool:
    """Whether this version's training has these settings."""
    return set(changes) <= {field.name for field in fields(TrainSettings)}


def traits_of(sensor: str) -> str:
    """The regression of a sensor: water needs the short-wave infrared."""
    return "chl+ewt+antho" if sensor == "full" else "chl+antho"


def group_name(sensor: str, task: str) -> str:
    """A group of rows, for people."""
    return f"{sensor}, {'classification' if task == 'class' else 'regression of ' + task}"
