"""The figures that decide about an INT8 model."""

from __future__ import annotations

import numpy as np
import pytest

from focus.calib._compare import Comparison, compare
from focus.calib._limits import Limits
from focus.calib._speed import Speed
from focus.calib._windows import NetInput
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
    assert found == Comparison(4, 1.0, 4, (1.0, 1.0), pytest.approx(1.0), pytest.approx(1.0), 0, 1.0, 1.0)


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


GOOD = Comparison(40, 0.99, 40, (0.95, 0.94), 0.97, 0.8, 0, 0.93, 0.6)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(), None),
        (Limits(agreement=0.995), "agreement with FP32 is 0.9900, below --least-agreement 0.995"),
        (Limits(spearman=0.98), "Spearman correlation of M with FP32 is 0.9700, below --least-spearman 0.98"),
        (Limits(top=0.95), "overlap of the top-5 bands with FP32 is 0.9300, below --least-top5 0.95"),
        (Limits(accuracy=0.945), "accuracy of INT8 is 0.9400, below --least-accuracy 0.945"),
        (Limits(accuracy=0.94), None),
    ],
)
def test_limits_name_the_figure_and_the_option(limits, said):
    assert limits.shortfall(GOOD) == said


def test_the_verdict_compares_the_fastest_ways():
    pays = Speed({"ONNX Runtime": {"FP32": 20.0, "INT8": 12.0}, "OpenVINO": {"FP32": 18.0, "bf16": 10.0, "INT8": 5.0}})
    assert pays.verdict == (
        "INT8 pays on this processor: OpenVINO INT8 5.0 ms, OpenVINO bf16 10.0 ms, 2.00 times as fast"
    )
    slow = Speed({"ONNX Runtime": {"FP32": 20.0, "INT8": 12.0}, "OpenVINO": {"FP32": 18.0, "bf16": 10.0, "INT8": 11.0}})
    assert slow.verdict == (
        "INT8 does not pay on this processor: OpenVINO INT8 11.0 ms, OpenVINO bf16 10.0 ms; run the FP32 file here"
    )
    hardly = Speed({"ONNX Runtime": {"FP32": 10.2, "INT8": 10.0}})
    assert hardly.verdict.startswith("INT8 does not pay on this processor")
