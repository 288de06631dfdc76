"""One set of windows, as a training keeps them, and one quantised model, for all tests of quantising."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import NamedTuple

import pytest

from focus.calib.commands import main
from support.leaves import leaves, shipped, training

__all__ = ["leaves", "quantized", "shipped", "training"]


class Quantized(NamedTuple):
    """The file, and what the command printed."""

    path: Path
    said: str


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
