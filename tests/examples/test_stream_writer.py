"""The writer in C that docs/stream.md shows, compiled and read from."""

from __future__ import annotations

import os
import subprocess

import numpy as np
from repository.tree import ROOT

from focus.runtime.cameras import StreamCamera, place_from_uri
from focus.runtime.sources import SourceOptions
from support.streams import played
from support.tools import tool


def test_the_writer_in_c_is_read(tmp_path):
    program, fifo = tmp_path / "writer", tmp_path / "camera"
    source = ROOT / "examples/stream_writer.c"
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    subprocess.run([tool("gcc", "gcc"), *flags, "-o", str(program), str(source)], check=True)
    os.mkfifo(fifo)
    with subprocess.Popen([str(program), str(fifo), "300"]) as writer:
        options = SourceOptions(quantity="reflectance", scale=4095.0)
        camera = StreamCamera(place_from_uri(f"fifo:{fifo}"), options)
        lines, metas = played(camera)
        assert writer.wait(10) == 0
    assert camera.facts.name == "C writer" and camera.facts.bits == 12
    np.testing.assert_array_equal(camera.facts.wavelengths_nm, 400 + 50 * np.arange(8))
    assert [meta.sequence for meta in metas] == list(range(300))
    assert all(meta.intact and meta.camera_ns is None for meta in metas)
    line, band, sample = np.ogrid[:300, :8, :16]
    np.testing.assert_array_equal(lines, 100 * band + sample + line)
