"""Snapshot mosaics: frames that are made of a cube pixel by pixel give that cube back."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime import Calibration
from focus.runtime._errors import CameraError
from focus.runtime.cameras import StreamCamera, place_from_uri
from focus.runtime.cameras._layout import FrameLayout, layout_of
from focus.runtime.cameras._mosaic import Mosaic, mosaic_of
from focus.runtime.cameras._outlet import open_outlet
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.cameras._writer import StreamWriter
from focus.runtime.engines import engine_from_path
from focus.runtime.sources import FrameMeta, SourceOptions, source_from_uri
from support.runs import run
from support.scenes import Scripted, cube, reflectance
from support.streams import played
from support.toy_model import WAVELENGTHS, Toy

#: Wavelengths of a 3 x 4 pattern, in its order: those of the toy model, which is not in this order.
PLACES = np.random.default_rng(4).permutation(12)
TABLE = WAVELENGTHS[PLACES]


def frame_of(values, mosaic, order, rows, columns, border):
    """A frame [rows, columns] of a cube [C, h, w], pixel by pixel; what no pattern covers holds ``border``."""
    frame = np.full((rows, columns), border, values.dtype)
    for place, band in enumerate(order):
        i, j = divmod(place, mosaic.columns)
        for y in range(values.shape[1]):
            for x in range(values.shape[2]):
                if band >= 0:
                    frame[mosaic.top + mosaic.rows * y + i, mosaic.left + mosaic.columns * x + j] = values[band, y, x]
    return frame


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_the_cube_comes_back_exactly(data):
    n, m, height, width = (data.draw(st.integers(1, most)) for most in (5, 5, 4, 5))
    top, left, below, beyond, status, padding = (data.draw(st.integers(0, 3)) for _ in range(6))
    order = data.draw(st.permutations(range(n * m)))
    used = data.draw(st.integers(1, n * m))
    order = tuple(band if band < used else -1 for band in order)
    dtype = np.dtype(data.draw(st.sampled_from(["<u1", "<u2"])))
    rows, columns = top + n * height + below % n + status, left + m * width + beyond % m
    mosaic = Mosaic(n, m, top, left, () if order == tuple(range(n * m)) else order)
    layout = FrameLayout(rows, columns, (columns + padding) * dtype.itemsize, dtype, False, status, mosaic)
    assert (layout.bands, layout.lines, layout.samples) == (used, height, width)
    values = np.random.default_rng(data.draw(st.integers(0, 9))).integers(0, 255, (used, height, width)).astype(dtype)
    stored = np.pad(frame_of(values, mosaic, order, rows, columns, 255), ((0, 0), (0, padding)))
    found = np.zeros_like(values)
    places = iter(range(height))
    metas = list(layout.lines_of(stored.tobytes(), FrameMeta(7, 1, 2, 3), lambda: found[:, next(places)]))
    np.testing.assert_array_equal(found, values)
    assert metas == [FrameMeta(7 * height + line, 1, 2, 3) for line in range(height)]


@pytest.fixture
def table(tmp_path):
    (tmp_path / "pattern.csv").write_text("wavelength_nm\n" + "\n".join(map(str, TABLE)) + "\n")
    return str(tmp_path / "pattern.csv")


def test_a_stream_of_mosaic_frames_is_read_as_the_cubes_that_they_show(tmp_path, table):
    values = (reflectance(3 * 14, 9) * 10_000).astype(np.uint16)
    mosaic = Mosaic(3, 4, 2, 1)
    header = StreamHeader(2 + 3 * 14 + 1, 1 + 4 * 9 + 2, np.dtype("<u2"), name="mosaic")
    uri = f"unix:{tmp_path}/camera"
    frames = [
        frame_of(values[:, 14 * k : 14 * k + 14], mosaic, PLACES, header.bands, header.samples, 0) for k in range(3)
    ]

    def send():
        with open_outlet(place_from_uri(uri)) as outlet, outlet.reader() as descriptor:
            writer = StreamWriter(descriptor, header)
            for number, frame in enumerate(frames):
                writer.line(frame, 20 + number, camera_ns=number)
            writer.end(23)

    thread = threading.Thread(target=send)
    thread.start()
    options = SourceOptions(wavelengths_nm=table, mosaic="3x4+2+1", quantity="reflectance", scale=10_000.0)
    source = source_from_uri(uri, options)
    assert (source.facts.bands, source.facts.samples, source.facts.cube_lines) == (12, 9, 14)
    np.testing.assert_allclose(source.facts.wavelengths_nm, WAVELENGTHS)
    engine = engine_from_path(Toy().save(tmp_path / "toy.onnx"), threads=1)
    found, summary = run(source, engine, policy="wait")
    thread.join(10)
    assert (summary.counts.first_sequence, summary.counts.received) == (20 * 14, 42)
    for number in range(3):
        here = slice(14 * number, 14 * number + 14)
        alone = Scripted(cube(values=values[:, here], scale=10_000.0), range(14))
        expected, _ = run(alone, engine)
        rows = [row for row in found.rows if row.snapshot == number]
        for row, reference in zip(rows, expected.rows, strict=True):
            np.testing.assert_array_equal(row.heatmap, reference.heatmap)
            np.testing.assert_array_equal(row.composite, reference.composite)


def test_a_damaged_frame_is_a_cube_of_rejected_lines(tmp_path, table):
    header = StreamHeader(6, 8, np.dtype("<u2"), name="mosaic")
    uri = f"unix:{tmp_path}/camera"

    def send():
        with open_outlet(place_from_uri(uri)) as outlet, outlet.reader() as descriptor:
            writer = StreamWriter(descriptor, header)
            for number in (0, 1, 3):
                writer.line(np.full((6, 8), number, np.uint16), number, damaged=number == 1)
            writer.end(4)

    thread = threading.Thread(target=send)
    thread.start()
    options = SourceOptions(wavelengths_nm=table, mosaic="3x4", quantity="reflectance", scale=1.0)
    lines, metas = played(StreamCamera(place_from_uri(uri), options))
    thread.join(10)
    assert [meta.sequence for meta in metas] == [0, 1, 2, 3, 6, 7]
    assert [meta.intact for meta in metas] == [True, True, False, False, True, True]
    assert (lines[-1] == 3).all()


def calibration(**fields):
    ones = np.ones((12, 1), np.float32)
    return Calibration(0 * ones, ones, WAVELENGTHS, panel=1.0, **fields)


def test_the_calibration_says_the_pattern():
    options = SourceOptions(calibration=calibration(mosaic=(3, 4), mosaic_order=tuple(PLACES.tolist())))
    layout = layout_of(9, 8, 16, np.dtype("<u2"), options)
    assert layout.mosaic == Mosaic(3, 4, order=tuple(PLACES.tolist()))
    assert (layout.bands, layout.lines, layout.samples) == (12, 3, 2)
    assert mosaic_of(SourceOptions(calibration=calibration(mosaic=(3, 4)))) == Mosaic(3, 4)
    assert mosaic_of(SourceOptions(calibration=calibration())) is None
    with_offset = SourceOptions(calibration=calibration(mosaic=(3, 4)), mosaic="3x4+1+2")
    assert mosaic_of(with_offset) == Mosaic(3, 4, 1, 2)
    assert mosaic_of(SourceOptions(calibration=calibration(mosaic=(3, 4, 1, 2)))) == Mosaic(3, 4, 1, 2)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mosaic": "4"}, ValueError, r"--mosaic must be rows x columns of the pattern, 4x4 or .*, got '4'"),
        ({"mosaic": "0x4"}, ValueError, r"--mosaic must be rows x columns"),
        (
            {"mosaic": "3x4"},
            CameraError,
            r"which band is where in the 3x4 mosaic is not known; give --wavelengths FILE",
        ),
        ({"mosaic": "4x4", "wavelengths_nm": TABLE}, CameraError, r"--wavelengths has 12 bands, the mosaic 16 places"),
        (
            {"mosaic": "2x6", "calibration": calibration(mosaic=(3, 4))},
            CameraError,
            r"--mosaic is 2x6\+0\+0, the calibration is of a pattern of 3x4; leave it out",
        ),
        (
            {"wavelengths_nm": TABLE, "calibration": calibration(mosaic=(3, 4))},
            CameraError,
            r"--wavelengths and the calibration order the mosaic's bands differently; leave out one",
        ),
        (
            {"mosaic": "3x4", "wavelengths_nm": TABLE, "transpose": True},
            ValueError,
            r"--transpose goes with push-broom",
        ),
        (
            {"mosaic": "3x4+9+0", "wavelengths_nm": TABLE},
            CameraError,
            r"frames of 9 rows x 8 columns hold no mosaic of",
        ),
    ],
)
def test_the_way_out_is_said(options, error, message):
    with pytest.raises(error, match=message):
        layout_of(9, 8, 16, np.dtype("<u2"), SourceOptions(**options))
