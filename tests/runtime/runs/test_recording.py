"""A recording's folder is whole or not there."""

from __future__ import annotations

import pytest

from focus.runtime import FocusError
from focus.runtime._errors import CameraLost
from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import RunFolder
from focus.runtime.pipeline import Settings
from focus.runtime.runs import run_to_folder
from support.scenes import Scripted, cube
from support.toy_model import Toy


class BreaksOff(Scripted):
    """A recording of a known length that ends before it."""

    def start(self, get_buffer):
        yield from super().start(get_buffer)
        raise CameraLost("the disk with the recording is gone")


def test_a_recording_that_ends_early_is_not_kept(tmp_path):
    engine = engine_from_path(Toy().save(tmp_path / "toy.onnx"))
    source = BreaksOff(cube(24, 18), range(14))
    with pytest.raises(FocusError, match="the disk with the recording is gone; nothing was kept of this recording"):
        run_to_folder(source, engine, RunFolder(tmp_path / "out"), Settings())
    assert [path.name for path in tmp_path.iterdir()] == ["toy.onnx"]
