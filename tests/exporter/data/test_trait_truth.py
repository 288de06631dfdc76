"""Which bands tell a trait."""

from __future__ import annotations

import numpy as np
import pytest

from focus.exporter.data._trait_truth import trait_information, trait_spread
from focus.runtime.simulate import Traits, full_range, vnir_204
from focus.runtime.simulate._tissue import leaf_optics

LEAF = {"chl": 45.0, "car": 9.0, "antho": 1.0, "ewt": 0.012, "lma": 0.006, "N": 1.6}


def test_it_is_the_slope_of_the_reflectance_in_deviations_of_the_noise() -> None:
    sensor = vnir_204()
    found = trait_information(sensor, LEAF, ("chl",))[0]
    leaf = sensor.sample(leaf_optics(Traits(**LEAF))[0])
    more = sensor.sample(leaf_optics(Traits(**{**LEAF, "chl": 45.1}))[0])
    expected = np.abs(more - leaf) / 0.1 * trait_spread("chl") / sensor.noise_at(leaf)
    clear = expected > 0.2 * expected.max()
    np.testing.assert_allclose(found[clear], expected[clear], rtol=0.02)


def test_the_spread_is_that_of_sound_leaves() -> None:
    # Chlorophyll is drawn evenly from 25..65 ug/cm2.
    assert trait_spread("chl") == pytest.approx(40 / np.sqrt(12), rel=0.02)


@pytest.mark.parametrize(
    ("trait", "sensor", "bands_nm"),
    [("chl", vnir_204(), (540.0, 730.0)), ("antho", vnir_204(), (525.0, 570.0)), ("ewt", full_range(), (1300, 2500))],
)
def test_the_best_bands_are_where_the_trait_absorbs(trait, sensor, bands_nm) -> None:
    found = trait_information(sensor, LEAF, (trait,))[0]
    best = sensor.wavelengths_nm[np.argsort(-found)[:3]]
    assert (best > bands_nm[0]).all() and (best < bands_nm[1]).all()


def test_a_leaf_with_next_to_nothing_of_a_trait_has_a_slope_too() -> None:
    bare = {**LEAF, "antho": 1e-3, "N": 1.01}
    found = trait_information(full_range(16), bare, ("antho", "N"))
    assert np.isfinite(found).all() and (found.max(axis=1) > 0).all()
