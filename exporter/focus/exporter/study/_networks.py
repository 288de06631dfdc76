"""The networks of a study: how each is trained, and what maps it makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors.torch import load_file, save
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.data import WindowSet, training_folder
from focus.exporter.evaluate import EDGES, MODEL, RANDOM, Borrowed, Explainer, edges_of, random_of
from focus.exporter.evaluate._torch import TorchNetwork, randomised, untrained_prompts
from focus.exporter.methods import METHODS, explainers_of, train_method
from focus.exporter.methods._train import make_network
from focus.exporter.model import load_checkpoint
from focus.exporter.study._heads import with_heads
from focus.exporter.study._plan import LITERAL, Training
from focus.exporter.training import Mode, train
from focus.exporter.training._loop import STATE_FILE
from focus.runtime import Bundle
from focus.runtime._files import write_atomically

#: Called with steps done, steps in all, and a few words.
Tell = Callable[[int, int, str], None]

#: Controls have no network of their own; they are watched with FOCUS' answers.
CONTROLS = ("untrained prompts", EDGES, RANDOM)

CHECKPOINT, WEIGHTS = "model.pt", "weights.safetensors"


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        bundle: sensor, standardisation and targets.
        explainers: by name, the main one first; sanity: networks without what it learnt.
    """

    bundle: Bundle
    explainers: Mapping[str, Explainer]
    sanity: Mapping[str, Explainer]


def train_network(
    training: Training, windows: WindowSet, backbone: VisionTransformer, backbone_name: str, folder: Path, tell: Tell
) -> None:
    """Trains, or goes on with a training that was stopped.

    Args:
        folder: exists; all files go there.
    """
    settings = training.own_settings
    if training.network in METHODS:
        net = train_method(training.network, windows, backbone, backbone_name, settings, folder, tell=tell)
        # Without the frozen backbone, which all networks of a study share.
        state = {name: value.cpu() for name, value in net.state_dict().items() if not name.startswith("backbone.")}
        write_atomically(folder / WEIGHTS, save(state))
        return
    out = folder / CHECKPOINT
    mode: Mode = "resume" if (training_folder(out) / STATE_FILE).is_file() else "overwrite"
    train(windows, backbone, backbone_name, settings, out, mode=mode, tell=tell)


def has_network(folder: Path) -> bool:
    """Whether the weights of a trained network are here."""
    return any((folder / name).is_file() for name in (CHECKPOINT, WEIGHTS))


def load_network(
    training: Training,
    folder: Path,
    focus: Path,
    windows: WindowSet,
    backbone: VisionTransformer,
    heads: str = "",
    *,
    share: bool = True,
) -> Trained:
    """What ``train_network`` left in a folder.

    Args:
        focus: folder of the FOCUS training of the same data, which says sensor and standardisation for all networks.
        windows: of the training; backbone: with its weights.
        heads: see ``Run``; for FOCUS alone.
        share: see ``explainers_of``.
    """
    if training.network in METHODS:
        bundle = load_checkpoint(focus / CHECKPOINT)[1]
        net = make_network(training.network, windows, backbone, training.own_settings)
        unknown = net.load_state_dict(load_file(folder / WEIGHTS), strict=False)
        if unknown.unexpected_keys or any(not name.startswith("backbone.") for name in unknown.missing_keys):
            raise ValueError(f"{folder / WEIGHTS} is of another network; remove {folder}")
        return Trained(bundle, explainers_of(training.network, net.eval(), bundle, share=share), {})
    focus_net, bundle = load_checkpoint(folder / CHECKPOINT)
    if training.network == LITERAL:
        return Trained(bundle, explainers_of(LITERAL, focus_net, bundle), {})
    seed = training.settings.seed
    if heads:
        bundle = with_heads(focus_net, bundle, windows, heads, seed)  # type: ignore[arg-type]
    model, untrained = TorchNetwork(focus_net, bundle), untrained_prompts(focus_net, bundle, seed)
    explainers: dict[str, Explainer] = {
        MODEL: model,
        CONTROLS[0]: Borrowed(model, untrained.explain),
        EDGES: edges_of(model),
        RANDOM: random_of(model, seed),
    }
    sanity = {"untrained prompts": untrained, "nothing learnt": randomised(focus_net, bundle, seed)}
    return Trained(bundle, explainers, sanity)


def permuted_labels(windows: WindowSet, seed: int) -> WindowSet:
    """The same windows, the targets of training and validation split in a random order."""
    rng, targets = np.random.default_rng([seed, 7]), windows.targets.copy()
    for split in ("train", "val"):
        chosen = windows.of(split)
        targets[chosen] = targets[rng.permutation(chosen)]
    return replace(windows, targets=targets, source=f"{windows.source}, labels permuted")
