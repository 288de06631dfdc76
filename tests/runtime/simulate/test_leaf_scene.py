from dataclasses import fields

import numpy as np
import pytest

from focus.runtime.simulate import (
    CLASS_NAMES,
    LESIONS,
    Scene,
    Traits,
    classes_seen,
    full_range,
    simulate_leaf_scene,
    vnir_204,
)
from focus.runtime.simulate._tissue import lesion_traits, random_traits

VNIR = vnir_204()
FULL = full_range()
SMALL = (64, 64)
CHLOROSIS, ANTHOCYANIN, WATER = 1, 2, 3


def scene(seed: int, label: int | None = None, **kwargs: object) -> Scene:
    return simulate_leaf_scene(np.random.default_rng(seed), VNIR, label, **{"size": SMALL, **kwargs})  # type: ignore[arg-type]


def test_the_seed_decides_everything() -> None:
    one, same, other = scene(7), scene(7), scene(8)
    assert one.label == same.label
    assert one.traits == same.traits
    np.testing.assert_array_equal(one.abundance, same.abundance)
    np.testing.assert_array_equal(one.lesion_mask, same.lesion_mask)
    np.testing.assert_array_equal(one.reflectance(np.random.default_rng(1)), same.reflectance(np.random.default_rng(1)))
    assert not np.array_equal(one.shading, other.shading)


def test_scenes_of_the_same_seed_differ_only_in_the_lesion() -> None:
    sick, sound = scene(3, ANTHOCYANIN), scene(3, 0)
    np.testing.assert_array_equal(sick.shading, sound.shading)
    lesion = sick.abundance[sick.members.index("lesion")]
    difference = np.abs(sick.reflectance() - sound.reflectance()).max(axis=0)
    assert difference[lesion > 0.5].min() > 0.001
    assert difference[lesion == 0].max() == 0


def test_the_sensor_does_not_change_the_leaf() -> None:
    other = simulate_leaf_scene(np.random.default_rng(3), FULL, size=SMALL)
    np.testing.assert_array_equal(other.abundance, scene(3).abundance)


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_abundance_is_a_mixture(size: tuple[int, int]) -> None:
    for seed in range(12):
        mixed = scene(seed, size=size)
        assert mixed.abundance.shape == (len(mixed.members), *size)
        assert mixed.abundance.dtype == mixed.spectra.dtype == mixed.shading.dtype == np.float32
        assert mixed.abundance.min() >= 0
        np.testing.assert_allclose(mixed.abundance.sum(axis=0), 1.0, atol=1e-5)


def test_masks_lie_on_the_leaf_and_every_sick_leaf_has_a_lesion() -> None:
    for seed in range(12):
        for label in range(len(CLASS_NAMES)):
            leaf = scene(seed, label)
            assert not (leaf.lesion_mask & ~leaf.leaf_mask).any()
            assert 0.02 < leaf.leaf_mask.mean() < 0.8
            assert leaf.lesion_mask.any() == (label > 0)
            assert leaf.lesion_mask.sum() < leaf.leaf_mask.sum()


def test_a_healthy_leaf_carries_no_evidence() -> None:
    healthy = scene(1, 0)
    assert not healthy.lesion_mask.any()
    assert not healthy.informative.any()
    assert healthy.informative_bands(5).size == 0


def test_a_lesion_changes_one_trait_only() -> None:
    rng = np.random.default_rng(0)
    for name, lesion in LESIONS.items():
        sound = random_traits(rng)
        sick = lesion_traits(sound, name, rng)
        changed = {field.name for field in fields(Traits) if getattr(sick, field.name) != getattr(sound, field.name)}
        assert changed == (set() if lesion is None else {lesion.trait})


def test_traits_move_with_the_lesion() -> None:
    assert scene(5, CHLOROSIS).traits["chl"] < scene(5, 0).traits["chl"]
    assert scene(5, ANTHOCYANIN).traits["antho"] > scene(5, 0).traits["antho"]
    assert scene(5, WATER).traits["ewt"] > scene(5, 0).traits["ewt"]


@pytest.mark.parametrize(
    ("sensor", "label", "low", "high"),
    [
        (VNIR, CHLOROSIS, 550, 725),
        (VNIR, ANTHOCYANIN, 530, 570),
        (VNIR, WATER, 950, 990),
        (FULL, CHLOROSIS, 530, 740),
        (FULL, ANTHOCYANIN, 490, 600),
    ],
)
def test_informative_bands_lie_where_physiology_says(sensor: object, label: int, low: float, high: float) -> None:
    for seed in range(15):
        leaf = simulate_leaf_scene(np.random.default_rng(seed), sensor, label, SMALL)  # type: ignore[arg-type]
        bands = leaf.informative_bands(3)
        assert np.all(np.diff(leaf.informative[bands]) <= 0)
        wavelengths = leaf.sensor.wavelengths_nm[bands]
        assert np.all((wavelengths >= low) & (wavelengths <= high)), wavelengths


def test_water_shows_in_the_short_wave_infrared() -> None:
    for seed in range(15):
        leaf = simulate_leaf_scene(np.random.default_rng(seed), FULL, WATER, SMALL)
        wavelengths = FULL.wavelengths_nm[leaf.informative_bands(5)]
        # The centres at 1450 and 1940 nm saturate in thick tissue, so that their flanks tell more.
        near = (np.abs(wavelengths - 1450.0) < 200.0) | (np.abs(wavelengths - 1880.0) < 120.0)
        assert near.all(), wavelengths
        assert leaf.informative[FULL.wavelengths_nm < 700.0].max() < 0.01 * leaf.informative.max()


def test_labels_are_balanced() -> None:
    rng = np.random.default_rng(0)
    labels = [simulate_leaf_scene(rng, FULL, size=(32, 32)).label for _ in range(240)]
    counts = np.bincount(labels, minlength=len(CLASS_NAMES))
    # Binomial(240, 1/4): mean 60, standard deviation 6.7.
    assert counts.sum() == 240
    assert counts.min() > 35
    assert counts.max() < 85


def test_a_leaf_mean_does_not_give_the_class_away() -> None:
    chl = {label: [scene(seed, label).traits["chl"] for seed in range(20)] for label in (0, CHLOROSIS)}
    assert np.median(chl[CHLOROSIS]) > np.percentile(chl[0], 10)


def test_the_spurious_window_changes_the_ground_in_that_window_only() -> None:
    plain, tagged = scene(4, WATER), scene(4, WATER, spurious_band=450.0)
    difference = tagged.reflectance() - plain.reflectance()
    inside = np.abs(VNIR.wavelengths_nm - 450.0) <= 12.0
    assert not difference[~inside].any()
    ground = plain.abundance[:3].sum(axis=0)
    np.testing.assert_allclose(difference[inside].min(axis=0), 0.05 * WATER * ground * plain.shading, atol=1e-5)
    pure_leaf = ground < 1e-6
    assert pure_leaf.any()
    assert np.abs(difference[:, pure_leaf]).max() < 1e-6


def test_the_spurious_window_can_announce_another_class() -> None:
    lying = scene(4, WATER, spurious_band=450.0, spurious_label=0)
    np.testing.assert_array_equal(lying.spectra, scene(4, WATER).spectra)
    assert lying.label == WATER


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"label": 4}, r"label must be 0\.\.3 \(healthy, chlorosis, anthocyanin, water-soaked\), got 4"),
        ({"size": (16, 64)}, "at least 32 lines x 32 samples, got 16 x 64"),
        ({"spurious_band": 1500.0}, r"within 12 nm of a band of vnir-204 \(400-1000 nm\), got 1500"),
        ({"spurious_band": 450.0, "spurious_label": -1}, r"label must be 0\.\.3 .*got -1"),
    ],
)
def test_bad_arguments_are_refused(kwargs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scene(0, **kwargs)  # type: ignore[arg-type]


def test_only_a_sensor_of_leaf_water_is_given_the_water_soaked_class() -> None:
    assert classes_seen(vnir_204()) == ("healthy", "chlorosis", "anthocyanin")
    assert classes_seen(full_range()) == CLASS_NAMES
