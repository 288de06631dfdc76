"""From windows to ``model.pt``."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.exporter.data import training_folder
from focus.exporter.model import FocusNet, NetReading, load_checkpoint
from focus.exporter.model._backbone import OWN_BACKBONES
from focus.exporter.training import Mode, TrainSettings, _loop, train
from focus.exporter.training._optimiser import BandAdam
from focus.runtime import FocusError, OutputError
from support.nets import small_backbone
from support.windows import small_windows

QUICK = TrainSettings(groups=5, epochs=3, batch=8, lr=1e-2, precision="fp32", seed=1)
NAME = "small"


@pytest.fixture(autouse=True)
def known_to_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints are opened again by their backbone's name."""
    monkeypatch.setitem(OWN_BACKBONES, NAME, {"patch_size": 6, "embed_dim": 32, "depth": 3, "num_heads": 4})


def weights_of(path: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(path)[0].state_dict()


def require_equal(one: Path, other: Path) -> None:
    first, second = weights_of(one), weights_of(other)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_it_learns_and_says_where_and_which_band(tmp_path: Path) -> None:
    settings = replace(QUICK, epochs=25)
    outcome = train(small_windows((60, 12, 30)), small_backbone(), NAME, settings, tmp_path / "model.pt")
    with (outcome.folder / "metrics.csv").open() as file:
        losses = [float(row["train_loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 25
    assert losses[-1] < 0.2 * losses[0]
    report = outcome.report
    assert report.accuracy > 0.9
    assert report.windows == 30
    assert report.explanation.windows == 20
    assert report.explanation.prevalence == pytest.approx(2 / 16)
    assert report.explanation.auprc > 0.6
    assert report.explanation.bio_at_5 > 2 * report.explanation.bio_random_5
    assert json.loads(outcome.report_path.read_text())["accuracy"] == report.accuracy
    assert list(outcome.folder.glob("events.out.tfevents*"))


def test_steps_are_made_with_frozen_layers_as_they_are_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, whole = [], _loop.Loop._step

    def step(loop: _loop.Loop, *given: Any) -> tuple[float, float]:
        block = loop.net.backbone.blocks[0]
        seen.append((block.mlp.fc1.weight.dtype, block.attn.fused_attn))
        return whole(loop, *given)

    monkeypatch.setattr(_loop.Loop, "_step", step)
    outcome = train(small_windows(), small_backbone(), NAME, replace(QUICK, precision="bf16"), tmp_path / "model.pt")
    assert set(seen) == {(torch.bfloat16, False)}
    assert {value.dtype for value in weights_of(outcome.out).values()} == {torch.float32}


def test_steps_are_whitened_by_the_spectra_of_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, whole = [], _loop.whitening

    def whitening(spectra: torch.Tensor, floor: float) -> torch.Tensor:
        given.append((spectra, floor))
        return whole(spectra, floor)

    windows = small_windows()
    adapters = []
    for name, replaced in (("as", whitening), ("other", lambda spectra, floor: whole(spectra, 1e6))):
        monkeypatch.setattr(_loop, "whitening", replaced)
        outcome = train(windows, small_backbone(), NAME, replace(QUICK, whitening=0.01), tmp_path / f"{name}.pt")
        adapters.append(weights_of(outcome.out)["adapter"])
    [(spectra, floor)] = given
    assert floor == 0.01
    assert spectra.shape == (len(windows.of("train")) * windows.band_means.shape[1], windows.bands)
    torch.testing.assert_close(spectra.std(dim=0, correction=0), torch.ones(windows.bands), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(*adapters, rtol=1e-2)


def test_each_head_of_each_prompt_misses_its_own_patches_in_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed, forward = [], FocusNet.forward

    def watched(
        net: FocusNet, means: torch.Tensor, composite: torch.Tensor, hidden: torch.Tensor | None = None
    ) -> NetReading:
        reading = forward(net, means, composite, hidden)
        if net.training:
            assert hidden is not None
            assert not reading.attention[-1].flatten(2, 3)[hidden].any()
            missed.append(hidden)
        else:
            assert hidden is None
        return reading

    monkeypatch.setattr(FocusNet, "forward", watched)
    windows, settings = small_windows((20, 4, 4)), replace(QUICK, epochs=2, hidden=0.3)
    train(windows, small_backbone(), NAME, settings, tmp_path / "model.pt")
    first = missed[0]
    assert first.shape == (7, 4, len(windows.target_names) * 5, windows.band_means.shape[1])
    assert abs(first.float().mean() - 0.3) < 0.02
    assert len(missed) == 6 and not any(torch.equal(first, later) for later in missed[1:])
    assert not torch.equal(first[:, 0], first[:, 1]) and not torch.equal(first[:, :, 0], first[:, :, 1])


def test_the_loss_of_each_class_by_itself_counts_with_its_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_targets, biases = [], []

    def pushes_logits_down(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        given_targets.append(targets)
        return logits.mean()

    monkeypatch.setattr(_loop, "each_class_loss", pushes_logits_down)
    windows = small_windows((20, 4, 4))
    for weight in (0.0, 3.0):
        settings = replace(QUICK, epochs=1, one_vs_rest=weight)
        outcome = train(windows, small_backbone(), NAME, settings, tmp_path / f"{weight}.pt")
        biases.append(weights_of(outcome.out)["bias"].sum())
    assert biases[1] < biases[0] - 0.01
    seen = torch.cat(given_targets[: len(given_targets) // 2]).sort().values
    assert seen.tolist() == sorted(windows.targets[windows.of("train")])


def test_regression_learns(tmp_path: Path) -> None:
    windows = small_windows((60, 12, 30), "regression")
    outcome = train(windows, small_backbone(), NAME, replace(QUICK, epochs=25), tmp_path / "model.pt")
    assert outcome.report.accuracy is None
    assert outcome.report.explanation is None
    assert outcome.report.r2[0] > 0.7
    target = outcome.bundle.targets[0]
    training = windows.targets[windows.of("train")]
    assert (target.name, target.unit) == ("water", "g")
    assert target.mean == pytest.approx(float(training.mean()), rel=1e-5)
    assert target.deviation == pytest.approx(float(training.std()), rel=1e-5)


def test_the_bundle_is_complete_and_the_checkpoint_loads(tmp_path: Path) -> None:
    windows = small_windows()
    backbone = small_backbone()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    outcome = train(windows, backbone, NAME, QUICK, tmp_path / "model.pt")
    net, bundle = load_checkpoint(tmp_path / "model.pt")
    for name, value in net.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert bundle.model_copy(update={"checkpoint_sha256": None}) == outcome.bundle
    assert bundle.class_names == ("plain", "blue", "red")
    assert bundle.window == windows.size
    assert (bundle.backbone.width, bundle.backbone.blocks, bundle.backbone.heads) == (32, 3, 4)
    assert set(bundle.reading.heads) <= set(range(4)) and bundle.reading.heads
    assert len(bundle.groups) == 5
    np.testing.assert_allclose(np.array(bundle.reading.band_share).mean(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(bundle.adapter_norm, net.adapter.detach().norm(dim=1).numpy(), rtol=1e-5)
    training = windows.band_means[windows.of("train")].reshape(-1, windows.bands)
    np.testing.assert_allclose(bundle.mean, training.mean(0), rtol=1e-5)
    np.testing.assert_allclose(bundle.deviation, training.std(0), rtol=1e-4)
    np.testing.assert_allclose(bundle.fwhm_nm, windows.fwhm_nm)
    np.testing.assert_allclose(bundle.composite_weights, windows.composite_weights, rtol=1e-7, atol=1e-12)
    assert "windows made for a test; 24 windows" in bundle.trained_on
    assert bundle.trained_on.endswith("seed 1")


def test_the_same_seed_gives_the_same_model_and_another_one_another(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        train(small_windows(), small_backbone(), NAME, replace(QUICK, seed=seed), tmp_path / f"{name}.pt")
    require_equal(tmp_path / "one.pt", tmp_path / "again.pt")
    assert not torch.equal(weights_of(tmp_path / "one.pt")["adapter"], weights_of(tmp_path / "other.pt")["adapter"])


def kill_after(epochs: int):  # type: ignore[no-untyped-def]
    """A progress function that ends the process's patience in the middle of the next epoch."""

    def tell(done: int, total: int, words: str) -> None:
        if done > total * epochs / QUICK.epochs:
            raise KeyboardInterrupt

    return tell


def test_a_killed_training_resumes_to_the_very_same_model(tmp_path: Path) -> None:
    train(small_windows(), small_backbone(), NAME, QUICK, tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        train(small_windows(), small_backbone(), NAME, QUICK, tmp_path / "killed.pt", tell=kill_after(1))
    assert not (tmp_path / "killed.pt").exists()
    train(small_windows(), small_backbone(), NAME, QUICK, tmp_path / "killed.pt", mode="resume")
    require_equal(tmp_path / "whole.pt", tmp_path / "killed.pt")
    rows = [(tmp_path / f"{name}.training" / "metrics.csv").read_text().splitlines() for name in ("whole", "killed")]
    without_seconds = [[row.rsplit(",", 1)[0] for row in own] for own in rows]
    assert without_seconds[0] == without_seconds[1]
    assert len(rows[0]) == 1 + QUICK.epochs


class Killed(Exception):
    """Stands for SIGKILL."""


def kill_at(step: int):  # type: ignore[no-untyped-def]
    def tell(done: int, total: int, words: str) -> None:
        if done >= step:
            raise Killed

    return tell


def going_on(out: Path) -> Mode:
    return "resume" if (training_folder(out) / _loop.STATE_FILE).exists() else "overwrite"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "whole.pt"
    train(small_windows(), small_backbone(), NAME, QUICK, out)
    return out


def history(out: Path) -> list[str]:
    """Rows of the metrics, without the seconds."""
    return [row.rsplit(",", 1)[0] for row in (training_folder(out) / "metrics.csv").read_text().splitlines()]


@settings(max_examples=5)
@given(st.lists(st.integers(1, 3 * QUICK.epochs), min_size=1, max_size=3))
def test_a_training_killed_anywhere_and_again_is_the_one_that_was_not(whole: Path, kills: list[int]) -> None:
    """Whatever step it is killed at, also before the first state is written."""
    with TemporaryDirectory() as place:
        out = Path(place) / "killed.pt"
        for step in kills:
            with suppress(Killed):
                train(small_windows(), small_backbone(), NAME, QUICK, out, mode=going_on(out), tell=kill_at(step))
        train(small_windows(), small_backbone(), NAME, QUICK, out, mode=going_on(out))
        require_equal(whole, out)
        assert history(whole) == history(out)


def test_resume_refuses_other_settings_and_other_data(tmp_path: Path) -> None:
    out = tmp_path / "model.pt"
    with pytest.raises(KeyboardInterrupt):
        train(small_windows(), small_backbone(), NAME, QUICK, out, tell=kill_after(1))
    with pytest.raises(FocusError, match=r"other settings .lr was 0.01, is 0.02.; resume with the same ones"):
        train(small_windows(), small_backbone(), NAME, replace(QUICK, lr=2e-2), out, mode="resume")
    with pytest.raises(FocusError, match=r"other settings .data was"):
        train(small_windows(seed=5), small_backbone(), NAME, QUICK, out, mode="resume")
    with pytest.raises(FocusError, match=r"other settings .weights was"):
        train(small_windows(), small_backbone(seed=5), NAME, QUICK, out, mode="resume")


class _Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return Path.touch, (self.target,)


def test_a_state_with_code_in_it_is_refused_and_does_not_run(tmp_path: Path) -> None:
    out, target = tmp_path / "model.pt", tmp_path / "was-run"
    folder = training_folder(out)
    folder.mkdir()
    torch.save({"fingerprint": "", "weights": _Malicious(target)}, folder / _loop.STATE_FILE)
    with pytest.raises(FocusError, match="has code in it, which was not run"):
        train(small_windows(), small_backbone(), NAME, QUICK, out, mode="resume")
    assert not target.exists()


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "model.pt"
    train(small_windows(), small_backbone(), NAME, QUICK, out)
    state = training_folder(out) / _loop.STATE_FILE
    state.write_bytes(state.read_bytes()[:400])
    with pytest.raises(FocusError, match="is not the state of a training"):
        train(small_windows(), small_backbone(), NAME, QUICK, out, mode="resume")


def test_an_earlier_training_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    out = tmp_path / "model.pt"
    with pytest.raises(OutputError, match="nothing to resume"):
        train(small_windows(), small_backbone(), NAME, QUICK, out, mode="resume")
    out.write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"model.pt exists; choose another --out or give --overwrite"):
        train(small_windows(), small_backbone(), NAME, QUICK, out)
    assert out.read_bytes() == b"precious"
    train(small_windows(), small_backbone(), NAME, QUICK, out, mode="overwrite")
    assert (tmp_path / "model.report.json").is_file()
    with pytest.raises(KeyboardInterrupt):
        train(small_windows(), small_backbone(), NAME, QUICK, out, mode="overwrite", tell=kill_after(1))
    assert [path.name for path in tmp_path.iterdir()] == ["model.training"]  # no report of a model that is gone
    with pytest.raises(OutputError, match="holds a training already; continue it with --resume"):
        train(small_windows(), small_backbone(), NAME, QUICK, out)
    with pytest.raises(OutputError, match="no folder"):
        train(small_windows(), small_backbone(), NAME, QUICK, tmp_path / "nowhere" / "model.pt")


def test_without_validation_the_last_epoch_is_kept(tmp_path: Path) -> None:
    outcome = train(small_windows((24, 0, 0)), small_backbone(), NAME, QUICK, tmp_path / "model.pt")
    assert outcome.report.best_epoch == QUICK.epochs
    assert outcome.report.split == "train"


def test_bands_without_a_value_in_training_stay_out_of_the_model(tmp_path: Path) -> None:
    windows = small_windows()
    windows.band_means[:, :, 3] = np.nan
    windows.band_means[0, 2, 7] = np.nan
    said: list[str] = []
    outcome = train(windows, small_backbone(), NAME, QUICK, tmp_path / "model.pt", say=said.append)
    norm = np.array(outcome.bundle.adapter_norm)
    assert norm[3] == 0.0
    assert np.all(norm[[2, 4, 7]] > 0)
    assert said == ["note: 1 bands have no valid value in training; the model does not use them"]


def test_a_network_without_a_sink_has_no_loss_of_it_and_is_read_without_it(tmp_path: Path) -> None:
    outcome = train(small_windows(), small_backbone(), NAME, replace(QUICK, sink=False), tmp_path / "model.pt")
    rows = (outcome.folder / "metrics.csv").read_text().splitlines()
    place = rows[0].split(",").index("sink_loss")
    assert {float(row.split(",")[place]) for row in rows[1:]} == {0.0}
    assert not outcome.bundle.reading.sink
    assert not load_checkpoint(outcome.out)[0].has_sink


@pytest.mark.parametrize(
    "change",
    [{"auxiliary": "highest entropy"}, {"auxiliary": "random"}, {"readout": "free"}, {"values": "whole patch"}],
)
def test_settings_for_comparison_make_another_network_which_the_checkpoint_keeps(
    tmp_path: Path, change: dict[str, str]
) -> None:
    usual, other, again = (
        train(small_windows(), small_backbone(), NAME, replace(QUICK, sink_weight=1.0, **made), tmp_path / f"{name}.pt")
        for name, made in (("usual", {}), ("other", change), ("again", change))
    )
    require_equal(other.out, again.out)
    assert not torch.equal(weights_of(usual.out)["adapter"], weights_of(other.out)["adapter"])
    net, bundle = load_checkpoint(other.out)
    kept = {name: value for name, value in change.items() if name != "auxiliary"}
    assert {name: getattr(net, name) for name in kept} == kept == {name: getattr(bundle.reading, name) for name in kept}


def test_a_loss_that_explodes_is_named(tmp_path: Path) -> None:
    windows = small_windows()
    windows.band_means[:, :, 0] *= 1e36
    with pytest.raises(FocusError, match="no longer a number in epoch 1; start again with a smaller --lr"):
        train(windows, small_backbone(), NAME, replace(QUICK, lr=1e30), tmp_path / "model.pt")


def test_weights_that_are_no_number_after_the_last_step_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is that of the step before, and still finite."""
    step = BandAdam.step

    def broken(optimiser: BandAdam, *given: object) -> object:
        found = step(optimiser, *given)
        optimiser.param_groups[0]["params"][0].data[0, 0] = float("nan")
        return found

    monkeypatch.setattr(BandAdam, "step", broken)
    windows = small_windows()
    once = replace(QUICK, epochs=1, batch=len(windows.of("train")))
    with pytest.raises(FocusError, match="what is learnt is no longer a number after epoch 1; start again"):
        train(windows, small_backbone(), NAME, once, tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()


def test_bf16_trains_and_keeps_float32_weights(tmp_path: Path) -> None:
    outcome = train(small_windows(), small_backbone(), NAME, replace(QUICK, precision="bf16"), tmp_path / "model.pt")
    assert np.isfinite(outcome.bundle.adapter_norm).all()
    assert {value.dtype for value in load_checkpoint(outcome.out)[0].state_dict().values()} == {torch.float32}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"lr": 0.0}, "lr must be positive"),
        ({"lr": float("nan")}, "lr must be positive"),
        ({"whitening": 0.0}, "whitening must be positive"),
        ({"hidden": 1.0}, "hidden must be a share of the patches, 0 to below 1, got 1.0"),
        ({"one_vs_rest": -1.0}, "one_vs_rest must be finite and not negative"),
        ({"weight_decay": -1.0}, "weight_decay must be finite and not negative"),
        ({"warmup": 1.0}, "warmup must be a share"),
        ({"readout": "loose"}, "readout must be tied or free, got loose"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, float | str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(QUICK, **change)
