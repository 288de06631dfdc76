"""Trains the networks that FOCUS is compared with, in the loop that trains FOCUS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.data import WindowSet
from focus.exporter.methods._adapted_vit import AdaptedViT
from focus.exporter.methods._prompt_cam import PromptCam
from focus.exporter.methods._se_cnn import SpectralSeCnn
from focus.exporter.model import TrainableNet
from focus.exporter.training import TrainSettings
from focus.exporter.training._batches import Batches
from focus.exporter.training._fabric import make_fabric
from focus.exporter.training._fingerprint import fingerprint_of
from focus.exporter.training._loop import STATE_FILE, Loop, Tell
from focus.exporter.training._processes import Processes
from focus.exporter.training._state import TrainingState, load_state
from focus.exporter.training._statistics import training_statistics

#: What ``train_method`` knows.
METHODS = ("adapted-vit", "prompt-cam", "se-cnn")


def train_method(
    name: str,
    windows: WindowSet,
    backbone: VisionTransformer,
    backbone_name: str,
    settings: TrainSettings,
    folder: Path,
    *,
    tell: Tell | None = None,
    fabric: Fabric | None = None,
) -> TrainableNet:
    """Trains a network as FOCUS is trained: the same data, split, standardisation, optimiser, rate, epochs, order of
    windows, flips and choice of the epoch. What is FOCUS' own (groups, the sink's loss) has no part in it.

    A training that was stopped goes on where it was; a finished one is read and not made again.

    Args:
        name: see ``METHODS``.
        windows: the data; its window size is the backbone's.
        backbone: frozen here, never changed; ``se-cnn`` has none and takes its patch and grid alone.
        backbone_name: as ``create_backbone`` knows it.
        settings: ``read_blocks`` says in how many last blocks ``prompt-cam`` has prompts.
        folder: for its state and metrics; made if it is missing.
        tell: progress, see ``Tell``.
        fabric: launched, see ``make_fabric``; None makes one.
    Returns: the network of the best epoch, in eval mode.
    Raises:
        ValueError: an unknown name, or settings that do not fit the backbone.
        FocusError: the folder holds another training.
    """
    fabric, processes = fabric or make_fabric(settings.precision), Processes()
    torch.manual_seed(settings.seed)
    net = make_network(name, windows, backbone, settings)
    fingerprint = fingerprint_of(settings, backbone, backbone_name, windows, method=name)
    state, file = TrainingState(fingerprint), folder / STATE_FILE
    if fabric.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        state = load_state(file, fingerprint) if file.exists() else state
    batches = Batches(windows, training_statistics(windows, backbone), fabric.device, processes)
    loop = Loop(fabric, net, batches, settings, folder, processes.from_first(state))
    loop.run(tell or (lambda done, total, words: None))
    net.eval()
    if isinstance(net, AdaptedViT):
        net.reference.copy_(mean_tokens_of_others(net, batches, settings.batch))
    return net


def make_network(name: str, windows: WindowSet, backbone: VisionTransformer, settings: TrainSettings) -> TrainableNet:
    """An untrained network of a method, see ``train_method``."""
    bands, targets = windows.bands, len(windows.target_names)
    if name == "adapted-vit":
        return AdaptedViT(backbone, bands, targets)
    if name == "prompt-cam":
        return PromptCam(backbone, bands, targets, settings.read_blocks)
    if name == "se-cnn":
        return SpectralSeCnn(bands, targets, windows.grid, windows.patch)
    raise ValueError(f"no method {name} to train; there are {', '.join(METHODS)}")


@torch.no_grad()
def mean_tokens_of_others(net: AdaptedViT, batches: Batches, batch: int) -> torch.Tensor:
    """r_c of ``difference_of_means``: the mean patch token of the training windows of other classes, and for a
    regression target that of all.

    Returns: [K, d].
    """
    windows = batches.windows
    chosen = windows.of("train")
    means = torch.cat([net.tokens(*batches.inputs(part)).mean(dim=1) for part in batches.in_order(chosen, batch)])
    others = np.ones((len(windows.target_names), len(chosen)), bool)
    if windows.task == "classification":
        others = windows.targets[chosen] != np.arange(len(others))[:, None]
    weight = torch.from_numpy(others).to(means)
    return weight @ means / weight.sum(dim=1, keepdim=True).clamp_min(1.0)
