"""Real faults raise their own flag and no other; what is healthy raises none."""

from __future__ import annotations

import numpy as np
import pytest

from focus.runtime.cubes import Cube, open_cube
from focus.runtime.engines import OnnxRuntimeEngine
from focus.runtime.monitor import Monitor
from focus.runtime.simulate import simulate_leaf_scene, vnir_204
from focus.runtime.sources import Replay, source_from_uri
from monitor_check import brighter, drifted, overexposed, watch
from support.leaves import shipped  # noqa: F401
from support.scenes import cube
from support.shared import shared_file
from support.toy_model import Toy


def leaves(seed):
    return source_from_uri(f"sim:leaves=2,seed={seed}")


def reversed_leaf(seed, backwards):
    sensor = vnir_204()
    scene = simulate_leaf_scene(np.random.default_rng(seed), sensor, 0, size=(128, 128))
    values = scene.reflectance(np.random.default_rng(seed + 1))
    return Replay(Cube(values[::-1] if backwards else values, sensor.wavelengths_nm, quantity="reflectance"))


def message(monitor, name):
    return monitor.raised()[name].worst.message


@pytest.mark.parametrize("seed", [20, 21, 22])
def test_healthy_leaves_raise_nothing(shipped, seed):  # noqa: F811
    monitor = Monitor()
    assert set(watch(leaves(seed), shipped, monitor).names) == {()}
    assert not monitor.raised() and monitor.flags() == ()


@pytest.mark.parametrize("counts", [15, -15, 50])
def test_a_drifted_dark_level_is_measured_in_counts(shipped, counts):  # noqa: F811
    monitor = Monitor()
    watch(drifted(leaves(20), counts), shipped, monitor)
    assert list(monitor.raised()) == ["dark_level"]
    found = monitor.raised()["dark_level"]
    said = message(monitor, "dark_level")
    assert ("above" if counts > 0 else "below") in said and "400 nm" in said and "focus-calib reference" in said
    assert float(said.split("about ")[1].split()[0]) == pytest.approx(abs(counts), rel=0.2)
    assert found.worst.value > found.worst.limit


def test_a_dark_level_that_moved_by_four_counts_is_left_alone(shipped):  # noqa: F811
    monitor = Monitor()
    watch(drifted(leaves(20), 4), shipped, monitor)
    assert monitor.raised() == {}


def test_saturation_alone_where_the_calibration_knows_the_exposure(shipped):  # noqa: F811
    monitor = Monitor()
    watch(overexposed(leaves(20), 1.6, bits=10), shipped, monitor)
    assert list(monitor.raised()) == ["saturated"]
    assert "shorten the exposure" in message(monitor, "saturated")


def test_more_light_than_the_white_reference_had_puts_bands_outside_training(shipped):  # noqa: F811
    monitor = Monitor()
    watch(brighter(leaves(20), 3.0), shipped, monitor)
    assert list(monitor.raised()) == ["band_means"]
    assert "check references" in message(monitor, "band_means") and " nm" in message(monitor, "band_means")


@pytest.mark.parametrize(("backwards", "expected"), [(False, []), (True, ["wavelength_order"])])
def test_a_cube_stored_backwards_is_told_from_one_that_is_not(shipped, backwards, expected):  # noqa: F811
    monitor = Monitor()
    watch(reversed_leaf(3, backwards), shipped, monitor)
    assert list(monitor.raised()) == expected
    assert all("order of the wavelengths" in message(monitor, name) for name in expected)


@pytest.mark.parametrize(("backwards", "expected"), [(False, ["band_means"]), (True, ["wavelength_order"])])
def test_a_scene_from_an_aircraft_is_not_what_a_model_of_leaves_has_learnt(shipped, backwards, expected):  # noqa: F811
    jasper = open_cube(shared_file("data/jasperRidge2_R198.mat"))
    ours = shipped.bundle.wavelengths
    onto = np.stack([np.interp(ours, jasper.wavelengths_nm, unit) for unit in np.eye(len(jasper.wavelengths_nm))], 1)
    values = np.tensordot(onto, jasper.reflectance(slice(None), slice(None)), axes=1).astype(np.float32)
    monitor = Monitor()
    watch(Replay(Cube(values[::-1] if backwards else values, ours, quantity="reflectance")), shipped, monitor)
    assert list(monitor.raised()) == expected


def test_a_dark_reference_that_is_too_high_shows_in_recorded_reflectance_too(shipped):  # noqa: F811
    sensor = vnir_204()
    scene = simulate_leaf_scene(np.random.default_rng(3), sensor, 0, size=(128, 128))
    values = scene.reflectance(np.random.default_rng(4)) - np.float32(0.03)
    monitor = Monitor()
    watch(Replay(Cube(values, sensor.wavelengths_nm, quantity="reflectance")), shipped, monitor)
    assert list(monitor.raised()) == ["dark_level"]
    assert "below reflectance 0" in message(monitor, "dark_level")


def toy(tmp_path, **fields):
    return OnnxRuntimeEngine(Toy(**fields).save(tmp_path / "toy.onnx"), 1)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"sink_score": 6.0}, ["sink_mass", "collapse"]),
        ({"read": 40.0 * Toy().weights, "sink_score": -50.0}, ["collapse"]),
    ],
)
def test_a_sink_that_takes_all_and_attention_on_one_patch(tmp_path, fields, expected):
    monitor = Monitor()
    infrared = np.linspace(760.0, 945.0, 12)  # a single band group
    engine = toy(tmp_path, wavelengths_nm=infrared, groups=1, **fields)
    watch(Replay(cube(30, 37, wavelengths_nm=infrared)), engine, monitor)
    assert list(monitor.raised()) == expected
