"""Replay and simulation behind one contract."""

from __future__ import annotations

import time

import numpy as np
import pytest

from focus.runtime import Calibration, CubeError
from focus.runtime.cubes import write_npz
from focus.runtime.sources import Replay, Sim, SimOptions, SourceOptions, source_from_uri
from support.scenes import cube, reflectance
from support.toy_model import WAVELENGTHS


def played(source):
    """All lines, [C, lines, S], through a buffer with strides of its own, and their metas."""
    facts = source.facts
    store = np.zeros((facts.samples, facts.bands), facts.dtype)
    lines, metas = [], []
    for meta in source.start(lambda: store.T):
        lines.append(store.T.copy())
        metas.append(meta)
    return np.stack(lines, axis=1), metas


def test_replay_sends_every_line_once_in_order():
    scene = cube(37, 9)
    lines, metas = played(Replay(scene))
    np.testing.assert_array_equal(lines, scene.values)
    assert [meta.sequence for meta in metas] == list(range(37))
    assert all(meta.intact and meta.camera_ns is None for meta in metas)
    times = [(meta.monotonic_ns, meta.utc_ns) for meta in metas]
    assert times == sorted(times) and times[0][1] > 1.6e18


def test_replay_keeps_the_stored_type_where_nothing_is_masked():
    values = np.arange(12 * 5 * 4).reshape(12, 5, 4).astype(np.uint16)
    source = Replay(cube(values=values, scale=1000.0))
    assert source.facts.dtype == np.uint16
    np.testing.assert_array_equal(played(source)[0], values)
    np.testing.assert_allclose((source.facts.dark, source.facts.gain), ([[0.0]] * 12, [[0.001]] * 12))


def test_replay_sends_nan_for_what_is_no_measurement():
    values = np.full((12, 20, 4), 7, np.uint16)
    values[2, 18, 1] = 65535
    quality = np.ones((20, 4), bool)
    quality[3, 2] = False
    lines, _ = played(Replay(cube(values=values, ignore_value=65535, quality=quality)))
    expected = values.astype(np.float32)
    expected[2, 18, 1] = np.nan
    expected[:, 3, 2] = np.nan
    np.testing.assert_array_equal(lines, expected)


def test_the_quantity_is_never_guessed():
    with pytest.raises(
        CubeError, match=r"cube does not say whether it holds counts or reflectance; give --calibration"
    ):
        Replay(cube(quantity=None))
    with pytest.raises(CubeError, match=r"cube holds raw counts; give --calibration FILE .* or --quantity reflectance"):
        Replay(cube(quantity="counts"))


def calibration(samples=9, bands=WAVELENGTHS, gain=0.001):
    shape = (len(bands), samples)
    rng = np.random.default_rng(3)
    return Calibration(
        rng.uniform(90, 110, shape).astype(np.float32), np.full(shape, gain, np.float32), np.array(bands), panel=0.99
    )


def test_a_calibration_goes_with_the_facts():
    given = calibration()
    facts = Replay(cube(6, 9, quantity="counts"), calibration=given).facts
    assert facts.calibration is given
    np.testing.assert_array_equal(facts.dark, given.dark)
    np.testing.assert_array_equal(facts.gain, given.gain)
    with pytest.raises(CubeError, match="cube holds reflectance already; leave out the calibration"):
        Replay(cube(6, 9), calibration=given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (calibration(samples=8), "bands x 8 samples, cube has 12 bands x 9 samples"),
        (calibration(bands=WAVELENGTHS[1:]), "the calibration has 11 bands x 9 samples, cube has 12"),
        (calibration(bands=WAVELENGTHS + 2.0), "the calibration has band 0 at 452 nm, cube at 450 nm"),
    ],
)
def test_another_rigs_calibration_is_refused(given, message):
    with pytest.raises(CubeError, match=message):
        Replay(cube(6, 9, quantity="counts"), calibration=given)


def test_replay_at_a_rate_and_in_a_loop(tmp_path):
    path = tmp_path / "a,b.npz"
    write_npz(cube(6, 5), path)
    source = source_from_uri(f"replay:{path},rate=400,loop=1")
    assert source.facts.lines is None and source.facts.file == path
    store = np.zeros((12, 5), source.facts.dtype)
    start = time.monotonic()
    metas = []
    for meta in source.start(lambda: store):
        np.testing.assert_array_equal(store, cube(6, 5).values[:, meta.sequence % 6])
        metas.append(meta)
        if meta.sequence == 39:
            break
    assert [meta.sequence for meta in metas] == list(range(40))
    assert 39 / 400 <= time.monotonic() - start < 0.5


def test_options_of_cameras_do_not_go_with_files(tmp_path):
    write_npz(cube(6, 5), tmp_path / "leaf.npz")
    with pytest.raises(ValueError, match="replay: has no camera; leave out --set"):
        source_from_uri(f"replay:{tmp_path}/leaf.npz", SourceOptions(features=["Width=3"]))


def test_simulation_is_deterministic_and_brings_its_references():
    options = SimOptions(leaves=1, samples=40, leaf=40, seed=4)
    lines, _ = played(Sim(options))
    again, _ = played(Sim(options))
    np.testing.assert_array_equal(lines, again)
    facts, truth = Sim(options).facts, Sim(options).truth
    assert facts.dtype == np.uint16 and lines.shape == (204, facts.lines, 40)
    real = (lines - facts.dark[:, None]) * facts.gain[:, None]
    assert -0.1 < real.mean() < 1.0
    assert truth.lesion_class.shape == truth.leaf_class.shape == (facts.lines, 40)
    leaves = truth.leaf_class >= 0
    assert 0.05 < leaves.mean() < 0.95
    red_edge = real[170].astype(float) / np.maximum(real[90], 0.01)
    assert np.median(red_edge[leaves]) > 1.5 * np.median(red_edge[~leaves])


def test_simulation_loses_the_share_of_lines_that_was_asked_for():
    lines, metas = played(Sim(SimOptions(leaves=2, samples=40, leaf=40, seed=4, lost=0.3)))
    whole, _ = played(Sim(SimOptions(leaves=2, samples=40, leaf=40, seed=4)))
    sequences = [meta.sequence for meta in metas]
    assert 0.5 * whole.shape[1] < len(sequences) < 0.9 * whole.shape[1]
    np.testing.assert_array_equal(lines, whole[:, sequences])


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sim:leafs=2", "sim: has no option 'leafs'; it has leaves, samples, leaf, seed, sensor, lost, classes"),
        ("sim:leaves=two", "sim: leaves must be a whole number, got 'two'"),
        ("sim:lost=many", "sim: lost must be a number, got 'many'"),
        ("sim:lost=1", "sim: lost is a share of the lines"),
        ("sim:sensor=eye", "sim: sensor must be one of vnir-204, full-range-64, got 'eye'"),
        ("sim:classes=9", "sim: classes must be 0 to 4, got 9"),
        ("sim:seed=-1", "sim: seed must be 0 or more"),
        ("sim:samples=8", "samples >= leaf_px"),
        ("replay:", "replay: needs a file"),
        (
            "replay:leaf.hdr,rate=fast",
            "cannot be read from 'leaf.hdr,rate=fast': rate must be lines per second, or recorded, got 'fast'",
        ),
        ("replay:leaf.hdr,loop=yes", "loop must be 0 or 1, got 'yes'"),
        ("replay:leaf.hdr,fps=3", "replay: has no option 'fps'; it takes rate=LINES_PER_SECOND.recorded and loop=1"),
        ("replay:leaf.hdr,rate=3,fps=3", "replay: has no option 'fps'"),
        ("replay:leaf.hdr,rate=-1,loop=1", "rate must be lines per second, 0 .* or more, got -1"),
        ("/dev/no-such-camera", "cannot read /dev/no-such-camera: No such file or directory; plug the camera in"),
        ("/dev/null", "/dev/null is no video device, FIFO or Unix socket; see focus-run cameras"),
        ("ftp:leaf.hdr", "unknown source 'ftp:leaf.hdr'; --camera takes a V4L2 device .*, replay:FILE and sim:"),
        ("leaf.hdr", "unknown source 'leaf.hdr'"),
    ],
)
def test_refused_uris(uri, message):
    with pytest.raises(ValueError, match=message):
        source_from_uri(uri)


def test_a_file_may_be_named_like_an_option(tmp_path):
    write_npz(cube(5, 6), tmp_path / "leaf,v=2.npz")
    assert source_from_uri(f"replay:{tmp_path}/leaf,v=2.npz,rate=300").facts.name == "leaf,v=2.npz"


def test_options_go_to_the_cube(tmp_path):
    path = tmp_path / "leaf.npy"
    np.save(path, (reflectance(5, 6) * 100).astype(np.float32).transpose(1, 2, 0))
    options = SourceOptions(axes="hwc", wavelengths_nm=WAVELENGTHS, quantity="reflectance", scale=100.0)
    source = source_from_uri(f"replay:{path}", options)
    np.testing.assert_allclose(played(source)[0], reflectance(5, 6) * 100, rtol=1e-6)
    np.testing.assert_allclose(source.facts.gain, 0.01)
    assert source.facts.file == path and source.facts.name == "leaf.npy"
    with pytest.raises(ValueError, match="--scale goes with --quantity reflectance"):
        source_from_uri(f"replay:{path}", SourceOptions(axes="hwc", wavelengths_nm=WAVELENGTHS, scale=100.0))
    with pytest.raises(ValueError, match="sim: brings its own wavelengths and calibration; leave out --axes"):
        source_from_uri("sim:", options)


def test_wavelengths_of_a_header_are_all_that_is_taken_from_it(tmp_path):
    """Not what it says of its own samples."""
    from focus.runtime.cubes import open_cube

    bands = ", ".join(map(str, WAVELENGTHS))
    (tmp_path / "other.hdr").write_text(
        "ENVI\nsamples = 4\nlines = 20\nbands = 12\ndata type = 12\ninterleave = bsq\nbyte order = 0\n"
        f"wavelength units = Nanometers\nreflectance scale factor = 10000\ntint = 4\nwavelength = {{{bands}}}\n"
    )
    np.save(tmp_path / "x.npy", np.ones((12, 20, 4), np.uint16))
    found = open_cube(tmp_path / "x.npy", axes="chw", wavelengths_nm=str(tmp_path / "other.hdr"))
    np.testing.assert_allclose(found.wavelengths_nm, WAVELENGTHS)
    assert (found.quantity, found.scale, found.exposure_ms) == (None, 1.0, None)


def test_integers_are_no_reflectance_without_a_scale(tmp_path):
    write_npz(cube(values=np.full((12, 20, 4), 700, np.uint16), quantity=None), tmp_path / "counts.npz")
    write_npz(cube(values=np.full((12, 20, 4), 0.7, np.float32), quantity=None), tmp_path / "shares.npz")
    with pytest.raises(ValueError, match=r"counts.npz holds integers: give --scale S, too"):
        source_from_uri(f"replay:{tmp_path / 'counts.npz'}", SourceOptions(quantity="reflectance"))
    for name, options in (("counts", {"scale": 1000.0}), ("shares", {})):
        source = source_from_uri(f"replay:{tmp_path / name}.npz", SourceOptions(quantity="reflectance", **options))
        lines, _ = played(source)
        np.testing.assert_allclose(lines * source.facts.gain[0], 0.7, rtol=1e-6)


def test_what_a_file_says_is_not_overruled_and_what_was_meant_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_npz(cube(values=np.full((12, 20, 4), 700, np.uint16), quantity="counts"), tmp_path / "leaf.npz")
    with pytest.raises(
        ValueError, match=r"leaf.npz says that it holds raw counts, not reflectance; give --calibration"
    ):
        source_from_uri(f"replay:{tmp_path / 'leaf.npz'}", SourceOptions(quantity="reflectance", scale=1000.0))
    with pytest.raises(ValueError, match=r"did you mean --camera replay:leaf.npz\?"):
        source_from_uri("leaf.npz")
    with pytest.raises(ValueError, match=r"did you mean --camera sim:\?"):
        source_from_uri("sim")
