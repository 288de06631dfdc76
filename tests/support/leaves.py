"""Fixtures: the shipped model, and simulated leaves as it reads them and as a training keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus.runtime._kept import KEPT_FILE
from focus.runtime.agreement import NetInput, windows_from_source
from focus.runtime.engines import OnnxRuntimeEngine
from focus.runtime.engines._open import default_model
from focus.runtime.sources import source_from_uri


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
