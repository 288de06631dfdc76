"""Recordings that are played as fast as they were recorded; the clock is the test's."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from focus.runtime import CubeError
from focus.runtime.sources import LINE_COLUMNS, Pace, Replay, SourceOptions, source_from_uri
from support.scenes import cube
from support.toy_model import WAVELENGTHS


@pytest.fixture
def clock(monkeypatch):
    """A clock that only waiting moves."""
    held = SimpleNamespace(now=100.0)

    def sleep(seconds):
        held.now += seconds

    fake = SimpleNamespace(monotonic=lambda: held.now, sleep=sleep)
    monkeypatch.setattr("focus.runtime.sources._pace.time", fake)
    return held


def recording(folder, lines, fields=(), table=None):
    """An ENVI file in the toy model's bands, with a table of lines."""
    header = {"wavelength units": "Nanometers", "wavelength": [repr(float(band)) for band in WAVELENGTHS]}
    header |= {"reflectance scale factor": "1000", **dict(fields)}
    text = "\n".join(
        f"{key} = {{{', '.join(v)}}}" if isinstance(v, list) else f"{key} = {v}" for key, v in header.items()
    )
    (folder / "raw.hdr").write_text(
        f"ENVI\nsamples = 5\nlines = {lines}\nbands = 12\ndata type = 12\ninterleave = bil\nbyte order = 0\n{text}\n"
    )
    np.arange(lines * 12 * 5, dtype="<u2").tofile(folder / "raw.dat")
    if table is not None:
        rows = [",".join(LINE_COLUMNS), *(",".join(map(str, row)) for row in table)]
        (folder / "raw.lines.csv").write_text("\n".join(rows) + "\n")
    return folder / "raw.hdr"


def played(source, clock, count=None):
    """Sequence numbers, and when each line came."""
    line = np.zeros((source.facts.bands, source.facts.samples), source.facts.dtype)
    start = clock.now
    return [
        (meta.sequence, round(clock.now - start, 6)) for meta in itertools.islice(source.start(lambda: line), count)
    ]


def test_the_table_of_lines_says_when_each_came(tmp_path, clock):
    arrived = [7_000, 7_010, None, 7_035, 7_040]
    table = [
        (line, 20 + line, "received" if ms else "missing", "", "" if ms is None else ms * 10**6, "")
        for line, ms in enumerate(arrived)
    ]
    path = recording(tmp_path, 5, table=table)
    source = source_from_uri(f"replay:{path},rate=recorded")
    assert played(source, clock) == [(20, 0.0), (21, 0.01), (23, 0.035), (24, 0.04)]
    looped = source_from_uri(f"replay:{path},rate=recorded,loop=1")
    # From the last line to the first one of the next round goes as long as between the last two.
    assert played(looped, clock, 6)[4:] == [(25, 0.045), (26, 0.055)]


@pytest.mark.parametrize("field", ["fps", "framerate", "frame rate"])
def test_else_the_header_says_the_rate(tmp_path, clock, field):
    path = recording(tmp_path, 3, {field: "50.0"})
    assert played(source_from_uri(f"replay:{path},rate=recorded"), clock) == [(0, 0.0), (1, 0.02), (2, 0.04)]
    assert played(source_from_uri(f"replay:{path}"), clock) == [(0, 0.0), (1, 0.0), (2, 0.0)]
    assert played(source_from_uri(f"replay:{path},rate=200"), clock) == [(0, 0.0), (1, 0.005), (2, 0.01)]


def test_a_reader_that_is_late_does_not_shift_what_follows(tmp_path, clock):
    path = recording(tmp_path, 4, {"fps": "100"})
    line, times = np.zeros((12, 5), np.uint16), []
    for meta in source_from_uri(f"replay:{path},rate=recorded").start(lambda: line):
        times.append(round(clock.now - 100, 6))
        clock.now += 0.015 if meta.sequence == 1 else 0
    assert times == [0.0, 0.01, 0.025, 0.03]


def test_a_recording_that_does_not_say_it_is_refused_at_once(tmp_path):
    with pytest.raises(CubeError, match=r"raw.hdr|raw.dat does not say how fast it was recorded: .*; give rate=LINES"):
        source_from_uri(f"replay:{recording(tmp_path, 3)},rate=recorded")
    with pytest.raises(CubeError, match=r"'fps' must be lines per second, got 'fast'; give rate=330"):
        source_from_uri(f"replay:{recording(tmp_path, 3, {'fps': 'fast'})},rate=recorded")


def test_snapshot_cubes_that_are_played_again_begin_at_a_multiple_of_their_lines(clock):
    held = cube(7, 5)
    held = replace(held, provenance=replace(held.provenance, fields={"cube lines": "3"}))

    source = Replay(held, pace=Pace(loop=True))
    assert [number for number, _ in played(source, clock, 9)] == [0, 1, 2, 3, 4, 5, 6, 9, 10]


@pytest.mark.parametrize("field", ["bit depth", "bit shift", "cube lines"])
def test_a_field_of_a_header_that_is_no_number_is_named(tmp_path, field):
    header = recording(tmp_path, 3, {field: "12 bit"})
    with pytest.raises(CubeError, match=f"'{field}' must be a whole number, got '12 bit'; correct the header"):
        source_from_uri(f"replay:{header}", SourceOptions(quantity="counts", raw=True))
