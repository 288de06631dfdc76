"""A reference read line by line says what NumPy says of all lines at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from focus.calib import measure
from focus.runtime import CubeError
from focus.runtime.cubes import Cube
from focus.runtime.sources import FrameMeta, Pace, Replay
from support.rigs import measured

NM = np.array([500.0, 600.0])


def cube(values, **fields) -> Cube:
    return Cube(**{"values": values, "wavelengths_nm": NM, "quantity": "counts", **fields})


@given(arrays(np.uint16, st.tuples(st.just(2), st.integers(2, 9), st.integers(1, 4)), elements=st.integers(0, 65535)))
def test_running_sums_are_those_of_all_lines(values):
    found, wide = measured(cube(values)), values.astype(float)
    np.testing.assert_allclose(found.mean, wide.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.deviation, wide.std(axis=1, ddof=1), atol=1e-2)
    np.testing.assert_allclose(found.jitter**2, (np.diff(wide, axis=1) ** 2).mean(axis=1) / 2)
    np.testing.assert_array_equal(found.lowest, values.min(axis=1))
    np.testing.assert_array_equal(found.highest, values.max(axis=1))
    np.testing.assert_allclose(found.level, wide.mean(axis=(0, 2)))
    assert found.lines == values.shape[1] and (found.measured == found.lines).all()


def test_counts_are_without_unused_bits_and_the_highest_is_saturated():
    values = np.full((2, 3, 4), 1000, np.uint16)
    values[1, 1, 2] = 4095
    found = measured(cube(values << 4), bits=12, shift=4)
    assert found.mean[0, 0] == 1000
    assert np.argwhere(found.saturated).tolist() == [[1, 2]]
    assert not measured(cube(values)).saturated.any()


def test_what_is_no_measurement_is_left_out():
    values = np.full((2, 3, 4), 100, np.uint16)
    values[0, 1, 1] = 0
    values[1, :, 3] = 0
    found = measured(cube(values, ignore_value=0))
    assert found.measured[0, 1] == 2 and found.mean[0, 1] == 100 and found.deviation[0, 1] == 0
    assert np.isnan(found.jitter[0, 1])  # no two of its lines are neighbours
    assert found.measured[1, 3] == 0 and np.isnan(found.mean[1, 3])
    np.testing.assert_allclose(found.level, 100)


def test_damaged_lines_and_lines_beyond_those_asked_for_are_left_out():
    class Camera:
        truth = None
        facts = Replay(cube(np.zeros((2, 1, 4), np.uint16)), raw=True).facts
        let_go = False

        def start(self, get_buffer):
            for number in range(100):
                get_buffer()[...] = 7 if number == 1 else 3
                yield FrameMeta(number, None, number, number, number != 1)

        def close(self):
            self.let_go = True

    camera, seen = Camera(), []
    found = measure(camera, 5, seen.append)
    assert (found.lines, found.mean[0, 0], seen, camera.let_go) == (5, 3.0, [1, 2, 3, 4, 5], True)


def test_an_endless_source_needs_a_number_of_lines():
    source = Replay(cube(np.zeros((2, 1, 4), np.uint16)), raw=True, pace=Pace(loop=True))
    with pytest.raises(ValueError, match="sends lines without end; say how many to take with --lines N"):
        measure(source)


def test_reflectance_is_no_reference():
    with pytest.raises(CubeError, match="cube holds reflectance, a reference must hold raw counts"):
        measured(cube(np.zeros((2, 1, 4), np.uint16), quantity="reflectance"))


def test_a_snapshot_cube_is_one_look():
    """The lines of a cube are different places, of which some are darker; only cubes tell what changes in time."""
    places = np.array([1000, 500, 200])
    values = np.stack([np.full((2, 4), place + cube) for cube in range(5) for place in places], axis=1)
    scene = cube(values.astype(np.uint16))
    source = Replay(scene, raw=True)
    source.facts = replace(source.facts, cube_lines=3)
    found = measure(source)
    assert (found.lines, found.lowest[0, 0], found.highest[0, 0]) == (5, 200, 1004)
    np.testing.assert_allclose(found.level, places.mean() + np.arange(5))
    np.testing.assert_allclose(found.deviation, np.arange(5).std(ddof=1))
    source = Replay(scene, raw=True)
    source.facts = replace(source.facts, cube_lines=3)
    assert measure(source, 2).lines == 2
