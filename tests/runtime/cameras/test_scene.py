"""What camera-sim says of what it plays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from focus.runtime.cameras._scene import scene_from_uri
from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import OpenFiles, RecordSink
from focus.runtime.pipeline import Settings, run_pipeline
from focus.runtime.sources import Replay, WordFormat
from support.scenes import cube, reflectance
from support.toy_model import Toy


def test_a_recording_is_played_as_its_header_says(tmp_path):
    counts = (reflectance(40, 16) * 3000).astype(np.uint16) << 4
    source = Replay(cube(values=counts, scale=48000.0, exposure_ms=2.5), words=WordFormat(12, 4))
    source.facts = replace(source.facts, cube_lines=16)
    files = OpenFiles(tmp_path)
    run_pipeline(source, engine_from_path(Toy().save(tmp_path / "toy.onnx"), 1), [RecordSink(files)], Settings())
    files.close()
    scene = scene_from_uri(f"replay:{tmp_path / 'raw.hdr'}")
    header = scene.header
    assert (header.bits, header.shift, header.exposure_ms) == (12, 4, 2.5)
    assert (header.kind, header.cube_lines) == ("snapshot", 16)
    assert scene.count == len(list(scene.lines())) == 32  # whole cubes
    assert scene_from_uri("sim:leaves=1,samples=32,leaf=32").header.bits == 12
