"""Raw recordings: what came is there, byte for byte, and gives the same maps when it is replayed."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest

from focus.runtime import Calibration, CubeError, open_cube
from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import BaseSink, OpenFiles, RecordSink
from focus.runtime.pipeline import Settings, Strip, run_pipeline
from focus.runtime.sources import Bands, FrameMeta, Replay, SourceOptions, WordFormat, read_lines, source_from_uri
from support.runs import run
from support.scenes import Scripted, cube, reflectance
from support.toy_model import WAVELENGTHS, Toy

LINES, SAMPLES, FIRST = 33, 37, 5000
LOST, DAMAGED = (5003, 5004, 5010, 5017), (5006, 5021)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return engine_from_path(Toy().save(tmp_path_factory.mktemp("model") / "toy.onnx"), threads=1)


@pytest.fixture
def rig():
    """12 bits at the upper end of 16, some of them saturated, with references and a band that is left out."""
    real = reflectance(LINES, SAMPLES)
    rng = np.random.default_rng(1)
    dark = rng.uniform(90, 110, (12, SAMPLES)).astype(np.float32)
    white = rng.uniform(3000, 4000, (12, SAMPLES)).astype(np.float32)
    counts = np.rint(real * (white - dark)[:, None] + dark[:, None])
    counts[2, 7:9, 11] = 4095
    calibration = Calibration(dark, 1 / (white - dark), WAVELENGTHS, 0.98, {"by": "test"}, exposure_ms=8.25)
    good = np.arange(12) != 6
    raw = cube(
        values=np.clip(counts, 0, 4095).astype(np.uint16) << 4, quantity="counts", good_bands=good, exposure_ms=8.25
    )
    return raw, calibration


def camera(rig, sequences=None, damaged=DAMAGED):
    raw, calibration = rig
    sent = [number for number in range(FIRST, FIRST + LINES) if number not in LOST] if sequences is None else sequences
    return Scripted(raw, sent, damaged, FIRST, calibration=calibration, words=WordFormat(12, 4))


def recorded(tmp_path, source, engine, **settings):
    """Runs with a recording, and returns the maps."""
    files = OpenFiles(tmp_path)
    maps = Kept()
    summary = run_pipeline(source, engine, [RecordSink(files), maps], Settings(**settings))
    files.close()
    return maps, summary


class Kept(BaseSink):
    def start(self, plan):
        self.rows, self.windows = [], []

    def add_row(self, row):
        self.rows.append(row)

    def add_window(self, reading):
        self.windows.append(reading)


def replayed(tmp_path, engine, **options):
    options = SourceOptions(calibration=Calibration.load(tmp_path / "calibration.focuscal"), **options)
    return run(source_from_uri(f"replay:{tmp_path / 'raw.hdr'}", options), engine)


def test_a_recording_names_the_calibration_that_it_needs(tmp_path, engine, rig):
    recorded(tmp_path, camera(rig), engine)
    assert open_cube(tmp_path / "raw.hdr").quantity == "counts"
    beside, cube = tmp_path / "calibration.focuscal", f"replay:{tmp_path / 'raw.hdr'}"
    with pytest.raises(CubeError, match=f"raw counts; give --calibration {beside}, with which it was recorded"):
        source_from_uri(cube)
    beside.unlink()
    with pytest.raises(CubeError, match=r"give --calibration FILE \(made with focus-calib reference\)"):
        source_from_uri(cube)


def test_replaying_a_recording_gives_the_same_maps_bit_for_bit(tmp_path, engine, rig):
    maps, summary = recorded(tmp_path, camera(rig), engine)
    found, again = replayed(tmp_path, engine)
    assert again.counts == summary.counts and again.valid_share == summary.valid_share
    assert len(found.rows) == len(maps.rows) == 9
    for ours, theirs in zip(found.rows, maps.rows, strict=True):
        for name in ("heatmap", "scores", "composite", "mask", "band_means"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for ours, theirs in zip(found.readings, maps.windows, strict=True):
        assert ours.window.times == theirs.window.times and ours.window.faults == theirs.window.faults
        assert ours.window.first_sequence == theirs.window.first_sequence
    assert any(reading.window.faults[0] > 0 for reading in maps.windows)  # saturation came through


def test_a_recording_holds_what_came_and_zeros_in_place_of_what_did_not(tmp_path, engine, rig):
    recorded(tmp_path, camera(rig), engine)
    held, raw = open_cube(tmp_path / "raw.hdr"), rig[0]
    gone = np.isin(np.arange(FIRST, FIRST + LINES), [*LOST, *DAMAGED])
    assert held.values.dtype == np.uint16
    np.testing.assert_array_equal(held.values[:, ~gone], raw.values[:, ~gone])
    assert not held.values[:, gone].any()
    np.testing.assert_array_equal(held.wavelengths_nm, WAVELENGTHS)
    np.testing.assert_array_equal(held.good_bands, raw.good_bands)
    assert (tmp_path / "raw.dat").stat().st_size == LINES * 12 * SAMPLES * 2
    with (tmp_path / "raw.lines.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [int(row["line"]) for row in table] == list(range(LINES))
    assert [int(row["sequence"]) for row in table] == list(range(FIRST, FIRST + LINES))
    states = {5003: "missing", 5004: "missing", 5010: "missing", 5017: "missing", 5006: "rejected", 5021: "rejected"}
    assert [row["state"] for row in table] == [states.get(FIRST + line, "received") for line in range(LINES)]
    row = table[8]
    assert (row["camera_ns"], row["monotonic_ns"], row["utc_ns"]) == ("5008000", "5008", str(10**18 + 5008 * 10**6))
    assert (table[3]["camera_ns"], table[3]["utc_ns"]) == ("", "")


def test_lines_that_are_lost_at_the_end_are_lost_again(tmp_path, engine, rig):
    class Ends(type(camera(rig))):
        def start(self, get_buffer):
            yield from super().start(get_buffer)
            yield FrameMeta(FIRST + LINES + 5, None, 0, 0, intact=False, ends=True)

    source = camera(rig)
    source.__class__ = Ends
    maps, summary = recorded(tmp_path, source, engine)
    assert summary.counts.lines == LINES + 5 and summary.counts.missing == len(LOST) + 5
    found, again = replayed(tmp_path, engine)
    assert again.counts == summary.counts and len(found.rows) == len(maps.rows)
    for ours, theirs in zip(found.rows, maps.rows, strict=True):
        np.testing.assert_array_equal(ours.heatmap, theirs.heatmap)


def test_snapshot_cubes_are_cubes_again(tmp_path, engine, rig):
    source = camera(rig)
    source.facts = replace(source.facts, cube_lines=10)
    maps, summary = recorded(tmp_path, source, engine)
    found, again = replayed(tmp_path, engine)
    assert again.counts == summary.counts and {row.snapshot for row in found.rows} == {0, 1, 2, 3}
    for ours, theirs in zip(found.rows, maps.rows, strict=True):
        np.testing.assert_array_equal(ours.heatmap, theirs.heatmap)
        assert ours.snapshot == theirs.snapshot


def test_reflectance_is_recorded_with_its_scale(tmp_path, engine):
    scene = cube(values=np.rint(reflectance(20, 21) * 10000).astype(np.int16), scale=10000.0)
    maps, _ = recorded(tmp_path, Replay(scene), engine)
    found, _ = run(source_from_uri(f"replay:{tmp_path / 'raw.hdr'}"), engine)
    for ours, theirs in zip(found.rows, maps.rows, strict=True):
        np.testing.assert_array_equal(ours.heatmap, theirs.heatmap)
    assert not (tmp_path / "calibration.focuscal").exists()


def test_lines_that_were_given_up_are_zeros_with_their_times(tmp_path, engine, rig):
    source = camera(rig, range(FIRST, FIRST + LINES), ())
    sink = RecordSink(OpenFiles(tmp_path))

    class GivesUp(BaseSink):
        """Hands on the strips as the policy ``live`` does when it gives up the second and the last."""

        def start(self, plan):
            sink.start(plan)

        def add_strip(self, strip: Strip):
            given_up = strip.row in (1, 8)
            sink.add_strip(replace(strip, arrived=np.zeros_like(strip.arrived)) if given_up else strip)

        def finish(self, summary):
            sink.finish(summary)

    run_pipeline(source, engine, [GivesUp()])
    table = list(read_lines(tmp_path / "raw.lines.csv"))
    assert [row.line for row in table if row.state == "dropped"] == [4, 5, 6, 7, 32]
    assert table[5].utc_ns == 10**18 + 5005 * 10**6
    values = open_cube(tmp_path / "raw.hdr").values
    assert not values[:, 4:8].any() and values[:, 8].any()
    _, summary = replayed(tmp_path, engine)
    assert (summary.lines, summary.counts.rejected, summary.counts.missing) == (LINES, 5, 0)


def test_a_looped_recording_goes_on_counting(tmp_path, engine, rig):
    recorded(tmp_path, camera(rig), engine)
    options = SourceOptions(calibration=rig[1])
    source = source_from_uri(f"replay:{tmp_path / 'raw.hdr'},loop=1", options)
    line = np.zeros((12, SAMPLES), np.uint16)
    metas = source.start(lambda: line)
    sent = [next(metas).sequence for _ in range(2 * (LINES - len(LOST)))]
    once = [number for number in range(FIRST, FIRST + LINES) if number not in LOST]
    assert sent == [*once, *(number + LINES for number in once)]


def test_a_torn_row_of_the_table_is_left_out(tmp_path):
    table = tmp_path / "raw.lines.csv"
    head = "line,sequence,state,camera_ns,monotonic_ns,utc_ns\n"
    table.write_text(head + "0,7,received,,1,2\n1,8,mis")
    assert [(row.line, row.sequence, row.camera_ns, row.utc_ns) for row in read_lines(table)] == [(0, 7, None, 2)]
    table.write_text(head + "0,7,lost,,1,2\n")
    with pytest.raises(CubeError, match=r"raw\.lines\.csv has a row that is none: '0,7,lost,,1,2'; copy it again"):
        list(read_lines(table))
    table.write_text("a,b\n")
    with pytest.raises(CubeError, match="its columns must be line,sequence,state,camera_ns,monotonic_ns,utc_ns"):
        list(read_lines(table))
    with pytest.raises(CubeError, match=r"cannot read .*gone\.lines\.csv: No such file"):
        list(read_lines(tmp_path / "gone.lines.csv"))


def test_samples_of_the_other_byte_order_are_recorded_as_the_header_says(tmp_path, engine):
    counts = np.rint(1000 * reflectance(LINES, SAMPLES)).astype(">u2")
    recorded(tmp_path, Replay(cube(values=counts, scale=1000.0)), engine)
    again = open_cube(tmp_path / "raw.hdr")
    assert np.array_equal(again.values, counts)


def test_a_recording_that_is_resampled_is_recorded_as_it_lies(tmp_path, engine, rig):
    raw, calibration = rig
    bands = Bands(WAVELENGTHS, np.full(12, 40.0))
    raw = replace(raw, fwhm_nm=np.full(12, 30.0), good_bands=np.ones(12, bool))
    source = Replay(raw, calibration=calibration, words=WordFormat(12, 4))
    source.facts = bands.made_of(source.facts)
    maps, _ = recorded(tmp_path, source, engine)
    np.testing.assert_array_equal(open_cube(tmp_path / "raw.hdr").values, raw.values)
    found, _ = replayed(tmp_path, engine, resample_to=bands)
    for row, other in zip(maps.rows, found.rows, strict=True):
        np.testing.assert_array_equal(row.heatmap, other.heatmap)


def test_a_table_that_ends_early_is_no_end_of_the_recording(tmp_path, engine, rig):
    recorded(tmp_path, camera(rig), engine)
    table = tmp_path / "raw.lines.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:21]))
    with pytest.raises(CubeError, match=r"raw.lines.csv knows 20 of the 33 lines of raw.dat; copy both again"):
        replayed(tmp_path, engine)
