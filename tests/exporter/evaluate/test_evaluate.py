"""Maps, removals, networks without what they learnt, and a run over windows with its cache and report."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from focus.exporter.evaluate import (
    FILES,
    Borrowed,
    Cache,
    Explainer,
    Sample,
    edges_of,
    evaluate,
    random_of,
    write_report,
)
from focus.exporter.evaluate import _run as run
from focus.exporter.evaluate._data import held_out_plan, held_out_windows
from focus.exporter.evaluate._maps import edge_maps, random_maps
from focus.exporter.evaluate._removed import UNITS, faithfulness, network_inputs, whole_and_empty, without
from focus.exporter.evaluate._summary import summarise
from focus.exporter.evaluate._torch import TorchNetwork, randomised, untrained_prompts
from focus.exporter.evaluate._window import MODEL, WindowResult, measure_window
from focus.exporter.metrics import matched_iou, spearman
from focus.kernels import Saliency
from focus.runtime import Bundle, FocusError
from focus.runtime.engines import engine_from_path
from support.bundles import small_bundle
from support.nets import small_net
from support.windows import small_windows


def samples_of(count: int = 4) -> list[Sample]:
    """Windows of the small sensor; the first of three is healthy."""
    windows = small_windows((3, 3, count))
    truth = windows.truth
    assert truth is not None
    return [
        Sample(
            number,
            windows.band_means[index],
            windows.composite[index].astype(np.float32),
            int(windows.targets[index]),
            truth.informative[index],
            truth.lesion_share[index] >= 0.5,
            np.ones(truth.leaf_share.shape[1], bool),
        )
        for number, index in enumerate(windows.of("test"))
    ]


def lesioned() -> Sample:
    return next(sample for sample in samples_of() if sample.lesion.any())


def small_explainers() -> tuple[dict[str, Explainer], dict[str, Explainer]]:
    """A model with its controls, and the networks of the sanity checks."""
    net = small_net()
    bundle = small_bundle(net)
    model, untrained = TorchNetwork(net, bundle), untrained_prompts(net, bundle, 1)
    controls = {"untrained prompts": Borrowed(model, untrained.explain), "edge map": edges_of(model)}
    explainers = {MODEL: model, **controls, "random map": random_of(model, 1)}
    return explainers, {"untrained prompts": untrained, "nothing learnt": randomised(net, bundle, 1)}


class Brightness:
    """A network whose first class is the more probable, the brighter some voxels are above the training's mean."""

    def __init__(self, bundle: Bundle, voxels: np.ndarray) -> None:
        self.bundle, self._voxels = bundle, voxels

    def watch(self, spectra: np.ndarray, composite: np.ndarray) -> np.ndarray:
        return self.read(spectra, composite)

    def read(self, spectra: np.ndarray, composite: np.ndarray) -> np.ndarray:
        first = (spectra * self._voxels).sum(axis=(1, 2)) / self._voxels.sum()
        return np.stack([first, np.zeros_like(first), np.zeros_like(first)], axis=1).astype(np.float32)

    def explain(self, spectra: np.ndarray, composite: np.ndarray, shown: int) -> Saliency:
        cube = np.where(self._voxels, spectra, 0).T
        return Saliency(cube, cube.sum(axis=0), cube.max(axis=1))


def test_edges_are_where_a_band_changes() -> None:
    spectra = np.zeros((16, 2), np.float32)
    spectra[[2, 3, 6, 7, 10, 11, 14, 15], 1] = 1.0  # the right half is brighter in band 1
    maps = edge_maps(spectra, (4, 4))
    assert maps.cube is not None and not maps.cube[0].any()
    np.testing.assert_array_equal(maps.heatmap.reshape(4, 4) > 0, np.tile([False, True, True, False], (4, 1)))
    assert maps.curve.tolist() == [0.0, maps.cube[1].max()]


def test_a_random_map_is_the_same_for_the_same_seed_and_follows_eq_6() -> None:
    one, again, other = (random_maps(np.random.default_rng(seed), 5, 9) for seed in (1, 1, 2))
    assert one.cube is not None
    np.testing.assert_array_equal(one.heatmap, again.heatmap)
    assert not np.array_equal(one.heatmap, other.heatmap)
    np.testing.assert_allclose(one.heatmap, one.cube.sum(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(one.curve, one.cube.max(axis=1))


def test_removing_nothing_changes_nothing_and_removing_all_leaves_the_mean_spectrum() -> None:
    sample, bundle, rng = lesioned(), small_bundle(small_net()), np.random.default_rng(0)
    nothing = np.zeros(sample.band_means.shape, bool)
    for found, wanted in zip(
        without(sample, bundle, nothing, "patches", rng),
        network_inputs(bundle, sample.band_means, sample.composite),
        strict=True,
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    for unit in UNITS:
        spectra, composite = without(sample, bundle, ~nothing, unit, rng)
        assert np.abs(spectra).max() < 1e-6
        # Each channel is flat but for what the window's own noise left of composite and band means.
        flat = np.array(bundle.composite_weights) @ np.array(bundle.mean)
        expected = (flat - np.array(bundle.backbone.composite_mean)) / np.array(bundle.backbone.composite_deviation)
        np.testing.assert_allclose(composite, np.broadcast_to(expected[:, None, None], composite.shape), atol=0.02)


def test_the_composite_changes_as_that_of_a_changed_cube() -> None:
    bundle, rng = small_bundle(small_net()), np.random.default_rng(3)
    weights, (lines, samples), patch = np.array(bundle.composite_weights), bundle.window, bundle.backbone.patch
    grid = bundle.backbone.rows, bundle.backbone.columns
    means = rng.random((bundle.patches, bundle.bands)).astype(np.float32)
    detail = rng.standard_normal((lines, samples))
    detail -= _upsampled(_patch_means(detail, patch), patch)  # the same in every band, without changing a mean
    cube = np.stack([_upsampled(band.reshape(grid), patch) for band in means.T]) + detail
    sample = Sample(
        0, means, np.tensordot(weights, cube, axes=1).astype(np.float32), 0, means[0], means[:, 0] > 2, means[:, 0] > 2
    )
    removed = rng.random(means.shape) < 0.3
    spectra, composite = without(sample, bundle, removed, "voxels", rng)
    whole = np.stack([_upsampled(gone.reshape(grid), patch) for gone in removed.T.astype(float)]) > 0
    changed = np.where(whole, np.array(bundle.mean)[:, None, None], cube)
    wanted = network_inputs(
        bundle, np.where(removed, bundle.mean, means).astype(np.float32), np.tensordot(weights, changed, axes=1)
    )
    np.testing.assert_allclose(spectra, wanted[0], atol=1e-5)
    np.testing.assert_allclose(composite, wanted[1], atol=1e-3)


@pytest.mark.parametrize("unit", UNITS)
def test_a_map_of_what_matters_beats_its_reverse(unit: str) -> None:
    bundle, sample = small_bundle(small_net()), lesioned()
    means = np.full_like(sample.band_means, 0.25)
    voxels = np.zeros(means.shape, bool)
    voxels[np.ix_([5, 6], [3, 4, 5])] = True
    means[voxels] = 0.9
    sample, network = sample._replace(band_means=means), Brightness(bundle, voxels)
    cube = voxels.T.astype(np.float32) + 0.01 * np.random.default_rng(0).random(voxels.T.shape, np.float32)
    true, false = (Saliency(part, part.sum(axis=0), part.max(axis=1)) for part in (cube, 2 - cube))
    ends = whole_and_empty(network, sample, 0)
    found, reverse = (
        faithfulness(network, sample, maps, 0, unit, ends, np.random.default_rng(1))
        for maps in (true, false)  # type: ignore[arg-type]
    )
    assert ends[0] > 0.9 and ends[1] == pytest.approx(1 / 3, abs=1e-6)
    assert found.deletion < reverse.deletion and found.insertion > reverse.insertion
    # With all that matters among the first places removed, the score is the empty window's from there on.
    assert found.deletion < 0.45 and found.insertion > 0.8


def test_a_network_that_counts_gives_deletion_and_insertion_alike() -> None:
    bundle, sample = small_bundle(small_net()), lesioned()
    sample = sample._replace(band_means=np.full_like(sample.band_means, 0.9))
    network = Brightness(bundle, np.ones(sample.band_means.shape, bool))
    maps, ends = (
        random_maps(np.random.default_rng(0), bundle.bands, bundle.patches),
        whole_and_empty(network, sample, 0),
    )
    found = faithfulness(network, sample, maps, 0, "voxels", ends, np.random.default_rng(1))
    assert found.insertion == pytest.approx(found.deletion, abs=1e-3)


def test_controls_forget_what_they_should_and_the_network_stays() -> None:
    net = small_net()
    bundle = small_bundle(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    prompts, nothing = untrained_prompts(net, bundle, 1), randomised(net, bundle, 1)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    changed = [
        {name for name, value in control.net.state_dict().items() if not torch.equal(value, before[name])}
        for control in (prompts, nothing)
    ]
    assert changed == [{"prompts"}, {"prompts", "adapter", "sink"}]
    for control in (prompts, nothing):
        read = control.bundle.reading
        assert (read.band_share, read.group_share, read.reference) == (None, None, None)
        assert read.brightness == bundle.reading.brightness != ()  # of the data, not learnt
    np.testing.assert_allclose(prompts.bundle.adapter_norm, bundle.adapter_norm, rtol=1e-5)
    np.testing.assert_allclose(nothing.bundle.adapter_norm, nothing.net.adapter.detach().norm(dim=1), rtol=1e-5)


def test_untrained_prompts_are_read_with_untrained_vectors() -> None:
    net = small_net(readout="free")
    control = untrained_prompts(net, small_bundle(net), 1).net
    assert torch.equal(control.read_vectors, control.prompts)
    assert not torch.equal(control.read_vectors, net.read_vectors)


def test_torch_reads_as_one_pass_whatever_the_batch() -> None:
    model = small_explainers()[0][MODEL]
    assert isinstance(model, TorchNetwork)
    samples = samples_of(5)
    inputs = network_inputs(
        model.bundle,
        np.stack([sample.band_means for sample in samples]),
        np.stack([sample.composite for sample in samples]),
    )
    answer = model.answer(*inputs)
    alone = model.answer(inputs[0][4:], inputs[1][4:])
    heads = len(model.bundle.reading.heads)
    assert answer.attention.shape == (5, heads, 3, 5, 16) and answer.other_sink is not None
    assert answer.sink.shape[1] + answer.other_sink.shape[1] == model.bundle.backbone.heads
    for whole, one in zip(answer[:4], alone[:4], strict=True):
        np.testing.assert_allclose(whole[4:], one, atol=1e-5)


def test_a_window_is_measured_by_every_method() -> None:
    sample = lesioned()
    leaf = sample.lesion.copy()
    leaf[np.flatnonzero(~sample.lesion)[:1]] = True
    explainers, sanity = small_explainers()
    found = measure_window(explainers, sample._replace(leaf=leaf), 1, sanity)
    assert found.facts["names"] == [MODEL, "untrained prompts", "edge map", "random map"]
    assert found.heatmaps.shape == (4, 16) and found.curves.shape == (4, 24)
    for row in found.facts["methods"].values():
        assert row["gain_bands"] == pytest.approx(row["insertion_bands"] - row["deletion_bands"])
        assert all(0 <= row[key] <= 1 for key in row if not key.startswith("gain"))
    assert found.facts["chance"]["prevalence"] == 2 / 16 and found.facts["chance"]["ceiling_5"] == pytest.approx(
        found.facts["chance"]["ceiling_near_5"], abs=0.5
    )
    assert set(found.facts["sanity"]) == {"untrained prompts", "nothing learnt"}
    for name, heatmap in zip(found.facts["names"], found.heatmaps, strict=True):
        assert found.facts["methods"][name]["iou_leaf"] == matched_iou(heatmap[leaf], sample.lesion[leaf])
    compared = found.facts["sanity"]["untrained prompts"]
    assert compared["M"] == spearman(found.heatmaps[0], found.heatmaps[1])
    assert compared["B"] == spearman(found.curves[0], found.curves[1])
    cubes = [
        one.explain(*network_inputs(one.bundle, sample.band_means, sample.composite), shown).cube
        for one, shown in ((explainers[name], found.facts["answers"][MODEL]["shown"]) for name in list(explainers)[:2])
    ]
    assert compared["T"] == spearman(*(cube.ravel() for cube in cubes))
    for unit in UNITS:
        assert len({row[f"deletion_{unit}"] for row in found.facts["methods"].values()}) == 4
    assert json.loads(json.dumps(found.facts)) == found.facts


def test_figures_are_means_with_standard_errors_over_what_counts() -> None:
    def result(iou: float | None, label: int, heat: list[float], lesioned: bool = True) -> WindowResult:
        facts = {
            "label": label, "values": None, "lesioned": lesioned, "scored": iou is not None, "names": [MODEL],
            "answers": {MODEL: {"shown": 1, "logits": [0.0, 1.0]}},
            "attention": {MODEL: {"collapse": 0.5, "sink_others": None}}, "sanity": {"none": {"M": iou, "B": 0.0}},
        }  # fmt: skip
        if iou is not None:
            facts |= {"chance": {"prevalence": 0.5}, "methods": {MODEL: {"iou": iou}}}
        array = np.array([heat], np.float32)
        return WindowResult(facts, array, array, array, np.array([True, False]), array)

    windows = [result(0.2, 1, [3, 1]), result(0.6, 0, [2, 0]), result(None, 1, [0, 9]), result(None, 0, [0, 9], False)]
    found = summarise(windows, {"seed": 1})
    assert found["windows"] == {"all": 4, "lesioned": 3, "without_patch": 1, "scored": 2}
    assert found["answers"][MODEL]["accuracy"] == 0.5
    assert found["methods"][MODEL]["iou"] == pytest.approx([0.4, np.std([0.2, 0.6], ddof=1) / np.sqrt(2)])
    assert found["methods"][MODEL]["auprc_pooled"] == 1.0
    assert found["attention"][MODEL] == {"collapse": [0.5, 0.0], "sink_others": None}
    assert found["sanity"]["none"]["flat"] == 2


def test_a_run_goes_on_where_it_was_and_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (explainers, sanity), samples, folder = small_explainers(), samples_of(4), tmp_path / "eval"
    cache = Cache(folder)
    settings = {
        "model": "small", "data": "made for a test", "seed": 1, "windows": 4, "reader": "torch", "trained_on": None,
        "bundle": explainers[MODEL].bundle.model_dump(mode="json"),
    }  # fmt: skip
    cache.claim(settings)
    evaluate(explainers, samples[:2], cache, 1, sanity)
    with pytest.raises(FocusError, match="has 2 of 4 windows"):
        write_report(folder)
    (folder / "windows" / "00001.npz").write_bytes(b"half a f")
    measured = []
    whole = measure_window
    monkeypatch.setattr(
        run, "measure_window", lambda *given, **how: measured.append(given[1].number) or whole(*given, **how)
    )
    told: list[tuple[int, int]] = []
    Cache(folder).claim(settings)
    evaluate(explainers, samples, Cache(folder), 1, sanity, lambda done, total: told.append((done, total)))
    assert measured == [1, 2, 3] and told[-1] == (4, 4)

    tables = write_report(folder)
    first = {name: (folder / name).read_bytes() for name in FILES}
    assert [name for name in FILES if not first[name]] == []
    assert any("Which band" in table.title for table in tables)
    results = json.loads(first["results.json"])
    assert results["windows"]["all"] == 4 and "bundle" not in results["settings"]
    assert "| FOCUS |" in first["report.md"].decode() and first["report.png"].startswith(b"\x89PNG")
    write_report(folder)
    assert {name: (folder / name).read_bytes() for name in FILES[:2]} == {name: first[name] for name in FILES[:2]}

    before = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(json.dumps({**before, "layout": 1}))
    with pytest.raises(FocusError, match="was made by another version; evaluate again into another --out"):
        Cache(folder).claim(settings)
    (folder / "settings.json").write_text(json.dumps(before))
    with pytest.raises(FocusError, match="results of another seed; choose another --out"):
        Cache(folder).claim({**settings, "seed": 2})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    with pytest.raises(FocusError, match="is not empty and no evaluation"):
        Cache(tmp_path / "mine").claim(settings)


def test_held_out_windows_are_those_of_the_training_and_a_few_are_the_first_of_many() -> None:
    from focus.exporter.data import open_windows

    bundle = engine_from_path(None).bundle
    whole = open_windows("sim:vnir,scenes=6,val=2,test=3", 8, (128, 128), 1, workers=0)
    few = held_out_windows(held_out_plan("sim:vnir,test=2", bundle), bundle, 1, workers=0)
    assert [sample.label for sample in few] == [0, 1] and not few[0].informative.any()
    for sample, index in zip(few, whole.of("test")[:2], strict=True):
        np.testing.assert_array_equal(sample.band_means, whole.band_means[index])
        assert sample.leaf.any() and not (sample.lesion & ~sample.leaf).any()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("leaves.csv", "has no truth to hold maps against"),
        ("sim:vnir,task=chl", "tells classes, no traits; give --data sim:vnir,task=chl without task="),
        ("sim:full", "reads 204 bands, --data sim:full has 64"),
        ("sim:vnir,classes=4", "knows healthy, chlorosis, anthocyanin"),
    ],
)
def test_data_that_do_not_fit_are_refused(data: str, words: str) -> None:
    with pytest.raises(FocusError, match=words):
        held_out_plan(data, engine_from_path(None).bundle)


def _patch_means(values: np.ndarray, patch: int) -> np.ndarray:
    lines, samples = values.shape
    return values.reshape(lines // patch, patch, samples // patch, patch).mean(axis=(1, 3))


def _upsampled(values: np.ndarray, patch: int) -> np.ndarray:
    return values.repeat(patch, 0).repeat(patch, 1)
