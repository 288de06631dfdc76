"""What a study is made of, as data: trainings, runs on them, and the tables that want them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
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

#: Learning rates of networks that do better with another one than FOCUS' (docs/methods-compared.md).
RATES = {"adapted-vit": 4e-3, "se-cnn": 4e-3, LITERAL: 2e-3}

#: How many times as many epochs; a small network that starts from nothing takes more of them, and less time for each.
TIMES_EPOCHS = {"se-cnn": 10}


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
    """A network and all that it is trained with, but backbone and weights, which a study has one of.

    Attributes:
        settings: as FOCUS has them; ``own_settings`` has the network's own.
    """

    network: str
    data: Data
    settings: TrainSettings

    @property
    def own_settings(self) -> TrainSettings:
        """What the network is trained with: FOCUS' settings, but for ``RATES`` and ``TIMES_EPOCHS``."""
        settings = self.settings
        epochs = settings.epochs * TIMES_EPOCHS.get(self.network, 1)
        return replace(settings, lr=RATES.get(self.network, settings.lr), epochs=epochs)

    @property
    def name(self) -> str:
        """For people, and as the start of the folder's name: with all that is not as usual."""
        data, usual = self.data, TrainSettings()
        parts = [self.network, data.sensor, "class" if data.task == "class" else "traits"]
        parts += [
            f"{name}-{value}" if isinstance(value, str) else f"{name}{value}"
            for name, value in asdict(self.own_settings).items()
            if name not in ("seed", "epochs", "precision") and value != getattr(usual, name)
        ]
        parts += ["permuted"] * data.permuted + ["spurious"] * (data.spurious is not None)
        return "-".join([*parts, f"split{data.split}", f"seed{self.settings.seed}"]).translate(
            str.maketrans("_ ", "--")
        )

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
        heads: which heads of FOCUS are shown, see ``with_heads``; empty: those that training chose.
        against: another training, whose maps should be others (its rank correlation is reported).
    """

    training: Training
    explainers: tuple[str, ...] = ()
    removals: int = 0
    corruption: str = ""
    severity: float = 0.0
    intact: bool = False
    heads: str = ""
    against: Training | None = None

    @property
    def name(self) -> str:
        """For people, and as the start of the folder's name."""
        what = [f"{self.corruption}{self.severity:g}"] * bool(self.corruption) + ["intact"] * self.intact
        what += [f"heads {self.heads}".replace(" ", "-")] * bool(self.heads)
        what += ["against"] * (self.against is not None)
        return "-".join([self.training.name, *what])

    @property
    def measured(self) -> tuple[Training, ...]:
        """The networks whose maps are measured."""
        return (self.training,) if self.against is None else (self.training, self.against)

    @property
    def trainings(self) -> tuple[Training, ...]:
        """What must be trained before; the networks of other methods take sensor and standardisation from FOCUS."""
        return (*self.measured, self.training.of_focus) if self.training.needs_focus else self.measured

    def to_json(self) -> dict[str, Any]:
        """Plain values as a file gives them back; all that the run depends on but backbone, weights and code."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return found


@dataclass(frozen=True)
class Costing:
    """What some trained networks and their maps cost: parameters, operations, time.

    Attributes:
        trainings: of the networks, FOCUS first, all of the same data.
    """

    trainings: tuple[Training, ...]

    @property
    def measured(self) -> tuple[Training, ...]:
        """All of them, see ``Run.measured``."""
        return self.trainings

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
