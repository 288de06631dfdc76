"""Sources whose bands are not the model's: resampling their band means is as good as resampling their samples."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from focus.runtime import Calibration
from focus.runtime._errors import CubeError
from focus.runtime.cameras import place_from_uri
from focus.runtime.cameras._facts import Said, facts_of_camera
from focus.runtime.cameras._outlet import open_outlet
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.cameras._writer import StreamWriter
from focus.runtime.cubes import resample_cube, resampling_matrix
from focus.runtime.engines import OnnxRuntimeEngine, engine_from_path
from focus.runtime.monitor._bands import deviations_a_count
from focus.runtime.outputs import OpenFiles, RecordSink
from focus.runtime.pipeline import FAULTS, Settings, run_pipeline
from focus.runtime.sources import Bands, Replay, SourceOptions, WordFormat, source_from_uri
from support.host_engines import played_gpu
from support.runs import run
from support.scenes import Scripted, cube, reflectance
from support.toy_model import WAVELENGTHS, Toy

#: The camera's bands: more of them than the model has, and between them.
OWN = np.linspace(WAVELENGTHS[0] - 15, WAVELENGTHS[-1] + 15, 31)
MODEL = Bands(WAVELENGTHS, None)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx")


@pytest.fixture(scope="module")
def engine(model):
    return engine_from_path(model, threads=1)


def scene(lines=30, samples=37):
    """Reflectance in the camera's bands, smooth over them as spectra are."""
    matrix = resampling_matrix(np.linspace(OWN[0], OWN[-1], 5), None, OWN, None)
    smooth = np.tensordot(matrix, reflectance(lines, samples, bands=5), axes=1).astype(np.float32)
    return cube(values=smooth, wavelengths_nm=OWN)


def camera(held, sequences=None, damaged=()):
    lines = held.shape[1]
    return fitted(Scripted(held, range(lines) if sequences is None else sequences, damaged))


def fitted(source):
    """To the model's bands."""
    source.facts = MODEL.made_of(source.facts)
    return source


def resampled_before(held):
    """The cube with the model's bands."""
    return cube(values=resample_cube(held, WAVELENGTHS).values)


@pytest.mark.parametrize("source", [camera, lambda held: fitted(Replay(held))], ids=["camera", "recording"])
def test_the_maps_are_those_of_resampled_samples(engine, source):
    held = scene()
    found, summary = run(source(held), engine)
    expected, other = run(Replay(resampled_before(held)), engine)
    for row, reference in zip(found.rows, expected.rows, strict=True):
        np.testing.assert_allclose(row.heatmap, reference.heatmap, rtol=2e-4, atol=1e-5)
        np.testing.assert_allclose(row.scores, reference.scores, rtol=2e-4)
        np.testing.assert_allclose(row.composite, reference.composite, rtol=1e-4)
        np.testing.assert_allclose(row.band_means, reference.band_means, rtol=1e-3, atol=1e-4)
        np.testing.assert_array_equal(row.mask, reference.mask)
    for ours, theirs in zip(found.readings, expected.readings, strict=True):
        assert ours.curve.shape == (12,) and ours.window.faults == theirs.window.faults
    assert (summary.windows, summary.valid_share) == (other.windows, 1.0)


def test_lost_lines_and_samples_that_are_none_keep_their_places(engine):
    held = scene()
    values = held.values.copy()
    values[4:7, 10:20, 5:9] = np.nan
    found, summary = run(camera(replace(held, values=values), [*range(12), *range(15, 30)], damaged=[20]), engine)
    sent = [*range(12), *range(15, 30)]
    expected, other = run(Scripted(resampled_before(replace(held, values=values)), sent, [20]), engine)
    assert summary.counts == other.counts
    for row, reference in zip(found.rows, expected.rows, strict=True):
        # A patch that lacks samples of some bands takes each band's mean from those that it has.
        np.testing.assert_allclose(row.heatmap, reference.heatmap, rtol=0.1)
        np.testing.assert_array_equal(row.mask, reference.mask)


def test_a_stream_with_other_bands_is_resampled_and_recorded_as_it_came(tmp_path, engine):
    held, uri = scene(), f"unix:{tmp_path}/camera"
    counts = np.rint(held.values * 10_000).astype("<u2")
    header = StreamHeader(31, 37, np.dtype("<u2"), OWN, quantity="reflectance", scale=10_000.0)

    def send():
        with open_outlet(place_from_uri(uri)) as outlet, outlet.reader() as descriptor:
            writer = StreamWriter(descriptor, header)
            for number in range(30):
                writer.line(counts[:, number], number)
            writer.end(30)

    thread = threading.Thread(target=send)
    thread.start()
    source = source_from_uri(uri, SourceOptions(resample_to=MODEL))
    assert source.facts.bands == 31 and source.facts.resampling.shape == (12, 31)
    files = OpenFiles(tmp_path)
    summary = run_pipeline(source, engine, [RecordSink(files)], Settings(policy="wait"))
    files.close()
    thread.join(10)
    assert summary.counts.received == 30
    recorded = np.fromfile(tmp_path / "raw.dat", "<u2").reshape(30, 31, 37)
    np.testing.assert_array_equal(recorded, counts.transpose(1, 0, 2))


def test_beside_a_gpu_the_processor_reads_the_lines(model, engine):
    expected, _ = run(camera(scene()), OnnxRuntimeEngine(model, 1))
    with played_gpu() as driver:
        found, summary = run(camera(scene()), engine_from_path(model, 1, backend="onnxruntime-cuda"))
    assert not driver.launched and summary.windows == len(expected.readings)
    for row, reference in zip(found.rows, expected.rows, strict=True):
        np.testing.assert_allclose(row.heatmap, reference.heatmap, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(row.mask, reference.mask)


def test_saturated_samples_are_left_out_before_bands_are_made_of_them(engine):
    held = scene()
    counts = np.rint(held.values * 3000).astype(np.uint16) << 4
    counts[:, 3:9, 10] = 4095 << 4
    source = Replay(replace(held, values=counts, scale=3000.0), words=WordFormat(bits=12, shift=4))
    found, _ = run(fitted(source), engine)
    values = held.values.copy()
    values[:, 3:9, 10] = np.nan
    expected, _ = run(fitted(Replay(replace(held, values=values))), engine)
    for row, reference in zip(found.rows, expected.rows, strict=True):
        np.testing.assert_allclose(row.heatmap, reference.heatmap, rtol=0.02, atol=1e-4)
    saturated, not_finite = FAULTS.index("saturated"), FAULTS.index("not_finite")
    assert found.readings[0].window.faults[saturated] == expected.readings[0].window.faults[not_finite] > 0


def test_bands_that_cannot_be_made_of_the_cameras():
    with pytest.raises(CubeError, match=r"cube cannot be resampled: band 0 \(2000.0 nm\) lies outside the sensor's"):
        Bands(np.array([2000.0, 2100.0]), None).made_of(Replay(scene()).facts)


def test_a_count_moves_resampled_bands_as_it_moves_those_that_they_are_made_of(engine):
    ones = np.ones((31, 1), np.float32)
    rig = Calibration(100 * ones, 0.001 * ones, OWN, panel=1.0)
    said = Said(name="cam", uri="x:", bands=31, samples=4, dtype=np.dtype("<u2"), wavelengths_nm=OWN)
    facts = MODEL.made_of(facts_of_camera(said, SourceOptions(calibration=rig)))
    expected = 0.001 / np.array(engine.bundle.deviation)
    np.testing.assert_allclose(deviations_a_count(engine.bundle, facts), expected, rtol=1e-6)


def test_what_the_model_does_not_look_at_makes_no_answer_and_no_flag(engine):
    """A camera that goes on far beyond the model's bands: only there the right half was measured, and saturated."""
    bands = np.append(OWN, OWN[-1] + 20.0 * np.arange(1, 13))
    far = bands > WAVELENGTHS[-1] + 120
    values = np.concatenate([scene(24, 40).values, np.repeat(scene(24, 40).values[-1:], 12, axis=0)])
    half = values.copy()
    half[~far, :, 20:] = np.nan
    found, summary = run(fitted(Replay(cube(values=half, wavelengths_nm=bands))), engine)
    assert summary.valid_share == 0.5
    for row in found.rows:
        assert not row.mask[:, 20:].any() and row.mask[:, :20].all()
        assert np.isnan(row.heatmap[5:]).all() and np.isfinite(row.heatmap[:5]).all()

    counts = np.rint(values * 3000).astype(np.uint16)
    counts[far] = 4095
    source = Replay(cube(values=counts, wavelengths_nm=bands, scale=3000.0), words=WordFormat(bits=12))
    found, summary = run(fitted(source), engine)
    assert summary.valid_share == 1 and not any(sum(reading.window.faults) for reading in found.readings)


def test_a_fringe_that_makes_no_band_is_no_measurement(engine):
    held = scene(24, 40)
    values = held.values.copy()
    values[:-1, :, 20:] = np.nan  # the last band alone is too little for any band of the model
    found, _ = run(fitted(Replay(replace(held, values=values))), engine)
    for row in found.rows:
        assert not row.mask[:, 20:].any() and np.isnan(row.heatmap[5:]).all()


def test_shares_of_faults_are_of_the_bands_that_are_read(engine):
    """However far a sensor goes on beyond the model."""
    bands = np.append(OWN, OWN[-1] + 20.0 * np.arange(1, 100))
    held = scene(24, 16)
    counts = np.rint(np.concatenate([held.values, np.repeat(held.values[-1:], 99, axis=0)]) * 3000).astype(np.uint16)
    counts[:, ::4, ::4] = 4095
    found = []
    for stop in (len(OWN), len(bands)):
        source = Replay(
            cube(values=counts[:stop], wavelengths_nm=bands[:stop], scale=3000.0), words=WordFormat(bits=12)
        )
        found.append(run(fitted(source), engine)[0].readings[0].window.faults[FAULTS.index("saturated")])
    assert found == pytest.approx([1 / 16, 1 / 16])
