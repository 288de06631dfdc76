"""References that move, drift or are saturated are refused, and steady ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from focus.calib import ReferenceOptions, calibration_from_references
from focus.runtime import CubeError
from focus.runtime.cubes import open_cube
from support.rigs import Detector, measured
from support.shared import shared_file

LINES = 60
DETECTOR = Detector(3)
DARK = DETECTOR.reference(0.0, 10.0)


def require_refused(white, dark, message):
    with pytest.raises(CubeError, match=message + r".*or take it as it is with --accept-faulty"):
        calibration_from_references(white, [dark])
    assert calibration_from_references(white, [dark], ReferenceOptions(accept_faulty=True)).origin["accept_faulty"]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("lines", [8, 100])
def test_noise_alone_is_no_movement(seed, lines):
    detector = Detector(seed)
    texture = 0.9 + 0.02 * np.sin(np.arange(lines) / 3)[:, None]  # a panel with some structure, that moves
    for panel in (0.95, 0.1, texture):
        white, dark = detector.reference(panel, 10.0, lines), detector.reference(0.0, 10.0, lines)
        assert calibration_from_references(white, [dark]).invalid < 10


def test_a_lamp_that_warms_up():
    level = np.linspace(1.0, 1.05, LINES)
    require_refused(DETECTOR.reference(0.9, 10.0, LINES, level=level), DARK, r"gets 3\.\d% brighter from its first")
    require_refused(DETECTOR.reference(0.9, 10.0, LINES, level=level[::-1]), DARK, r"gets 3\.\d% darker")


def test_a_scene_that_moves_under_the_camera():
    line, sample = np.mgrid[:LINES, : DETECTOR.samples]
    leaf = 0.5 + 0.3 * np.sin(line / 4 + 4 * np.pi * sample / DETECTOR.samples)
    require_refused(DETECTOR.reference(leaf, 10.0, LINES), DARK, r"moves: \d+% of its bright elements change")
    # As fine as lines and samples are, so that neighbouring lines differ as much as distant ones do.
    fine = 0.6 + 0.3 * np.random.default_rng(0).choice([-1, 1], (LINES, 1)) * (-1) ** sample
    require_refused(DETECTOR.reference(fine, 10.0, LINES), DARK, r"moves: \d+% of its bright elements")


def test_a_real_scene_is_no_panel():
    scene = measured(open_cube(shared_file("data/corn-kernel-hyperspectral.hdr")))
    with pytest.raises(CubeError, match=r"corn-kernel-hyperspectral.raw gets 4.4% brighter from its first to its last"):
        calibration_from_references(scene)


def test_a_panel_that_is_too_bright():
    bright = DETECTOR.reference(0.95, 20.0, LINES)
    dark = DETECTOR.reference(0.0, 20.0)
    require_refused(bright, dark, r"is saturated: \d+\.\d% of its elements reach 4095 counts; expose shorter")
    unsaid = measured(DETECTOR.cube(0.95, 20.0, LINES))
    require_refused(unsaid, measured(DETECTOR.cube(0.0, 20.0)), r"looks saturated: .* stay at 4095 counts")
    wide = [measured(DETECTOR.cube(reflectance, 20.0, LINES), bits=16) for reflectance in (0.95, 0.0)]
    require_refused(*wide, r"looks saturated: .* stay at 4095 counts")


def test_a_few_saturated_elements_are_flaws():
    spot = np.full((DETECTOR.samples,), 0.9)
    spot[30] = 1.8
    white = DETECTOR.reference(spot, 10.0, LINES)
    made = calibration_from_references(white, [DARK])
    assert 0 < made.flaw_counts["saturated white"] <= 16
    assert np.flatnonzero((made.flaws & 16).any(axis=0)).tolist() == [30]


def test_a_dark_that_is_not():
    warming = DETECTOR.reference(0.95 * np.linspace(0, 0.05, LINES)[:, None], 10.0, LINES)
    require_refused(DETECTOR.reference(0.95, 10.0, LINES), warming, r"changes by \d+\.?\d* counts from its first")
    line, sample = np.mgrid[:LINES, : DETECTOR.samples]
    light = 0.05 + 0.05 * np.sin(line / 3 + sample)
    leaking = DETECTOR.reference(light, 10.0, LINES)
    require_refused(DETECTOR.reference(0.95, 10.0, LINES), leaking, r"is not dark: \d+% of its elements change")


def test_single_lines_are_taken_because_nobody_can_tell():
    white, dark = DETECTOR.reference(0.9, 10.0, 1), DETECTOR.reference(0.0, 10.0, 1)
    made = calibration_from_references(white, [dark])
    assert made.dark_noise is None and made.white_noise is None and np.isfinite(made.gain).mean() > 0.9
