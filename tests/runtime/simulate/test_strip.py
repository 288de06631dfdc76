import numpy as np
import pytest

from focus.runtime.simulate import CLASS_NAMES, Strip, full_range, simulate_strip

SENSOR = full_range(bands=16)


def strip(seed: int = 0, **kwargs: object) -> Strip:
    return simulate_strip(np.random.default_rng(seed), SENSOR, **{"samples": 128, "leaf_px": 64, **kwargs})  # type: ignore[arg-type]


def test_a_strip_shows_every_class_once_before_any_again() -> None:
    assert sorted(strip(leaves=4).labels) == [0, 1, 2, 3]
    assert sorted(strip(leaves=8).labels) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_leaves_lie_beside_each_other_and_set_the_length() -> None:
    assert strip(leaves=5).size == (3 * 64, 128)
    assert strip(leaves=2, samples=64).size == (2 * 64, 64)


def test_the_seed_decides_everything() -> None:
    one, same = strip(3), strip(3)
    assert one.labels == same.labels
    np.testing.assert_array_equal(one.reflectance(), same.reflectance())
    assert not np.array_equal(one.reflectance(), strip(4).reflectance())


def test_abundance_is_a_mixture() -> None:
    np.testing.assert_allclose(strip(leaves=6).abundance.sum(axis=0), 1.0, atol=1e-5)


def test_truth_of_every_leaf_is_its_own() -> None:
    for seed in range(8):
        seen = strip(seed)
        assert set(np.unique(seen.leaf_index)) == {-1, 0, 1, 2, 3}
        assert not (seen.lesion_mask & ~seen.leaf_mask).any()
        labels = np.array(seen.labels, dtype=np.int8)
        on_lesion = seen.lesion_mask
        np.testing.assert_array_equal(seen.lesion_class[on_lesion], labels[seen.leaf_index[on_lesion]])
        assert set(np.unique(seen.lesion_class)) == {-1, 1, 2, 3}


def test_a_leaf_of_the_strip_has_traits_and_bands() -> None:
    seen = strip(leaves=4, labels=(0, 2, 3, 1))
    assert seen.labels == (0, 2, 3, 1)
    assert seen.informative.shape == (4, SENSOR.bands)
    assert seen.informative_bands(2, leaf=0).size == 0
    assert abs(SENSOR.wavelengths_nm[seen.informative_bands(1, leaf=1)[0]] - 540.0) < 71
    assert seen.leaf_traits[1]["antho"] > seen.leaf_traits[0]["antho"]
    assert len(seen.leaf_traits) == 4


def test_lines_cut_the_truth_too() -> None:
    whole = strip()
    part = whole.lines(30, 70)
    np.testing.assert_array_equal(part.lesion_class, whole.lesion_class[30:70])
    np.testing.assert_array_equal(part.leaf_index, whole.leaf_index[30:70])
    np.testing.assert_allclose(part.reflectance(), whole.reflectance()[:, 30:70], atol=1e-6)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"leaves": 0}, "leaves >= 1 and samples >= leaf_px >= 32, got leaves=0"),
        ({"samples": 50}, "samples=50, leaf_px=64"),
        ({"labels": (0, 1)}, r"labels must be one a leaf \(4\), got 2"),
        ({"labels": (0, 1, 2, 9)}, rf"label must be 0\.\.{len(CLASS_NAMES) - 1}.*got 9"),
    ],
)
def test_bad_arguments_are_refused(kwargs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        strip(**kwargs)  # type: ignore[arg-type]
