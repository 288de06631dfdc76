"""The figures that decide about a coarser model."""

from __future__ import annotations

import numpy as np
import pytest

from focus.runtime.agreement import Comparison, Limits, NetInput, compare
from focus.runtime.engines import Outputs
from support.toy_model import Toy


class Answers:
    """An engine that answers what it is told, by the window's first band mean."""

    def __init__(self, bundle, logits, attention) -> None:
        self.bundle, self._logits, self._attention = bundle, logits, attention

    def infer(self, band_means, composite) -> Outputs:
        index = int(band_means[0, 0, 0])
        logits, attention = self._logits[index : index + 1], self._attention[index : index + 1]
        return Outputs(logits, attention, np.zeros(attention.shape[:-1], np.float32))


def case(bundle, count=4, seed=0):
    """Windows, logits [M, K] with classes 0, 1, 2, 0, ..., and attention [M, H*, K, G, N]."""
    rng = np.random.default_rng(seed)
    windows = []
    for index in range(count):
        means = rng.standard_normal((bundle.patches, bundle.bands)).astype(np.float32)
        means[0, 0] = index
        windows.append(
            NetInput(means, np.zeros((3, *bundle.window), np.float32), np.ones(bundle.patches, bool), index % 3)
        )
    logits = np.eye(3, dtype=np.float32)[np.arange(count) % 3]
    shape = (count, len(bundle.reading.heads), 3, len(bundle.groups), bundle.patches)
    return windows, logits, rng.random(shape).astype(np.float32)


def test_the_same_answers_agree_in_everything():
    bundle = Toy().bundle()
    windows, logits, attention = case(bundle)
    found = compare(Answers(bundle, logits, attention), Answers(bundle, logits, attention), windows)
    assert found == Comparison(4, 1.0, 4, (1.0, 1.0), pytest.approx(1.0), pytest.approx(1.0), 0, 1.0, 1.0, 0.0)


def test_other_classes_and_other_maps_are_counted():
    bundle = Toy().bundle()
    windows, logits, attention = case(bundle)
    said = logits.copy()
    said[0] = logits[1]
    windows[3] = windows[3]._replace(label=-1)
    seen = attention.copy()
    seen[2] = seen[2][..., ::-1]
    found = compare(Answers(bundle, logits, attention), Answers(bundle, said, seen), windows)
    assert (found.agreement, found.labelled, found.accuracy) == (0.75, 3, (1.0, pytest.approx(2 / 3)))
    assert found.spearman_worst < 0.9 < found.spearman_worst + 4 * (1 - found.spearman) + 1e-9
    assert found.top <= 1.0 and found.windows == 4


def test_maps_are_of_the_class_that_fp32_predicts():
    bundle = Toy().bundle()
    windows, logits, attention = case(bundle)
    wrong = np.roll(logits, 1, axis=1)
    found = compare(Answers(bundle, logits, attention), Answers(bundle, wrong, attention), windows)
    assert found.agreement == 0.0 and found.spearman == pytest.approx(1.0) and found.top == 1.0


def test_flat_maps_are_left_out_and_counted():
    bundle = Toy().bundle()
    windows, logits, attention = case(bundle, 2)
    attention[0] = 0.0
    found = compare(Answers(bundle, logits, attention), Answers(bundle, logits, attention), windows)
    assert found.flat == 1 and found.spearman == pytest.approx(1.0)


def test_patches_without_a_sample_do_not_count():
    bundle = Toy().bundle()
    windows, logits, attention = case(bundle, 1)
    windows[0] = windows[0]._replace(valid=np.arange(bundle.patches) > 5)
    other = attention.copy()
    other[..., :6] = 7.0
    found = compare(Answers(bundle, logits, attention), Answers(bundle, logits, other), windows)
    assert found.spearman == pytest.approx(1.0) and found.top == 1.0


def test_regression_agrees_by_the_distance_of_its_predictions():
    bundle = Toy(task="regression").bundle()
    windows, logits, attention = case(bundle, 2)
    windows = [window._replace(label=-1) for window in windows]
    found = compare(Answers(bundle, logits, attention), Answers(bundle, logits + 0.03, attention), windows)
    assert found.agreement == pytest.approx(0.97) and found.accuracy is None


GOOD = Comparison(40, 0.99, 40, (0.95, 0.94), 0.97, 0.8, 0, 0.93, 0.6, 0.04)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(), None),
        (Limits(agreement=0.995), "agreement with FP32 is 0.9900, below --least-agreement 0.995"),
        (Limits(spearman=0.98), "Spearman correlation of M with FP32 is 0.9700, below --least-spearman 0.98"),
        (Limits(top=0.95), "overlap of the top-5 bands with FP32 is 0.9300, below --least-top5 0.95"),
        (Limits(accuracy=0.945), "accuracy of INT8 is 0.9400, below --least-accuracy 0.945"),
        (Limits(accuracy=0.94), None),
        (Limits(logits=0.05), None),
        (
            Limits(logits=0.03, exact="the ONNX"),
            "the largest difference of a logit from the ONNX is 0.0400 of the largest logit, above --most-logits 0.03",
        ),
        (Limits(0.995, coarse="the plan", exact="x"), "agreement with x is 0.9900, below --least-agreement 0.995"),
    ],
)
def test_limits_name_the_figure_and_the_option(limits, said):
    assert limits.shortfall(GOOD) == said


def test_the_largest_difference_of_a_logit_is_a_share_of_the_largest_logit_and_nan_never_passes():
    bundle = Toy().bundle()
    windows, logits, attention = case(bundle)
    said = 4 * logits
    said[1, 0] += 0.2
    found = compare(Answers(bundle, 4 * logits, attention), Answers(bundle, said, attention), windows)
    assert found.logit_difference == pytest.approx(0.05)
    said[1, 0] = np.nan
    broken = compare(Answers(bundle, logits, attention), Answers(bundle, said, attention), windows)
    assert "largest difference of a logit" in (Limits(0, -1, 0, logits=9).shortfall(broken) or "")


def test_a_model_of_few_bands_can_agree_in_all_of_them():
    bundle = Toy(wavelengths_nm=np.linspace(500.0, 700.0, 4), groups=2).bundle()
    windows, logits, attention = case(bundle)
    assert compare(Answers(bundle, logits, attention), Answers(bundle, logits, attention), windows).top == 1.0
