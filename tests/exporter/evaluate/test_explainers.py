"""Several networks on one window, and regression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus.exporter.evaluate import Cache, Sample, cached_results, evaluate, random_of, samples_of, summarise
from focus.exporter.evaluate._removed import faithfulness, whole_and_empty
from focus.exporter.evaluate._window import measure_window
from focus.kernels import Saliency
from focus.runtime import Bundle, FocusError
from support.blas import numpy_threads
from support.bundles import small_bundle
from support.nets import small_net
from support.windows import small_windows


class Says:
    """A network of fixed logits plus the mean of x^ times a slope, whose map is what it was given."""

    def __init__(self, bundle: Bundle, logits: list[float], cube: np.ndarray, slope: float = 0.0) -> None:
        self.bundle, self._logits, self._cube, self._slope = bundle, np.array(logits, np.float32), cube, slope
        self.asked: list[int] = []
        self.watched = 0

    def watch(self, spectra: np.ndarray, composite: np.ndarray) -> np.ndarray:
        self.watched += len(spectra)
        return self.read(spectra, composite)

    def read(self, spectra: np.ndarray, composite: np.ndarray) -> np.ndarray:
        return (self._logits + self._slope * spectra.mean(axis=(1, 2))[:, None]).astype(np.float32)

    def explain(self, spectra: np.ndarray, composite: np.ndarray, shown: int) -> Saliency:
        self.asked.append(shown)
        return Saliency(self._cube, self._cube.sum(axis=0), self._cube.max(axis=1))


def lesioned(task: str = "classification") -> tuple[Sample, Bundle]:
    samples = samples_of(small_windows((3, 3, 4), task))
    sample = next(sample for sample in samples if sample.lesion.any())
    return sample, small_bundle(small_net(classes=1 if task == "regression" else 3), task=task)


def test_each_network_explains_the_class_that_it_predicts_itself() -> None:
    sample, bundle = lesioned()
    right, wrong = np.outer(sample.informative, sample.lesion), np.outer(1 - sample.informative, ~sample.lesion)
    one, other = Says(bundle, [0, 2, 1], right), Says(bundle, [3, 0, 0], wrong)
    found = measure_window({"one": one, "other": other}, sample, 1, {"third": Says(bundle, [0, 0, 9], right)})
    assert (one.asked, other.asked) == ([1], [0])
    assert [found.facts["answers"][name]["shown"] for name in ("one", "other")] == [1, 0]
    methods = found.facts["methods"]
    assert methods["one"]["iou"] == methods["one"]["pointing"] == 1 and methods["other"]["iou"] == 0
    # A network that looks at nothing scores what its own softmax says, whatever is removed.
    assert methods["one"]["deletion_bands"] == pytest.approx(np.exp(2) / (1 + np.exp(2) + np.exp(1)), abs=1e-6)
    assert methods["other"]["deletion_bands"] == pytest.approx(np.exp(3) / (np.exp(3) + 2), abs=1e-6)
    assert found.facts["sanity"]["third"]["M"] == pytest.approx(1) and not found.facts["attention"]


def test_where_there_is_no_truth_the_first_map_alone_is_made() -> None:
    sample, bundle = lesioned()
    sample = sample._replace(lesion=np.zeros_like(sample.lesion))
    one, other = (Says(bundle, [0, 2, 1], np.ones((bundle.bands, bundle.patches), np.float32)) for _ in range(2))
    found = measure_window({"one": one, "other": other}, sample, 1)
    assert (one.asked, other.asked) == ([1], []) and found.facts["answers"]["other"]["shown"] == 1
    assert not found.facts["scored"] and "methods" not in found.facts
    assert (
        np.isfinite(found.heatmaps[0]).all() and np.isnan(found.heatmaps[1]).all() and np.isnan(found.curves[1]).all()
    )


def test_regression_explains_its_target_and_watches_the_standardised_output() -> None:
    sample, bundle = lesioned("regression")
    sample = sample._replace(band_means=np.full_like(sample.band_means, 0.25 - 0.15))  # x^ = -1 everywhere
    network = Says(bundle, [0.5], np.ones((bundle.bands, bundle.patches), np.float32), slope=2.0)
    ends = whole_and_empty(network, sample, 0)
    assert ends == pytest.approx((-1.5, 0.5), abs=1e-5)
    maps = network.explain(*(np.zeros(1),) * 2, 0)
    found = faithfulness(network, sample, maps, 0, "bands", ends, np.random.default_rng(0))
    # From 2 deviations away down to 0 in even steps, and back: half of it on average.
    assert found == pytest.approx((1.0, 1.0), abs=0.03)
    facts = measure_window({"one": network}, sample, 1).facts
    assert facts["answers"]["one"]["shown"] == sample.label == 0 and facts["values"] == sample.values.tolist()


def test_a_regression_is_summed_up_by_its_errors_and_removals_are_made_where_asked_for(tmp_path) -> None:
    samples = samples_of(small_windows((3, 3, 6), "regression"))
    _, bundle = lesioned("regression")
    target = bundle.targets[0].model_copy(update={"name": "water", "mean": 20.0, "deviation": 4.0})
    network = Says(bundle, [0.5], np.ones((bundle.bands, bundle.patches), np.float32))
    cache = Cache(tmp_path / "out")
    cache.claim({})
    evaluate({"one": network, "random": random_of(network, 1)}, samples, cache, 1, removals=1)
    results = cached_results(cache, len(samples))
    measured = ["gain_bands" in result.facts.get("methods", {}).get("one", {}) for result in results]
    assert sum(measured) == 1 and measured.index(True) == [result.facts["scored"] for result in results].index(True)
    found = summarise(results, {}, [target])
    wanted = np.array([sample.values[0] for sample in samples])
    assert found["answers"]["one"] == {
        "water": {
            "mse": pytest.approx(np.mean((22.0 - wanted) ** 2)),
            "r2": pytest.approx(1 - np.mean((22.0 - wanted) ** 2) / wanted.var()),
        }
    }
    assert found["methods"]["one"]["gain_bands"][1] == 0.0


def test_windows_without_truth_are_refused() -> None:
    import dataclasses

    windows = dataclasses.replace(small_windows(), truth=None)
    with pytest.raises(FocusError, match="has no truth to hold maps against; take simulated windows"):
        samples_of(windows)


def test_removals_are_watched_and_borrowed_maps_with_their_network() -> None:
    sample, bundle = lesioned()
    network = Says(bundle, [0, 2, 1], np.outer(sample.informative, sample.lesion))
    measure_window({"one": network}, sample, 1)
    passes = 2 + 3 * 14  # both ends, and for patches, bands and voxels seven shares deleted and seven given back
    assert network.watched == passes
    measure_window({"random": random_of(network, 1)}, sample, 1)
    assert network.watched == 2 * passes


def test_an_evaluation_leaves_numpy_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample, bundle = lesioned()
    network, seen, before = Says(bundle, [0, 2, 1], np.outer(sample.informative, sample.lesion)), [], numpy_threads()
    whole = network.read
    monkeypatch.setattr(network, "read", lambda *given: seen.append(numpy_threads()) or whole(*given))
    cache = Cache(tmp_path)
    cache.claim({})
    evaluate({"one": network}, [sample._replace(number=0)], cache, 1)
    assert seen and all(threads == [1] * len(before) for threads in seen)
    assert numpy_threads() == before
