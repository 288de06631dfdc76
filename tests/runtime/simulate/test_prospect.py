"""PROSPECT-D as others compute it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from focus.runtime.simulate._prospect import LEAF_MODEL_NM, interface_transmissivity, prospect_d

#: Made by scripts/make_leaf_optics.py from the package xleaf.
GOLDEN = Path(__file__).with_name("prospect_d_golden.npz")


def test_agrees_with_xleaf() -> None:
    with np.load(GOLDEN) as golden:
        traits, optics = golden["traits"], golden["optics"]
    assert len(traits) == 8
    for leaf, (reflected, transmitted) in zip(traits, optics, strict=True):
        ours = prospect_d(leaf[:5], leaf[5])
        np.testing.assert_allclose(ours[0], reflected, atol=1e-6)
        np.testing.assert_allclose(ours[1], transmitted, atol=1e-6)


def test_energy_is_conserved_and_pigments_absorb_where_they_should() -> None:
    leaf = np.array([40.0, 8.0, 0.5, 0.01, 0.005])
    reflected, transmitted = prospect_d(leaf, 1.5)
    assert LEAF_MODEL_NM.shape == reflected.shape == (2101,)
    assert (reflected > 0).all() and (transmitted > 0).all() and (reflected + transmitted < 1).all()
    greener, _ = prospect_d(leaf * [2, 1, 1, 1, 1], 1.5)
    change = reflected - greener
    assert change[LEAF_MODEL_NM > 800].max() < 1e-9
    assert 690 <= LEAF_MODEL_NM[change.argmax()] <= 730 or 540 <= LEAF_MODEL_NM[change.argmax()] <= 570


def test_surface_transmits_less_at_grazing_angles() -> None:
    index = np.array([1.3, 1.5])
    normal, diffuse = interface_transmissivity(1.0, index), interface_transmissivity(90.0, index)
    np.testing.assert_allclose(normal, 1 - ((index - 1) / (index + 1)) ** 2, rtol=1e-3)  # Fresnel at normal incidence
    assert (diffuse < normal).all()
