"""Metrics of a training for people and plots: ``metrics.csv`` and TensorBoard events."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from focus.exporter.training._state import TrainingState
from focus.runtime._files import write_atomically

FIELDS = ("epoch", "train_loss", "sink_loss", "val_loss", "val_accuracy", "lr", "seconds")


class MetricsLog:
    """Writes a row an epoch. The CSV follows the state's history, so that a resumed training has each epoch once.

    Args:
        folder: where the files go.
        state: whose history is kept.
    """

    def __init__(self, folder: Path, state: TrainingState) -> None:
        self._path, self._state = folder / "metrics.csv", state
        self._events = SummaryWriter(str(folder), purge_step=state.epoch + 1)

    def add(self, row: dict[str, float]) -> None:
        """One epoch's row, already in the history."""
        text = io.StringIO()
        table = csv.DictWriter(text, FIELDS, lineterminator="\n")
        table.writeheader()
        for past in self._state.history:
            table.writerow({name: f"{value:.6g}" for name, value in past.items()})
        write_atomically(self._path, text.getvalue().encode())
        for name, value in row.items():
            if name != "epoch":
                self._events.add_scalar(name, value, int(row["epoch"]))
        self._events.flush()

    def close(self) -> None:
        """Closes the events file."""
        self._events.close()
