"""What methods cost, against counts by hand."""

from __future__ import annotations

import numpy as np
import torch

from focus.exporter import methods as costs
from focus.exporter.bench._flops import Sizes, blocks_flops, pass_flops
from focus.exporter.evaluate._torch import TorchNetwork
from focus.exporter.methods import explainers_of
from focus.exporter.methods._adapted_vit import AdaptedViT
from support.bundles import small_bundle
from support.nets import BANDS, small_backbone, small_net

WIDTH, PATCHES, AREA, CLASSES = 32, 16, 36, 3
SIZES = Sizes(PATCHES, WIDTH, blocks=3)
EMBEDDING = 2 * PATCHES * 3 * AREA * WIDTH
HEAD = 2 * WIDTH * CLASSES


def window() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((PATCHES, BANDS)).astype(np.float32), rng.standard_normal((3, 24, 24)).astype(np.float32)


def adapted_ways() -> tuple[AdaptedViT, dict[str, object]]:
    net = AdaptedViT(small_backbone(), BANDS, CLASSES)
    return net, explainers_of("adapted-vit", net, small_bundle(small_net()))


def test_operations_of_the_vits_are_those_counted_by_hand() -> None:
    _, ways = adapted_ways()
    plain = costs.plain_flops(small_backbone(), CLASSES, window()[1])
    assert plain == EMBEDDING + blocks_flops(1 + PATCHES, SIZES) + HEAD
    adapter = 2 * PATCHES * BANDS * WIDTH
    assert costs.prediction_flops(ways["rollout"], *window()) == plain + adapter
    # A product of a matrix and a vector, which torch does not count, stands in place of the head.
    assert costs.explanation_flops(ways["difference-of-means"], *window()) == plain + adapter - HEAD


def test_operations_of_focus_are_those_counted_by_hand() -> None:
    net = small_net()
    explainer = TorchNetwork(net, small_bundle(net))
    tokens, prompts, heads, groups = 1 + PATCHES, CLASSES * 5, 4, 5
    size = WIDTH // heads
    patch_lane = blocks_flops(tokens, Sizes(PATCHES, WIDTH, blocks=2)) + 2 * (tokens + 1) * WIDTH**2
    own = 2 * 2 * heads * CLASSES * groups * groups * size
    through_bands = 2 * (2 * WIDTH * WIDTH * BANDS) + 2 * (2 * heads * prompts * size * BANDS)
    over_patches = 2 * heads * prompts * (size * tokens + 2 * BANDS * PATCHES)
    prompt_lane = 2 * prompts * (3 + 1 + 8) * WIDTH**2 + own + through_bands + over_patches
    wanted = EMBEDDING + 2 * PATCHES * BANDS * WIDTH + patch_lane + prompt_lane
    assert costs.explanation_flops(explainer, *window()) == wanted
    assert costs.prediction_flops(explainer, *window()) == wanted


def test_a_backward_pass_counts() -> None:
    _, ways = adapted_ways()
    once = costs.prediction_flops(ways["chefer"], *window())
    counts = {way: costs.explanation_flops(explainer, *window()) / once for way, explainer in ways.items()}
    assert counts["rollout"] < 1.2 < counts["grad-cam"] < 3.5
    # Fifty points, forward and backward; no gradient of frozen weights is formed.
    assert 90 < counts["integrated-gradients"] < 160


def test_cost_only_networks_count_as_the_benchmark_foresees() -> None:
    bands = 24
    embedding = 2 * bands * PATCHES * AREA * WIDTH
    found = {name: costs.cost_only(name, small_backbone(), bands, CLASSES) for name in costs.COST_ONLY}
    flops = {name: count for name, (_, count) in found.items()}
    assert flops["full-spectrum-vit"] == embedding + pass_flops("vanilla_full_spectrum", bands, SIZES) + HEAD
    out = 2 * PATCHES * WIDTH**2
    assert flops["d-chag-style"] == embedding + pass_flops("dchag_style", bands, SIZES) + out + HEAD
    frozen = sum(value.numel() for value in small_backbone().parameters())
    shared = bands * WIDTH + PATCHES * WIDTH + WIDTH + WIDTH * CLASSES + CLASSES
    assert found["full-spectrum-vit"][0] == (shared + AREA * WIDTH + WIDTH, frozen)
    assert found["d-chag-style"][0] == (shared + bands * AREA * WIDTH + WIDTH + 3 * (WIDTH**2 + WIDTH), frozen)


def test_sizes_tell_trainable_from_frozen() -> None:
    net, _ = adapted_ways()
    frozen = sum(value.numel() for value in small_backbone().parameters())
    assert costs.size_of(net) == (BANDS * WIDTH + CLASSES * WIDTH + CLASSES, frozen)


def test_latencies_are_ratios_to_the_plain_vit_in_turns() -> None:
    asked = []

    class Slow:
        bundle = small_bundle(small_net())

        def read(self, spectra: np.ndarray, composite: np.ndarray) -> np.ndarray:
            raise AssertionError("an explanation holds its own pass")

        watch = read

        def explain(self, spectra: np.ndarray, composite: np.ndarray, shown: int) -> None:
            asked.append(float(spectra[0, 0]))
            torch.ones(600, 600) @ torch.ones(600, 600)

    first, second = window(), window()
    second[0][0, 0] = 7.0
    backbone = small_backbone()
    found = costs.latencies({"slow": Slow()}, backbone, CLASSES, [first, second], rounds=3)
    assert asked == [first[0][0, 0], 7.0, first[0][0, 0], 7.0]
    assert list(found) == ["plain ViT", "slow"]
    assert found["plain ViT"].ratio == 1.0
    ratio = found["slow"].milliseconds / found["plain ViT"].milliseconds
    np.testing.assert_allclose(found["slow"].ratio, ratio)
    assert backbone.num_classes == 0
