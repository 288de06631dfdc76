"""Which heads are shown."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from focus.exporter.metrics import from_neighbours
from focus.exporter.training._batches import Batches, spread
from focus.exporter.training._heads import best_together, lost, shown_heads, without_patches
from focus.exporter.training._statistics import training_statistics
from support.nets import small_backbone, small_net
from support.windows import small_windows

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("together", "shown"),
    [
        ({2: 0.9, 3: 0.5, 4: 0.6}, (2, 3)),  # the two that lose most alone lose most together
        ({2: 0.4, 3: 0.5, 4: 0.6}, (2,)),  # one knows the place, the others dilute it
        ({2: 0.8, 3: 0.9, 4: 1.0}, (0, 1, 2, 3)),  # none stands out
        ({2: 0.7, 3: 0.7, 4: 0.7}, (2,)),  # the fewest of those that lose as much
    ],
)
def test_heads_are_shown_that_lose_the_answer_together(together: dict[int, float], shown: tuple[int, ...]) -> None:
    alone = [0.1, -0.2, 0.7, 0.3]
    asked = []

    def lost_without(heads: list[int]) -> float:
        asked.append(tuple(heads))
        return alone[heads[0]] if len(heads) == 1 else together[len(heads)]

    assert best_together(4, lost_without) == shown
    assert asked == [(0,), (1,), (2,), (3,), (2, 3), (2, 3, 0), (2, 3, 0, 1)]


def test_a_class_loses_log_probability_and_a_target_its_way_from_the_mean() -> None:
    whole, without = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([[-1.0, 0.0], [2.0, 0.0]])
    found = lost(whole, without, torch.tensor([0, 1]))
    sure = np.log(1.0 + np.e) - np.log(2.0)
    np.testing.assert_allclose(found, [sure, 0.0], atol=1e-6)
    found = lost(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, 1.0]]), torch.zeros(1, 2))
    np.testing.assert_allclose(found, [(0.5 + 3.0) / 2.0])


def test_removed_patches_become_what_is_around_them() -> None:
    rng = np.random.default_rng(3)
    spectra = torch.from_numpy(rng.standard_normal((2, 12, 5))).float()
    composite = torch.from_numpy(rng.standard_normal((2, 3, 24, 32))).float()  # 3 x 4 patches of 8
    removed = torch.zeros(2, 12, dtype=torch.bool)
    removed[0, 5] = removed[1, [0, 11]] = True
    means, picture = without_patches(spectra, composite, removed, (3, 4))
    for window in range(2):
        mask = removed[window].numpy()
        wanted = from_neighbours(spectra[window].numpy(), mask, (3, 4))
        np.testing.assert_allclose(means[window], wanted, rtol=1e-5)
    assert torch.equal(picture[0, :, :8], composite[0, :, :8])  # the first row of patches stays
    hole = picture[0, :, 8:16, 8:16]
    level = composite[0].reshape(3, 3, 8, 4, 8).mean(dim=(2, 4)).flatten(1).T
    wanted = from_neighbours(level.numpy(), removed[0].numpy(), (3, 4))[5]
    np.testing.assert_allclose(hole, np.broadcast_to(wanted[:, None, None], (3, 8, 8)), rtol=1e-4, atol=1e-6)


def test_the_head_that_looks_at_what_the_answer_needs_is_shown() -> None:
    """Of a real network, by hand: each head's own patches are taken away, and the loss of the answer is compared."""
    windows = small_windows((13, 4, 4))
    net = small_net().eval()
    batches = Batches(windows, training_statistics(windows, small_backbone()), CPU)
    chosen = windows.of("train")
    found = shown_heads(net, batches, chosen, 4)
    with torch.no_grad():
        spectra, composite = batches.inputs(chosen)
        targets, reading = batches.targets(chosen), net(spectra, composite)
        looks = reading.attention[-1].mean(dim=3)[torch.arange(len(chosen)), :, targets]
        grid = net.backbone.patch_embed.grid_size
        count = max(1, round(0.1 * looks.shape[-1]))

        def lost_without(heads: list[int]) -> float:
            top = looks[:, heads].mean(dim=1).argsort(dim=-1, descending=True)[:, :count]
            removed = torch.zeros(looks.shape[0], looks.shape[-1], dtype=torch.bool).scatter_(1, top, True)
            logits = net(*without_patches(spectra, composite, removed, grid)).logits
            return float(lost(reading.logits, logits, targets).mean())

        assert found == best_together(looks.shape[1], lost_without)


def test_a_spread_has_the_first_and_the_last_and_no_window_twice() -> None:
    assert spread(np.arange(10, 20), 4).tolist() == [10, 13, 16, 19]
    assert spread(np.arange(3), 128).tolist() == [0, 1, 2]
