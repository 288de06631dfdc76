"""The training loop: epochs, validation, best epoch, and a state after every epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray

from focus.exporter.model import FocusNet, NetReading, TrainableNet, sink_loss
from focus.exporter.training._batches import Batches, epoch_order, flip, random_moves, spread
from focus.exporter.training._evaluate import each_class_loss, score, task_loss
from focus.exporter.training._fabric import fast_steps
from focus.exporter.training._log import MetricsLog
from focus.exporter.training._optimiser import make_optimiser, rate_at, whitening
from focus.exporter.training._settings import TrainSettings
from focus.exporter.training._state import TrainingState
from focus.runtime import FocusError

#: Called with steps done, steps in all, and a few words on how it goes.
Tell = Callable[[int, int, str], None]

STATE_FILE = "state.pt"

#: Training windows whose spectra say which directions are bright, spread evenly over the split.
MOST_WINDOWS = 256


class Loop:
    """Trains a network; one object a training.

    Args:
        fabric: where it runs.
        net: moved to its device, changed in place.
        batches: the data set.
        settings: how.
        folder: for state and metrics; must exist.
        state: a fresh one, or the one to continue from.
    """

    def __init__(
        self,
        fabric: Fabric,
        net: TrainableNet,
        batches: Batches,
        settings: TrainSettings,
        folder: Path,
        state: TrainingState,
    ) -> None:
        self.fabric, self.net, self.batches, self.settings = fabric, net, batches, settings
        self.folder, self.state, self._processes = folder, state, batches.processes
        self._train, self._val = batches.windows.of("train"), batches.windows.of("val")
        self._optimiser = make_optimiser(net, settings, self._directions())
        self._rates = [group["lr"] for group in self._optimiser.param_groups]
        self._wrapped, self._stepper = fabric.setup(net, self._optimiser)
        if state.epoch:
            self._restore()
        self._per_epoch = len(self._order(0))

    def _directions(self) -> torch.Tensor:
        spectra, _ = self.batches.inputs(spread(self._train, MOST_WINDOWS))
        return whitening(spectra.flatten(0, 1), self.settings.whitening)

    def run(self, tell: Tell) -> None:
        """Trains up to the last epoch and leaves the best epoch's weights in the network."""
        log = MetricsLog(self.folder, self.state) if self.fabric.is_global_zero else None
        try:
            while self.state.epoch < self.settings.epochs:
                row = self._epoch(tell)
                if log is not None:
                    log.add(row)
                    self.state.save(self.folder / STATE_FILE)
        finally:
            if log is not None:
                log.close()
        self._load(self.state.best)

    def _epoch(self, tell: Tell) -> dict[str, float]:
        started, epoch = time.monotonic(), self.state.epoch
        losses, sinks = self._pass(epoch, tell)
        row = {
            "epoch": epoch + 1.0,
            "train_loss": losses,
            "sink_loss": sinks,
            "lr": self._optimiser.param_groups[0]["lr"],
        }
        rank: tuple[float, ...] = (float(epoch),)
        if len(self._val):
            found = score(self.net, self.batches, self._val, self.settings.batch)
            rank = found.rank
            row["val_loss"] = found.loss
            if self.batches.windows.task == "classification":
                row["val_accuracy"] = found.accuracy
        row["seconds"] = time.monotonic() - started
        weights = {name: value.detach().cpu().clone() for name, value in self.net.trainable.items()}
        if not all(value.isfinite().all() for value in weights.values()):
            raise FocusError(
                f"what is learnt is no longer a number after epoch {epoch + 1}; start again with a smaller --lr"
            )
        state = self.state
        if not state.best or rank > tuple(state.best_rank):
            state.best, state.best_rank, state.best_epoch = weights, rank, epoch + 1
        state.weights, state.optimiser = weights, self._optimiser.state_dict()
        state.epoch = epoch + 1
        state.history.append(row)
        return row

    def _pass(self, epoch: int, tell: Tell) -> tuple[float, float]:
        """One pass over the training windows; mean loss and mean sink loss of all batches."""
        settings, steps = self.settings, self.settings.epochs * self._per_epoch
        turns = np.random.default_rng([settings.seed, epoch, 1])
        losses, sinks = [], []
        self._wrapped.train()
        with fast_steps(self.fabric, self.net, self.batches.windows.band_means.shape[1]):
            for index, chosen in enumerate(self._order(epoch)):
                step = epoch * self._per_epoch + index
                for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
                    group["lr"] = rate * rate_at(step, steps, settings.warmup)
                loss, sink = self._step(chosen, turns)
                if not math.isfinite(loss + sink):
                    raise FocusError(
                        f"the loss is no longer a number in epoch {epoch + 1}; start again with a smaller --lr"
                    )
                losses.append(loss)
                sinks.append(sink)
                tell(step + 1, steps, self._words(epoch, loss))
        return float(np.mean(losses)), float(np.mean(sinks))

    def _step(self, chosen: NDArray[np.int64], turns: np.random.Generator) -> tuple[float, float]:
        """One step with a batch, of which this process reads its share; loss and sink loss of the whole batch."""
        settings, windows, processes = self.settings, self.batches.windows, self._processes
        own, weight = processes.share(chosen), processes.weight(chosen)
        means, composite = self.batches.inputs(own)
        if settings.augment:
            # Drawn for the whole batch, so that a window's turn does not depend on who reads it.
            moves = random_moves(len(chosen), windows.grid, turns)
            means, composite = flip(means, composite, windows.grid, processes.share(moves))
        reading = self._wrapped(means, composite, *self._hidden(chosen, turns))
        targets = self.batches.targets(own)
        loss = task_loss(reading.logits, targets, windows.task)
        if isinstance(reading, NetReading) and windows.task == "classification":
            loss = loss + settings.one_vs_rest * each_class_loss(reading.logits, targets)
        sink = torch.zeros((), device=loss.device)
        if isinstance(reading, NetReading) and settings.sink:
            sink = sink_loss(
                reading, lambda entropy: processes.total(entropy * weight), settings.auxiliary, settings.seed
            )
        # Gradients are averaged over processes, whose shares may differ by a window.
        self.fabric.backward((loss + settings.sink_weight * sink) * (weight * processes.count))
        self.fabric.clip_gradients(self._wrapped, self._stepper, max_norm=settings.clip, error_if_nonfinite=False)
        self._stepper.step()
        self._stepper.zero_grad()
        whole_loss, whole_sink = processes.total(
            torch.stack([loss.detach().float(), sink.detach().float()]) * weight
        ).tolist()
        return whole_loss, whole_sink

    def _hidden(self, chosen: NDArray[np.int64], turns: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """The patches that FOCUS' prompts do not see, bool [B, H, P, N], of this process's share; drawn for the whole
        batch where it is used.
        """
        if not isinstance(self.net, FocusNet) or not self.settings.hidden:
            return ()
        drawn = torch.Generator(self.batches.device).manual_seed(int(turns.integers(2**62)))
        heads = self.net.backbone.blocks[-1].attn.num_heads
        shape = len(chosen), heads, len(self.net.prompts), self.batches.windows.band_means.shape[1]
        hidden = torch.rand(shape, generator=drawn, device=self.batches.device) < self.settings.hidden
        return (hidden[self._processes.rank :: self._processes.count],)

    def _order(self, epoch: int) -> list[NDArray[np.int64]]:
        settings = self.settings
        return epoch_order(self._train, settings.batch, settings.seed, epoch, self._processes.count)

    def _words(self, epoch: int, loss: float) -> str:
        words = f"epoch {epoch + 1}/{self.settings.epochs}  loss {loss:.3f}"
        last = self.state.history[-1] if self.state.history else {}
        shown = "val_accuracy" if "val_accuracy" in last else "val_loss"
        return f"{words}  {shown.replace('_', ' ')} {last[shown]:.3f}" if shown in last else words

    def _restore(self) -> None:
        self._load(self.state.weights)
        self._optimiser.load_state_dict(self.state.optimiser)

    def _load(self, weights: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, value in self.net.trainable.items():
                value.copy_(weights[name])
