"""Band groups and the composite."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime.spectral import band_groups, composite_weights, group_of_band
from focus.runtime.spectral._groups import PHYSIOLOGY


@given(st.lists(st.integers(3600, 25400), min_size=3, max_size=80, unique=True), st.integers(-3, 12))
@settings(deadline=None, max_examples=120)
@pytest.mark.filterwarnings("ignore:this sensor has no band")
def test_groups_cover_every_band_once_and_are_parts_or_unions_of_ranges(tenths, further):
    wavelengths = np.sort(tenths) / 10.0
    edges = [low for _, low, _ in PHYSIOLOGY[1:]]
    covered = len(set(np.searchsorted(edges, wavelengths, side="right")))
    wanted = max(1, min(covered + further, len(wavelengths)))
    groups = band_groups(wavelengths, wanted)
    if wanted != len(PHYSIOLOGY):
        assert len(groups) == wanted
    assert [group.first for group in groups] == [0, *(group.stop for group in groups[:-1])]
    assert groups[-1].stop == len(wavelengths)
    assert len({group.name for group in groups}) == len(groups)
    for group in groups:
        inside = wavelengths[group.first : group.stop]
        assert group.bands == len(inside) > 0
        before = wavelengths[group.first - 1] if group.first else 0.0
        if wanted >= covered:
            assert not any(inside[0] < edge <= inside[-1] for edge in edges)
        else:
            assert not group.first or any(before < edge <= inside[0] for edge in edges)
    np.testing.assert_array_equal(
        group_of_band(groups), [index for index, group in enumerate(groups) for _ in range(group.bands)]
    )


def test_ten_groups_split_the_largest_ranges():
    groups = band_groups(np.linspace(400, 1000, 204), 10)
    assert [group.name for group in groups if group.name == "red-edge"] == ["red-edge"]
    assert max(group.bands for group in groups) <= 2 * min(group.bands for group in groups)


def test_ranges_that_the_sensor_lacks_are_dropped_with_a_warning():
    with pytest.warns(UserWarning, match="this sensor has no band in SWIR: 3 band groups"):
        groups = band_groups(np.linspace(400, 1000, 30))
    assert [group.name for group in groups] == ["VIS", "red-edge", "NIR"]


@pytest.mark.parametrize(
    ("low", "high", "count", "names"),
    [
        (400, 1000, 2, ["VIS", "red-edge+NIR"]),
        (400, 1000, 1, ["VIS+red-edge+NIR"]),
        (400, 2500, 2, ["VIS+red-edge+NIR", "SWIR"]),
        (400, 1600, 3, ["VIS+red-edge", "NIR", "SWIR"]),
        (650, 900, 2, ["VIS+red-edge", "NIR"]),
    ],
)
def test_fewer_groups_than_ranges_are_even_unions_of_them(low, high, count, names):
    wavelengths = np.linspace(low, high, 204)
    groups = band_groups(wavelengths, count)
    assert [group.name for group in groups] == names
    of_band = group_of_band(groups)
    for name, first, stop in PHYSIOLOGY:
        own = set(of_band[(wavelengths >= first) & (wavelengths < stop)].tolist())
        assert own == {index for index, group in enumerate(groups) if name in group.name.split("+")}


def test_groups_refuse_what_cannot_be_formed():
    with pytest.raises(ValueError, match="band 2 lies at 2600 nm; leave such bands out"):
        band_groups(np.array([400.0, 500.0, 2600.0]))
    for count in (0, 5):
        with pytest.raises(ValueError, match=rf"groups must be 1 to 3 \(one a band\) for this sensor, got {count}"):
            band_groups(np.array([400.0, 500.0, 720.0]), count)


def test_composite_averages_around_red_green_and_blue():
    wavelengths = np.linspace(400, 1000, 601)
    weights = composite_weights(wavelengths)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights @ wavelengths, [650, 550, 450], atol=2.5)
    half = weights[1] >= 0.5 * weights[1].max()
    assert wavelengths[half][-1] - wavelengths[half][0] == pytest.approx(40, abs=1.1)


def test_composite_takes_thirds_where_there_is_no_visible_light():
    wavelengths = np.linspace(1000, 2500, 300)
    np.testing.assert_allclose(composite_weights(wavelengths) @ wavelengths, [2250, 1750, 1250], atol=30)


def test_composite_of_few_bands_never_divides_by_zero():
    weights = composite_weights(np.array([420.0, 700.0, 1000.0]))
    assert np.isfinite(weights).all()
    with pytest.raises(ValueError, match="at least 3 bands, got 2"):
        composite_weights(np.array([450.0, 550.0]))
