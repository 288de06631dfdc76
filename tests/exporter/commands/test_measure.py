"""``python -m focus.exporter.commands.measure``: what an older model's maps are made of is measured again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus.exporter.commands.measure import main
from focus.exporter.commands.train import main as train_main
from focus.exporter.model import load_checkpoint, save_checkpoint
from focus.runtime._files import file_sha256
from focus.runtime.engines import engine_from_path
from focus.runtime.engines._open import default_model

TRAIN = ["--random-backbone", "--size", "32", "--epochs", "1", "--precision", "fp32", "--groups", "4"]
DATA = ["--data", "sim:full,scenes=8,val=4,test=4,bands=32"]


@pytest.fixture(autouse=True)
def without_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    import focus.exporter.data as data

    whole = data.open_windows
    monkeypatch.setattr(data, "open_windows", lambda *args, **options: whole(*args, **options, workers=0))


def test_the_checkpoint_carries_what_was_measured_and_the_network_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "leaf.pt"
    assert train_main([*DATA, *TRAIN, "--out", str(model)]) == 0
    net, bundle = load_checkpoint(model)
    older = {"band_share": None, "group_share": None, "reference": None, "brightness": (), "heads": (0, 1, 2)}
    bare = bundle.reading.model_copy(update=older)
    facts = {"checkpoint_sha256": None, "seen": None, "reading": bare}
    save_checkpoint(model, net, bundle.model_copy(update=facts))
    assert main(["--ckpt", str(model), *DATA]) == 0
    said = capsys.readouterr().out
    heads = ", ".join(map(str, bundle.reading.heads))
    assert f"shows heads {heads}; 12 windows: collapse " in said
    assert f"wrote {model}; export it again with focus-export" in said
    after, stamped = load_checkpoint(model)
    assert stamped.seen == bundle.seen is not None
    assert stamped.reading.heads == bundle.reading.heads
    # Differences of what prompts see, with the bundle's eight digits of mean and deviation.
    np.testing.assert_allclose(stamped.reading.band_share, bundle.reading.band_share, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(stamped.reading.group_share, bundle.reading.group_share, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(stamped.reading.brightness, bundle.reading.brightness, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(stamped.reading.reference, bundle.reading.reference, rtol=1e-4, atol=1e-6)
    assert all(value.equal(after.state_dict()[name]) for name, value in net.state_dict().items())


def test_data_of_another_model_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = tmp_path / "leaf.pt"
    assert train_main([*DATA, *TRAIN, "--out", str(model)]) == 0
    before = file_sha256(model)
    assert main(["--ckpt", str(model), *DATA, "--seed", "2"]) == 2
    assert "was not trained on these windows" in capsys.readouterr().err
    assert main(["--ckpt", str(model), "--data", f"{DATA[1]},task=chl"]) == 2
    assert "the data are for regression of chl, model leaf tells healthy, chlorosis" in capsys.readouterr().err
    assert file_sha256(model) == before


def test_the_shipped_model_knows_its_training() -> None:
    bundle = engine_from_path(None).bundle
    assert bundle.seen is not None and bundle.seen.windows == 512
    assert bundle.checkpoint_sha256 == file_sha256(default_model().with_suffix(".pt"))
