"""One set of windows, as a training keeps them, and one quantised model, for all tests of quantising."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from focus.calib._windows import NetInput, windows_from_source
from focus.calib.commands import main
from focus.runtime._kept import KEPT_FILE
from focus.runtime.engines import OnnxRuntimeEngine
from focus.runtime.engines._open import default_model
from focus.runtime.sources import source_from_uri


class Quantized(NamedTuple):
    """The file, and what the command printed."""

    path: Path
    said: str


@pytest.fixture(scope="session")
def shipped() -> OnnxRuntimeEngine:
    return OnnxRuntimeEngine(default_model(), 1)


@pytest.fixture(scope="session")
def leaves(shipped) -> list[NetInput]:
    """24 simulated leaves as the shipped model reads them."""
    return windows_from_source(source_from_uri("sim:leaves=24,seed=5"), shipped.file, 24)


@pytest.fixture(scope="session")
def training(shipped, leaves, tmp_path_factory) -> Path:
    """A MODEL.training folder with those windows."""
    folder = tmp_path_factory.mktemp("model.training")
    bundle = shipped.bundle
    backbone = bundle.backbone
    mean, deviation = (np.array(v)[:, None, None] for v in (backbone.composite_mean, backbone.composite_deviation))
    np.savez(
        folder / KEPT_FILE,
        band_means=np.stack([w.band_means * bundle.deviation + bundle.mean for w in leaves]).astype(np.float32),
        composite=np.stack([w.composite * deviation + mean for w in leaves]).astype(np.float16),
        labels=np.array([w.label for w in leaves]),
    )
    return folder


@pytest.fixture(scope="session")
def quantized(training, tmp_path_factory, shipped) -> Quantized:
    """The shipped model, quantised on those windows by the command."""
    out = tmp_path_factory.mktemp("int8") / "leaf-int8.onnx"
    words = ["quantize", "--onnx", str(shipped.file.path), "--data", str(training), "--out", str(out), "--threads", "1"]
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        patch.setattr("focus.calib._speed.SECONDS", 0.02)
        assert main(words) == 0
    return Quantized(out, said.getvalue())


@pytest.fixture(scope="session")
def int8(quantized) -> Path:
    return quantized.path
