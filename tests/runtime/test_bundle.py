"""The bundle's validation."""

from __future__ import annotations

import json

import numpy as np
import pytest

from focus.runtime import Bundle, BundleError
from support.toy_model import WAVELENGTHS, Toy


@pytest.fixture
def facts() -> dict:
    return json.loads(Toy().bundle().model_dump_json())


def read(facts: dict) -> Bundle:
    return Bundle.from_json(json.dumps(facts), "m.onnx")


def seen(**changes: object) -> dict:
    usual = {"low": 0.1, "high": 0.2}
    bands = {"band_low": [-1.0] * 12, "band_high": [1.0] * 12}
    return {"windows": 5, "sink_mass": usual, "collapse": usual, **bands, **changes}


def test_what_training_saw_is_optional(facts):
    assert read(facts).seen is None
    del facts["seen"]
    assert read(facts).seen is None
    assert read({**facts, "seen": seen()}).seen.collapse.high == 0.2


def test_round_trip(facts):
    bundle = read(facts)
    assert bundle == Toy().bundle()
    assert (bundle.bands, bundle.patches, bundle.window) == (12, 12, (12, 16))
    assert bundle.class_names == ("healthy", "chlorosis", "water-soaked")
    np.testing.assert_array_equal(np.bincount(bundle.group_of_band), [g.bands for g in bundle.band_groups])


def test_bands_weigh_what_they_add_or_their_norm_where_that_was_not_measured(facts):
    bundle = read(facts)
    np.testing.assert_array_equal(bundle.band_weight, facts["reading"]["band_share"])
    np.testing.assert_array_equal(bundle.reference, facts["reading"]["reference"])
    np.testing.assert_array_equal(bundle.group_share, facts["reading"]["group_share"])
    np.testing.assert_array_equal(bundle.brightness, facts["reading"]["brightness"])
    facts["reading"] |= {"band_share": None, "group_share": None, "reference": None, "brightness": []}
    np.testing.assert_allclose(read(facts).band_weight, np.tile(facts["adapter_norm"], (3, 1)))
    np.testing.assert_array_equal(read(facts).reference, np.zeros(12))
    np.testing.assert_allclose(read(facts).group_share, np.full((3, len(facts["groups"])), 1 / len(facts["groups"])))
    assert read(facts).brightness.shape == (0, 12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": [0.1] * 11}, "mean must have one value for each of the 12 bands, got 11"),
        ({"adapter_norm": [0.1] * 13}, "adapter_norm must have one value for each of the 12 bands, got 13"),
        ({"wavelengths_nm": list(WAVELENGTHS[::-1])}, "wavelengths_nm must increase"),
        ({"groups": [{"name": "a", "first": 0, "stop": 11}]}, r"groups must cover bands 0\.\.11 once, in order"),
        (
            {"groups": [{"name": "a", "first": 0, "stop": 7}, {"name": "b", "first": 6, "stop": 12}]},
            "groups must cover",
        ),
        ({"seen": seen(band_high=[1.0] * 11)}, "seen.band_high must have one value for each of the 12 bands, got 11"),
        ({"seen": seen(collapse={"low": 0.3, "high": 0.2})}, "high must not be below low, got 0.3 to 0.2"),
        ({"deviation": [0.0] * 12}, "deviation.0: Input should be greater than 0"),
        ({"reading": {"read_blocks": 1, "heads": [4]}}, r"reading.heads must lie in 0\.\.3"),
        (
            {"reading": {"read_blocks": 1, "heads": [0], "band_share": [[1.0]]}},
            "reading.band_share must be 3 x 12, targets x bands",
        ),
        (
            {"reading": {"read_blocks": 1, "heads": [0], "band_share": [[-1.0]]}},
            "reading.band_share.0.0: Input should be greater than or equal to 0",
        ),
        (
            {"reading": {"read_blocks": 1, "heads": [0], "group_share": [[1.0]] * 3}},
            r"reading.group_share must be 3 x \d+, targets x groups",
        ),
        (
            {"reading": {"read_blocks": 1, "heads": [0], "brightness": [[1.0] * 12, [1.0]]}},
            r"reading.brightness\[1\] must have one value for each of the 12 bands, got 1",
        ),
        (
            {"reading": {"read_blocks": 1, "heads": [0], "reference": [0.0]}},
            "reading.reference must have one value for each of the 12 bands, got 1",
        ),
        ({"schema_version": 2}, "schema_version"),
        ({"extra": 1}, "extra: Extra inputs are not permitted"),
        ({"task": "ranking"}, "task"),
    ],
)
def test_refuses(facts, change, message):
    with pytest.raises(BundleError, match=message) as caught:
        read({**facts, **change})
    assert str(caught.value).startswith("m.onnx: the model's bundle is not valid (")
    assert "export it again" in str(caught.value)


def test_refuses_what_is_no_json_and_metadata_of_others():
    with pytest.raises(BundleError, match="bundle is not valid"):
        Bundle.from_json("{", "m.onnx")
    with pytest.raises(BundleError, match=r"m\.onnx is an ONNX file but not a FOCUS model"):
        Bundle.from_metadata({"author": "somebody"}, "m.onnx")


def test_wavelengths_must_be_the_models():
    bundle = Toy().bundle()
    bundle.require_wavelengths(WAVELENGTHS + 4.0, "leaf.hdr")
    many = np.linspace(WAVELENGTHS[0], WAVELENGTHS[-1], 30)
    with pytest.raises(BundleError, match=r"reads 12 bands, leaf\.hdr has 30; resample it \(the model covers"):
        bundle.require_wavelengths(many, "leaf.hdr", "resample it")
    with pytest.raises(BundleError, match=r"its bands must come from short to long wavelengths \(the model covers"):
        bundle.require_wavelengths(WAVELENGTHS[::-1], "leaf.hdr", "resample it")
    moved = WAVELENGTHS.copy()
    moved[3] += 10.0
    with pytest.raises(BundleError, match=r"model toy has band 3 at 585 nm, leaf\.hdr at 595 nm; take what"):
        bundle.require_wavelengths(moved, "leaf.hdr")
