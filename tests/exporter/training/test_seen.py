"""The range of a training that the monitor goes by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from focus.exporter.model import load_checkpoint
from focus.exporter.model._backbone import OWN_BACKBONES
from focus.exporter.training import TrainSettings, measured, train
from focus.exporter.training._batches import Batches
from focus.exporter.training._statistics import statistics_of_bundle
from focus.runtime import FocusError
from support.nets import small_backbone
from support.windows import small_windows

QUICK = TrainSettings(groups=5, epochs=2, batch=8, lr=1e-2, precision="fp32", seed=1)
NAME = "small"


@pytest.fixture(autouse=True)
def known_to_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(OWN_BACKBONES, NAME, {"patch_size": 6, "embed_dim": 32, "depth": 3, "num_heads": 4})


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_training_measures_what_its_network_reads_and_how_it_looks(tmp_path: Path, task: str) -> None:
    windows = small_windows((24, 8, 8), task)
    windows.band_means[3, 2, :4] = np.nan
    train(windows, small_backbone(), NAME, QUICK, tmp_path / "model.pt")
    net, bundle = load_checkpoint(tmp_path / "model.pt")
    seen = bundle.seen
    assert seen is not None and seen.windows == 32  # test windows are none of it

    known = np.arange(32)
    with torch.no_grad():
        reading = net(*Batches(windows, statistics_of_bundle(bundle), torch.device("cpu")).inputs(known))
    heads = list(bundle.reading.heads)
    attention = reading.attention[-1].numpy()[:, heads].mean(axis=(1, 3)).reshape(32 * net.classes, -1)
    sink = reading.sink_mass[-1].numpy()[:, heads].mean(axis=(1, 3)).ravel()
    collapse = 1 - attention.sum(axis=1) + attention.max(axis=1)
    for found, values in ((seen.sink_mass, sink), (seen.collapse, collapse)):
        np.testing.assert_allclose([found.low, found.high], np.quantile(values, [0.001, 0.999]), rtol=1e-4, atol=1e-7)

    spectra = np.nan_to_num((windows.band_means[known] - bundle.mean) / bundle.deviation).reshape(-1, windows.bands)
    np.testing.assert_allclose(seen.band_low, np.quantile(spectra, 0.001, axis=0), atol=1e-3)
    np.testing.assert_allclose(seen.band_high, np.quantile(spectra, 0.999, axis=0), atol=1e-3)


def test_a_model_of_before_gets_the_same_from_its_own_windows_and_none_from_others(tmp_path: Path) -> None:
    windows = small_windows()
    outcome = train(windows, small_backbone(), NAME, QUICK, tmp_path / "model.pt")
    net, bundle = load_checkpoint(tmp_path / "model.pt")
    found = measured(net, bundle, windows).seen
    assert outcome.bundle.seen is not None and found is not None
    np.testing.assert_allclose(found.band_high, outcome.bundle.seen.band_high, atol=2e-4)
    assert found.collapse.high == pytest.approx(outcome.bundle.seen.collapse.high, rel=1e-4)
    with pytest.raises(
        FocusError, match=r"was not trained on these windows.*it was trained on windows made for a test"
    ):
        measured(net, bundle, small_windows(seed=5))
    with pytest.raises(FocusError, match="other bands than model"):
        measured(net, bundle, replace(windows, wavelengths_nm=windows.wavelengths_nm + 1))
