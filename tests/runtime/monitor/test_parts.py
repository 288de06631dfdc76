"""Running means, hysteresis, limits, and bands in words."""

from __future__ import annotations

import numpy as np
import pytest

from focus.runtime._bundle import Range, Seen
from focus.runtime.monitor import FLAGS, Flag, Raised, warnings_of
from focus.runtime.monitor._bands import SpectraWatch, correlation, exceeded_by_a_tenth
from focus.runtime.monitor._limits import Limits, Span
from focus.runtime.monitor._ranges import ranges_nm
from focus.runtime.monitor._running import Latch, Running
from focus.runtime.sources import Replay
from support.scenes import cube
from support.toy_model import Toy


def test_a_running_mean_begins_with_the_first_value_and_forgets_slowly():
    running = Running(memory=5.0)
    assert running.add(2.0) == 2.0
    assert running.add(4.0) == pytest.approx((0.8 * 2.0 + 4.0) / 1.8)
    for _ in range(100):
        last = running.add(1.0)
    assert last == pytest.approx(1.0, abs=1e-6)
    arrays = Running(memory=2.0)
    arrays.add(np.array([0.0, 1.0]))
    np.testing.assert_allclose(arrays.add(np.array([1.0, 1.0])), [2 / 3, 1.0])


def test_a_latch_does_not_flicker():
    latch = Latch()
    assert [latch.update(x) for x in (0.9, 1.1, 0.9, 1.05, 0.7, 0.5, 0.9, 1.2)] == [
        False, True, True, True, True, False, False, True,
    ]  # fmt: skip
    assert Latch().update(float("nan")) is False


def test_spans_widen_what_was_seen_on_both_sides():
    wide = Span.around(Range(low=0.2, high=0.7))
    assert wide.excess(0.2) == wide.excess(0.7) == 0.0
    assert wide.excess(0.75) == pytest.approx(1.0) and wide.excess(0.15) == pytest.approx(1.0)
    assert wide.limit(0.8) == wide.limit(0.5) == pytest.approx(0.75) and wide.limit(0.1) == pytest.approx(0.15)
    assert Span.around(Range(low=0.1, high=0.1)).limit(1.0) == pytest.approx(0.15)
    fixed = Span.up_to(0.5)
    assert fixed.excess(0.5) == pytest.approx(1.0) and fixed.excess(-100.0) == 0.0


def test_limits_come_from_training_or_else_are_fixed():
    old = Limits.of_bundle(Toy(mean=0.4, deviation=0.1).bundle())
    assert not old.of_training
    assert (old.sink_mass.limit(1.0), old.collapse.limit(1.0)) == (0.5, 0.9)
    np.testing.assert_allclose(old.band_low, -4.0)
    np.testing.assert_allclose(old.band_high, 6.0)
    usual = Range(low=0.1, high=0.2)
    seen = Seen(windows=9, sink_mass=usual, collapse=usual, band_low=(-1.0,) * 12, band_high=(2.5,) * 12)
    new = Limits.of_bundle(Toy(seen=seen).bundle())
    assert new.of_training and new.collapse.limit(1.0) == pytest.approx(0.25)
    np.testing.assert_allclose(new.band_high, 2.5)


def test_bands_in_words():
    wavelengths = np.arange(400.0, 500.0, 10.0)
    chosen = np.zeros(10, bool)
    chosen[[0, 1, 2, 5]] = True
    assert ranges_nm(wavelengths, chosen) == "400-420, 450 nm"
    chosen[7] = True
    assert ranges_nm(wavelengths, chosen, most=2) == "400-420, 450 nm and another"
    assert ranges_nm(wavelengths, chosen, most=1) == "400-420 nm and 2 other ranges"
    assert ranges_nm(wavelengths, np.ones(10, bool)) == "400-490 nm"


def test_correlation_and_the_highest_tenth():
    ramp = np.arange(5.0)
    assert correlation(ramp, 3 * ramp + 1) == pytest.approx(1.0)
    assert correlation(ramp, ramp[::-1]) == pytest.approx(-1.0)
    assert correlation(ramp, np.ones(5)) == 0.0
    assert exceeded_by_a_tenth(np.arange(20.0)) == 18.0
    assert exceeded_by_a_tenth(np.array([0.0, 0.3, 0.1])) == pytest.approx(0.3)


def test_one_line_a_flag_at_the_end():
    worst = Flag("collapse", 0.9, 0.8, "too much")
    raised = Raised(3, 2, 6, 1.5, worst).to_json()
    one, other = {"windows": 12, "flags": {"collapse": raised}}, {"windows": 8, "flags": {}}
    assert warnings_of([one]) == ["collapse in 3 of 12 windows (2 to 6): too much"]
    assert warnings_of([other, one, {}, one]) == ["collapse in 6 of 32 windows (2 of 4 segments): too much"]
    assert warnings_of([other]) == [] == warnings_of([{}]) and len(set(FLAGS)) == len(FLAGS)


def test_a_spectrum_that_is_like_training_neither_way_is_not_called_backwards():
    ramp, bump = np.linspace(0.2, 0.6, 12), np.array([6, 5, 5, 4, 3, 2, 3, 3, 4, 5, 4, 4]) / 10
    bundle = Toy(mean=ramp).bundle()
    source = Replay(cube(12, 16)).facts

    def backwards(reflectance):
        standardised = ((reflectance - ramp) / 0.1).astype(np.float32)
        return SpectraWatch(bundle, Limits.of_bundle(bundle), source, 1.0).add(standardised[None], 1.0).backwards

    assert backwards(ramp[::-1]) == pytest.approx(2.0)
    assert backwards(ramp) == 0.0
    assert correlation(bump[::-1], ramp) > correlation(bump, ramp) and backwards(bump) == 0.0
