"""From windows and a frozen backbone to ``model.pt``."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from lightning_fabric import Fabric
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.data import WindowSet, keep_windows, training_folder
from focus.exporter.model import FocusNet, save_checkpoint
from focus.exporter.training._batches import Batches
from focus.exporter.training._bundle import make_bundle
from focus.exporter.training._fabric import make_fabric
from focus.exporter.training._fingerprint import fingerprint_of
from focus.exporter.training._loop import STATE_FILE, Loop, Tell
from focus.exporter.training._processes import Processes
from focus.exporter.training._report import Report, make_report
from focus.exporter.training._seen import seen_in_training
from focus.exporter.training._settings import TrainSettings
from focus.exporter.training._shown import fix_reading
from focus.exporter.training._state import TrainingState, difference, load_state
from focus.exporter.training._statistics import Statistics, training_statistics
from focus.runtime import Bundle, FocusError, OutputError
from focus.runtime._files import write_atomically
from focus.runtime.spectral import BandGroup, band_groups

Mode = Literal["new", "resume", "overwrite"]


@dataclass(frozen=True)
class Outcome:
    """What a training wrote.

    ``out`` (the model), ``report_path`` beside it, and ``folder`` with metrics, events, state, and a few windows for
    ``focus-export``.
    """

    bundle: Bundle
    report: Report
    out: Path
    report_path: Path
    folder: Path


def require_free(out: Path, mode: Mode) -> None:
    """Refuses to write over an earlier training unless that was asked for.

    Raises:
        OutputError: the checkpoint or its folder exists, its parent does not, or there is nothing to resume.
    """
    folder = training_folder(out)
    state = folder / STATE_FILE
    if not out.parent.is_dir():
        raise OutputError(f"no folder {out.parent} to write {out.name} into; make it first")
    if mode == "resume" and not state.is_file():
        raise OutputError(f"nothing to resume: no {state}; leave --resume out to start a training")
    if mode == "new" and state.is_file():
        raise OutputError(
            f"{folder} holds a training already; continue it with --resume or start again with --overwrite"
        )
    if mode == "new" and (out.exists() or folder.exists()):
        there = out if out.exists() else folder
        raise OutputError(f"{there} exists; choose another --out or give --overwrite")


def train(
    windows: WindowSet,
    backbone: VisionTransformer,
    backbone_name: str,
    settings: TrainSettings,
    out: Path,
    *,
    mode: Mode = "new",
    tell: Tell | None = None,
    say: Callable[[str], None] = lambda words: None,
    fabric: Fabric | None = None,
) -> Outcome:
    """Trains FOCUS on a frozen backbone and writes the best epoch's model.

    Under ``torchrun`` all processes share the work and the first one writes; the result is that of one process but for
    the rounding of sums.

    Args:
        windows: the data; its window size is the backbone's.
        backbone: frozen here, never changed.
        backbone_name: as ``create_backbone`` knows it.
        out: the checkpoint; beside it ``model.report.json`` and the folder ``model.training``.
        mode: ``resume`` continues a killed training to the very result of an uninterrupted one (same settings, same
            machine, as many processes, float32).
        tell: progress, see ``Tell``; say: sentences for the user.
        fabric: launched, see ``make_fabric``; None makes one.
    Raises:
        FocusError: data or state that do not fit, or another process has other data; OutputError: nothing can be
            written there.
        ValueError: settings that do not fit the sensor or the backbone.
    """
    fabric = fabric or make_fabric(settings.precision)
    processes = Processes()
    if fabric.is_global_zero:
        require_free(out, mode)
    statistics = training_statistics(windows, backbone)
    torch.manual_seed(settings.seed)
    groups = _groups(windows, settings.groups, say)
    net = FocusNet(
        backbone,
        groups,
        len(windows.target_names),
        settings.read_blocks,
        sink=settings.sink,
        readout=settings.readout,
        values=settings.values,
    )
    _silence(net, statistics, say)
    folder = training_folder(out)
    fingerprint = fingerprint_of(settings, backbone, backbone_name, windows)
    _require_same(processes.gathered([fingerprint]))
    state = TrainingState(fingerprint)
    if fabric.is_global_zero:
        if mode == "resume":
            state = load_state(folder / STATE_FILE, fingerprint)
        _prepare(folder, out, mode)
    state = processes.from_first(state)
    batches = Batches(windows, statistics, fabric.device, processes)
    Loop(fabric, net, batches, settings, folder, state).run(tell or (lambda done, total, words: None))
    shown = fix_reading(net, batches, settings.batch)
    trained_on = f"{windows.source}; {len(windows.of('train'))} windows, epoch {state.best_epoch} of {settings.epochs}"
    bundle = make_bundle(
        out.stem, net, backbone_name, groups, windows, statistics, shown, f"{trained_on}, seed {settings.seed}"
    )
    bundle = bundle.model_copy(update={"seen": seen_in_training(net, batches, bundle, settings.batch)})
    report = make_report(net, batches, bundle, settings.batch, best_epoch=state.best_epoch, epochs=settings.epochs)
    report_path = report_of(out)
    if fabric.is_global_zero:
        keep_windows(folder, windows)
        save_checkpoint(out, net, bundle)
        write_atomically(report_path, (json.dumps(report.to_json(), indent=2) + "\n").encode())
    return Outcome(bundle, report, out, report_path, folder)


def report_of(out: Path) -> Path:
    """Where the report of a checkpoint lies."""
    return out.with_name(f"{out.stem}.report.json")


def _require_same(fingerprints: list[str]) -> None:
    for number, found in enumerate(fingerprints):
        if found != fingerprints[0]:
            raise FocusError(
                f"process {number} has other data or settings than process 0 ({difference(fingerprints[0], found)}); "
                "give every machine the same files"
            )


def _groups(windows: WindowSet, count: int, say: Callable[[str], None]) -> tuple[BandGroup, ...]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        groups = band_groups(windows.wavelengths_nm, count)
    for warning in told:
        say(f"note: {warning.message}")
    return groups


def _silence(net: FocusNet, statistics: Statistics, say: Callable[[str], None]) -> None:
    """Bands that training never saw have no direction to move in; from zero they stay out of the model altogether."""
    if statistics.dead.any():
        net.adapter.data[torch.from_numpy(statistics.dead)] = 0.0
        say(f"note: {int(statistics.dead.sum())} bands have no valid value in training; the model does not use them")


def _prepare(folder: Path, out: Path, mode: Mode) -> None:
    try:
        if mode == "overwrite":
            shutil.rmtree(folder, ignore_errors=True)
            out.unlink(missing_ok=True)
            report_of(out).unlink(missing_ok=True)  # else it would stand beside no model, or another one
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror}; choose another --out") from None
