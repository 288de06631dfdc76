"""Training the other networks in the loop that trains FOCUS."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from focus.exporter.data import WindowSet
from focus.exporter.methods import METHODS, explainers_of, train_method
from focus.exporter.methods._train import make_network
from focus.exporter.metrics import average_precision, band_overlap, random_overlap
from focus.exporter.model import TrainableNet
from focus.exporter.training import TrainSettings, _loop
from focus.exporter.training._batches import Batches
from focus.exporter.training._statistics import training_statistics
from focus.runtime import Bundle, FocusError
from support.bundles import small_bundle
from support.nets import small_backbone, small_net
from support.windows import small_windows

QUICK = TrainSettings(groups=5, epochs=3, batch=8, lr=1e-2, precision="fp32", seed=1)
NAME = "small"


def trained(name: str, windows: WindowSet, folder: Path, settings: TrainSettings = QUICK) -> TrainableNet:
    return train_method(name, windows, small_backbone(), NAME, settings, folder)


def inputs_of(windows: WindowSet, split: str) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    chosen = windows.of(split)
    batches = Batches(windows, training_statistics(windows, small_backbone()), torch.device("cpu"))
    return *batches.inputs(chosen), chosen


def bundle_for(windows: WindowSet) -> Bundle:
    """The small bundle with the windows' own standardisation."""
    found = training_statistics(windows, small_backbone())
    bundle = small_bundle(small_net(classes=len(windows.target_names)), task=windows.task)
    backbone = bundle.backbone.model_copy(
        update={
            "composite_mean": tuple(found.composite_mean.tolist()),
            "composite_deviation": tuple(found.composite_deviation.tolist()),
        }
    )
    return bundle.model_copy(
        update={"mean": tuple(found.mean.tolist()), "deviation": tuple(found.deviation.tolist()), "backbone": backbone}
    )


@pytest.mark.parametrize("name", METHODS)
def test_it_learns_and_leaves_the_backbone_alone(name: str, tmp_path: Path) -> None:
    windows, backbone = small_windows((60, 12, 30)), small_backbone()
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    net = train_method(name, windows, backbone, NAME, replace(QUICK, epochs=20), tmp_path / "run")
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["train_loss"]) < 0.3 * float(rows[0]["train_loss"])
    assert {float(row["sink_loss"]) for row in rows} == {0.0}
    means, composite, chosen = inputs_of(windows, "test")
    with torch.no_grad():
        right = (net(means, composite).logits.argmax(dim=1).numpy() == windows.targets[chosen]).mean()
    assert right > 0.9


def test_the_cnn_finds_the_planted_bands_and_patches(tmp_path: Path) -> None:
    windows = small_windows((60, 12, 12))
    net = trained("se-cnn", windows, tmp_path / "run", replace(QUICK, epochs=20))
    ways = explainers_of("se-cnn", net, bundle_for(windows))
    means, composite, chosen = inputs_of(windows, "test")
    truth = windows.truth
    assert truth is not None
    bands: dict[str, list[float]] = {way: [] for way in ways}
    places = []
    for row, index in enumerate(chosen):
        if not truth.informative[index].any():
            continue
        for way, explainer in ways.items():
            maps = explainer.explain(means[row].numpy(), composite[row].numpy(), int(windows.targets[index]))
            bands[way].append(band_overlap(maps.curve, truth.informative[index], 4))
        places.append(average_precision(maps.heatmap, truth.lesion_share[index] >= 0.5))
    chance = random_overlap(24, 4)
    assert all(np.mean(found) > 4 * chance for found in bands.values())
    assert np.mean(places) > 3 * 2 / 16


@pytest.mark.parametrize("name", METHODS)
def test_regression_is_read_and_explained(name: str, tmp_path: Path) -> None:
    windows = small_windows((30, 6, 6), "regression")
    net = trained(name, windows, tmp_path / "run", replace(QUICK, epochs=2))
    means, composite, _ = inputs_of(windows, "test")
    for explainer in explainers_of(name, net, bundle_for(windows)).values():
        assert explainer.read(means.numpy(), composite.numpy()).shape == (6, 1)
        maps = explainer.explain(means[0].numpy(), composite[0].numpy(), 0)
        assert maps.heatmap.shape == (16,)
        assert np.isfinite(maps.curve).all()


def test_what_a_window_is_held_against_is_the_mean_of_the_other_classes(tmp_path: Path) -> None:
    windows = small_windows((12, 3, 3))
    net = trained("adapted-vit", windows, tmp_path / "run", replace(QUICK, epochs=1))
    means, composite, chosen = inputs_of(windows, "train")
    with torch.no_grad():
        tokens = net.tokens(means, composite).mean(dim=1)
    for label in range(3):
        others = torch.from_numpy(windows.targets[chosen] != label)
        torch.testing.assert_close(net.reference[label], tokens[others].mean(dim=0), rtol=1e-4, atol=1e-5)


def test_a_training_goes_on_where_it_was_and_a_finished_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = small_windows((16, 6, 3))
    whole = trained("prompt-cam", windows, tmp_path / "whole")

    def stop(done: int, total: int, words: str) -> None:
        if done > total // 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_method("prompt-cam", windows, small_backbone(), NAME, QUICK, tmp_path / "two", tell=stop)
    again = trained("prompt-cam", windows, tmp_path / "two")
    monkeypatch.setattr(_loop.Loop, "_pass", lambda *given: pytest.fail("it was trained already"))
    read = trained("prompt-cam", windows, tmp_path / "two")
    for name, value in whole.trainable.items():
        assert torch.equal(value, again.trainable[name])
        assert torch.equal(value, read.trainable[name])
    with pytest.raises(FocusError, match="method was prompt-cam, is se-cnn"):
        trained("se-cnn", windows, tmp_path / "two")
    with pytest.raises(ValueError, match="no method sanet to train; there are adapted-vit, prompt-cam, se-cnn"):
        make_network("sanet", windows, small_backbone(), QUICK)
