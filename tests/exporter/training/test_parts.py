"""Statistics, batches, schedule and the metrics of the report."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from focus.exporter.training import TrainSettings
from focus.exporter.training._batches import Batches, epoch_order, flip, random_moves
from focus.exporter.training._evaluate import each_class_loss, read_windows, task_loss
from focus.exporter.training._optimiser import BandAdam, make_optimiser, rate_at, whitening
from focus.exporter.training._processes import Processes
from focus.exporter.training._shown import (
    ShownReading,
    _covariance,
    band_shares,
    bright_directions,
    fix_reading,
    group_shares,
    set_apart,
)
from focus.exporter.training._statistics import LEAST_DEVIATION, training_statistics
from focus.kernels import standardise
from support.nets import small_backbone, small_net
from support.windows import small_windows

CPU = torch.device("cpu")


def test_composite_is_mapped_on_what_the_backbone_expects() -> None:
    windows = small_windows()
    chosen = windows.composite[windows.of("train")].astype(np.float64)
    backbone = nn.Identity()
    plain = training_statistics(windows, backbone)
    np.testing.assert_allclose(plain.composite_mean, chosen.mean((0, 2, 3)), rtol=1e-6)
    pooled = np.sqrt(chosen.var((0, 2, 3)).mean())
    np.testing.assert_allclose(plain.composite_deviation, [pooled] * 3, rtol=1e-6)
    backbone.pretrained_cfg = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    half = training_statistics(windows, backbone)
    photograph = (
        np.array([0.485, 0.456, 0.406]) + np.array([0.229, 0.224, 0.225]) * (0.1 - plain.composite_mean) / pooled
    )
    expected = (photograph - 0.5) / 0.5
    np.testing.assert_allclose((0.1 - half.composite_mean) / half.composite_deviation, expected, rtol=1e-6)


def test_band_statistics_leave_out_missing_values_other_splits_and_dead_bands() -> None:
    windows = small_windows()
    windows.band_means[0, 0, 0] = np.nan
    windows.band_means[:, :, 1] = np.nan
    windows.band_means[:, :, 2] = 0.125
    windows.band_means[windows.of("test")] += 5.0
    found = training_statistics(windows, nn.Identity())
    training = windows.band_means[windows.of("train")].reshape(-1, windows.bands).astype(np.float64)
    assert found.mean[0] == pytest.approx(np.nanmean(training[:, 0]))
    assert found.deviation[0] == pytest.approx(np.nanstd(training[:, 0]))
    assert (found.mean[1], found.deviation[1], found.dead[1]) == (0.0, 1.0, True)
    assert found.deviation[2] == LEAST_DEVIATION
    assert found.dead.sum() == 1


def test_inputs_are_those_of_the_runtime() -> None:
    windows = small_windows()
    windows.band_means[3, 1, 4] = np.nan
    statistics = training_statistics(windows, nn.Identity())
    means, composite = Batches(windows, statistics, torch.device("cpu")).inputs(np.array([3, 5]))
    expected = standardise(windows.band_means[[3, 5]], statistics.mean, statistics.deviation)
    np.testing.assert_allclose(means.numpy(), expected, atol=1e-5)
    assert means[0, 1, 4] == 0.0
    plain = windows.composite[[3, 5]].astype(np.float64)
    normalised = (plain - statistics.composite_mean[:, None, None]) / statistics.composite_deviation[:, None, None]
    np.testing.assert_allclose(composite.numpy(), normalised, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 5))
def test_an_epoch_reads_every_window_once_in_near_equal_batches(count: int, batch: int, epoch: int) -> None:
    chosen = np.arange(100, 100 + count)
    order = epoch_order(chosen, batch, 1, epoch)
    assert sorted(np.concatenate(order).tolist()) == chosen.tolist()
    sizes = {len(part) for part in order}
    assert max(sizes) <= batch
    assert max(sizes) - min(sizes) <= 1
    if min(sizes) < 3:
        with pytest.raises(ValueError, match="cannot be shared by 3 processes; start fewer, or give a larger --batch"):
            epoch_order(chosen, batch, 1, epoch, processes=3)
    else:
        shared = epoch_order(chosen, batch, 1, epoch, processes=3)
        assert all(np.array_equal(one, other) for one, other in zip(order, shared, strict=True))
    again = epoch_order(chosen, batch, 1, epoch)
    assert all(np.array_equal(one, other) for one, other in zip(order, again, strict=True))


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 100))
def test_flips_move_band_means_and_composite_alike(rows: int, columns: int, seed: int) -> None:
    patch = 3
    composite = torch.randn(6, 3, rows * patch, columns * patch, generator=torch.Generator().manual_seed(seed))
    means = composite.unflatten(2, (rows, patch)).unflatten(4, (columns, patch)).mean((3, 5))
    means = means.flatten(2).transpose(1, 2)
    moves = random_moves(6, (rows, columns), np.random.default_rng(seed))
    turned, image = flip(means, composite, (rows, columns), moves)
    again = image.unflatten(2, (rows, patch)).unflatten(4, (columns, patch)).mean((3, 5))
    torch.testing.assert_close(turned, again.flatten(2).transpose(1, 2))
    torch.testing.assert_close(image.flatten(1).sort().values, composite.flatten(1).sort().values)


def test_every_one_of_the_eight_moves_happens() -> None:
    composite = torch.arange(16.0).reshape(1, 1, 4, 4).repeat(200, 3, 1, 1)
    means = torch.zeros(200, 4, 2)
    _, image = flip(means, composite, (2, 2), random_moves(200, (2, 2), np.random.default_rng(0)))
    assert len({tuple(window.flatten().tolist()) for window in image}) == 8


def test_the_loss_of_each_class_by_itself_by_hand() -> None:
    logits, targets = torch.tensor([[2.0, -1.0, 0.0], [0.0, 0.0, 3.0]]), torch.tensor([0, 1])
    by_hand = np.log1p(np.exp([[-2.0, -1.0, 0.0], [0.0, 0.0, 3.0]])).sum() / 2
    torch.testing.assert_close(each_class_loss(logits, targets), torch.tensor(by_hand).float())
    assert each_class_loss(logits - 5, targets) > each_class_loss(logits, targets)
    torch.testing.assert_close(
        task_loss(logits - 5, targets, "classification"), task_loss(logits, targets, "classification")
    )


def test_the_rate_rises_and_falls() -> None:
    rates = [rate_at(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == 1.0
    assert rates.index(1.0) in (9, 10)
    assert rates[-1] < 0.02
    assert all(later <= earlier for earlier, later in pairwise(rates[10:]))


def test_everything_trainable_is_moved_and_only_the_adapter_decays() -> None:
    net = small_net()
    groups = make_optimiser(net, TrainSettings(weight_decay=0.3)).param_groups
    decay = {id(value): group["weight_decay"] for group in groups for value in group["params"]}
    assert set(decay) == {id(value) for value in net.trainable.values()}
    assert decay[id(net.adapter)] == 0.3
    assert sum(rate > 0 for rate in decay.values()) == 1


def test_without_the_mean_over_bands_it_is_adamw() -> None:
    ours, theirs = (torch.nn.Parameter(torch.linspace(-1, 1, 12).reshape(4, 3)) for _ in range(2))
    own = BandAdam(torch.nn.Parameter(torch.zeros(1, 1)), [ours], 0.1, 0.0)
    plain = torch.optim.AdamW([theirs], 0.1, weight_decay=0.0)
    for step in range(5):
        gradient = torch.randn(4, 3, generator=torch.Generator().manual_seed(step))
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        own.step()
        plain.step()
    torch.testing.assert_close(ours, theirs)


def test_a_band_moves_in_proportion_to_its_gradient() -> None:
    adapter = torch.nn.Parameter(torch.zeros(3, 2))
    optimiser = BandAdam(adapter, [], 0.1, 0.0)
    for _ in range(4):
        adapter.grad = torch.tensor([[1.0, 1.0], [0.1, 0.1], [0.0, 0.0]])
        optimiser.step()
    assert (adapter[0] / adapter[1]).tolist() == pytest.approx([10.0, 10.0], rel=1e-4)
    assert adapter[2].tolist() == [0.0, 0.0]
    optimiser.param_groups[0]["weight_decay"] = 1.0
    before = adapter.detach().clone()
    adapter.grad = torch.zeros(3, 2)
    optimiser.state.clear()
    optimiser.step()
    torch.testing.assert_close(adapter.detach(), 0.9 * before)


def test_a_whitened_gradient_finds_faint_directions_as_fast_as_bright_ones() -> None:
    """Spectra vary by 4 along one direction and by 0.04 along another: least squares, the same error in both."""
    bright, faint = torch.tensor([0.6, 0.8, 0.0]), torch.tensor([-0.8, 0.6, 0.0])
    rng = torch.Generator().manual_seed(0)
    parts = torch.linalg.qr(torch.randn(500, 2, generator=rng)).Q * 500**0.5
    x = parts * torch.tensor([2.0, 0.2]) @ torch.stack([bright, faint])
    found = whitening(x, 1e-6)
    torch.testing.assert_close(found @ bright, bright, atol=1e-4, rtol=0)
    torch.testing.assert_close(found @ faint, 10.0 * faint, atol=1e-2, rtol=0)
    torch.testing.assert_close(whitening(x, 1.0) @ faint, faint / 1.01**0.5, atol=1e-4, rtol=0)
    adapter = torch.nn.Parameter(torch.zeros(3, 1))
    optimiser = BandAdam(adapter, [], 0.1, 0.0, found)
    (x @ (bright + faint) - (x @ adapter)[:, 0]).square().mean().backward()
    optimiser.step()
    moved = adapter.detach()[:, 0]
    assert float(moved @ faint / (moved @ bright)) == pytest.approx(0.1, rel=1e-3)  # 0.01 without
    assert torch.isfinite(whitening(torch.zeros(4, 3), 0.003)).all()


def test_what_is_shown_is_measured_on_the_training_split() -> None:
    windows = small_windows((13, 4, 4))
    net = small_net()
    statistics = training_statistics(windows, small_backbone())
    batches = Batches(windows, statistics, CPU)
    found = fix_reading(net, batches, 4)
    spectra, composite = batches.inputs(windows.of("train"))
    spectra.requires_grad_()
    reading = net(spectra, composite)
    chosen = torch.eye(net.classes)[windows.targets[windows.of("train")]]
    attention, directions = reading.attention[-1].detach(), torch.from_numpy(found.brightness).float()
    around = pooled(attention.mean(dim=(1, 2, 3))[:, None], spectra)
    of_class = [spectra.detach()[chosen[:, target] > 0] for target in range(net.classes)]
    np.testing.assert_allclose(directions.T @ directions, beside(found, of_class), atol=1e-4)
    for target in range(net.classes):
        [slope] = torch.autograd.grad(reading.logits[:, target].sum(), spectra, retain_graph=True)
        centred = (chosen[:, target] - chosen[:, target].mean())[:, None]
        bands, groups = (slope * spectra).sum(dim=1).detach(), reading.parts[:, target].detach()
        of_bands, of_groups = (((part - part.mean(0)) * centred).mean(0).clamp_min(0) for part in (bands, groups))
        norm = net.adapter.detach().norm(dim=1)
        own = attention[:, found.heads, target].mean(dim=1)
        share = of_groups / own.sum(dim=-1).mean(dim=0)
        share = share / share.sum()
        np.testing.assert_allclose(found.group_share[target], share, rtol=1e-3, atol=1e-5)
        place = torch.einsum("bgn,g->bn", own, share)
        apart = (pooled(place[:, None], spectra) - around)[chosen[:, target] > 0].mean(dim=0)
        apart = (apart - directions.T @ (directions @ apart)).abs()
        added, norm = (spread_out(part, batches.windows.wavelengths_nm) for part in (of_bands, norm))
        wanted = apart * (added / added.mean() + 0.3 * norm / norm.mean()).sqrt()
        assert wanted.max() > 0 and 0 < share.max() < 1
        np.testing.assert_allclose(found.band_share[target], wanted / wanted.mean(), rtol=1e-3, atol=1e-4)
    with pytest.raises(ValueError, match="at least one training window"):
        fix_reading(net, Batches(small_windows((0, 4, 4)), statistics, CPU), 4)


def spread_out(values: torch.Tensor, wavelengths_nm: np.ndarray) -> torch.Tensor:
    """Each band's value, given away to all bands by a Gaussian of 40 nm about it."""
    found = torch.zeros_like(values)
    for value, centre in zip(values, wavelengths_nm, strict=True):
        shares = torch.exp(-0.5 * ((torch.from_numpy(wavelengths_nm) - centre) / 40.0) ** 2).to(values)
        found += value * shares / shares.sum()
    return found


def beside(found: ShownReading, of_class: list[torch.Tensor]) -> np.ndarray:
    """U^T U [C, C] of the windows [B, N, C] of each class."""
    scatters = []
    for spectra in of_class:
        apart = (spectra - spectra.mean(dim=1, keepdim=True)).flatten(0, 1).double().numpy()
        scatters.append(apart.T @ apart)
    wanted = bright_directions(np.stack(scatters))
    assert wanted.shape == found.brightness.shape
    return wanted.T @ wanted


def pooled(attention: torch.Tensor, spectra: torch.Tensor) -> torch.Tensor:
    """x^ [B, C] where attention [B, C or 1, N] looks."""
    shares = attention / attention.sum(dim=-1, keepdim=True)
    return (shares * spectra.detach().transpose(1, 2)).sum(dim=-1)


def test_the_reference_is_what_all_prompts_see_together() -> None:
    windows = small_windows((13, 4, 4))
    net = small_net()
    batches = Batches(windows, training_statistics(windows, small_backbone()), CPU)
    [(_, reading)] = read_windows(net, batches, windows.of("train"), 100)
    around = pooled(reading.attention[-1].mean(dim=(1, 2, 3))[:, None], batches.inputs(windows.of("train"))[0])
    wanted = np.median(around.numpy(), axis=0)
    np.testing.assert_allclose(fix_reading(net, batches, 4).reference, wanted, rtol=1e-3, atol=1e-5)


def test_a_class_is_set_apart_by_its_own_windows() -> None:
    contrast = np.zeros((3, 3, 2))
    contrast[:, 0] = [[1.0, -2.0], [3.0, -4.0], [9.0, 9.0]]
    contrast[:, 1] = [[9.0, 9.0], [9.0, 9.0], [-0.5, 0.0]]
    around = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    of_class = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    given = contrast + around[:, None], around, of_class, "classification"
    np.testing.assert_array_equal(set_apart(*given, np.empty((0, 2))), [[2.0, 3.0], [0.5, 0.0], [1.0, 1.0]])
    # But for (3, -4) / 5, along which (2, -3) has 18 / 5 and (-0.5, 0) has -1.5 / 5.
    found = set_apart(*given, np.array([[0.6, -0.8]]))
    np.testing.assert_allclose(found, [[0.16, 0.12], [0.32, 0.24], [1.0, 1.0]], atol=1e-12)


def test_a_target_is_set_apart_by_what_varies_with_it() -> None:
    target = np.array([[-1.0, 1.0], [0.0, 1.0], [1.0, -2.0]])
    around = np.array([[3.0, 7.0], [0.0, 7.0], [-3.0, 7.0]])
    found = set_apart(np.full((3, 2, 2), np.nan), around, target, "regression", np.empty((0, 2)))
    np.testing.assert_allclose(found, [[2.0, 0.0], [3.0, 0.0]])
    found = set_apart(np.full((3, 2, 2), np.nan), around, target, "regression", np.array([[0.6, 0.8]]))
    np.testing.assert_allclose(found, [[2.0 * 0.64, 2.0 * 0.48], [3.0 * 0.64, 3.0 * 0.48]])


def test_a_regression_is_measured_by_what_varies_with_its_target() -> None:
    windows = small_windows((13, 4, 4), "regression")
    net = small_net(classes=1)
    batches = Batches(windows, training_statistics(windows, small_backbone()), CPU)
    train = windows.of("train")
    spectra, composite = batches.inputs(train)
    spectra.requires_grad_()
    reading = net(spectra, composite)
    [slope] = torch.autograd.grad(reading.logits.sum(), spectra)
    target = batches.targets(train)
    parts = (
        (slope * spectra).sum(dim=1).detach(),
        reading.parts[:, 0].detach(),
        pooled(reading.attention[-1].detach().mean(dim=(1, 2, 3))[:, None], spectra),
    )
    bands, groups, around = (((part - part.mean(0)) * (target - target.mean(0))).mean(0) for part in parts)
    norm = net.adapter.detach().norm(dim=1)
    added, norm = (spread_out(part, batches.windows.wavelengths_nm) for part in (bands.clamp_min(0), norm))
    found = fix_reading(net, batches, 4)
    directions = torch.from_numpy(found.brightness).float()
    np.testing.assert_allclose(directions.T @ directions, beside(found, [spectra.detach()]), atol=1e-4)
    apart = (around - directions.T @ (directions @ around)).abs()
    wanted = apart * (added / added.mean() + 0.3 * norm / norm.mean()).sqrt()
    assert wanted.max() > 0 and groups.max() > 0
    np.testing.assert_allclose(found.band_share[0], wanted / wanted.mean(), rtol=1e-3, atol=1e-4)
    mass = reading.attention[-1].detach()[:, found.heads, 0].mean(dim=1).sum(dim=-1).mean(dim=0)
    share = groups.clamp_min(0) / mass
    np.testing.assert_allclose(found.group_share[0], share / share.sum(), rtol=1e-3)


def test_a_part_adds_to_a_class_what_it_adds_in_its_windows_more_than_in_others() -> None:
    """Part 1 knows the class, part 0 adds as much in every window."""
    labels = np.array([0, 0, 1, 1])
    parts = np.zeros((4, 2, 3))
    parts[:, :, 0] = 5.0
    parts[labels == 0, 0, 1], parts[labels == 1, 1, 1] = 2.0, 1.0
    parts[labels == 0, 0, 2] = -1.0
    found = _covariance(parts, np.eye(2)[labels])
    np.testing.assert_allclose(found, [[0.0, 0.5, -0.25], [0.0, 0.25, 0.0]])


def test_band_shares_have_the_mean_1_and_none_is_negative() -> None:
    of_bands = np.array([[3.0, 1.0, -5.0, 2.0], [-1.0, 0.0, 0.0, 0.0]])
    norm = np.array([1.0, 2.0, 3.0, 2.0])
    # (3, 1, 0, 2) / 1.5 + 0.3 (1, 2, 3, 2) / 2; the second class has the norms alone.
    apart = np.array([[1.0, 2.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    weight = np.array([2.15, 0.3 + 2 / 3, 0.45, 0.3 + 4 / 3]) ** 0.5 * apart[0]
    wanted = [weight / weight.mean(), norm**0.5 / (norm**0.5).mean()]
    far = np.array([500.0, 1000.0, 1500.0, 2000.0])
    np.testing.assert_allclose(band_shares(of_bands, norm, apart, far), wanted)
    np.testing.assert_array_equal(band_shares(-of_bands.clip(0), np.zeros(4), apart, far), np.ones((2, 4)))
    np.testing.assert_array_equal(band_shares(of_bands, norm, np.zeros((2, 4)), far), np.ones((2, 4)))


def test_neighbouring_bands_share_what_they_add() -> None:
    """The adapter took the band at 530 nm; bands beside it tell the same, and are told apart better up to 560 nm."""
    wavelengths = np.arange(400.0, 701.0, 10.0)
    added = np.where(wavelengths == 530, 1.0, 0.0)[None]
    apart = np.exp(-0.5 * ((wavelengths - 560) / 30) ** 2)[None]
    found = band_shares(added, np.zeros(31), apart, wavelengths)[0]
    # d times the root of the spread-out e: of Gaussians of 30 nm at 560 and of 40 sqrt(2) nm at 530.
    place = (560 / 30**2 + 530 / (2 * 40**2)) / (1 / 30**2 + 1 / (2 * 40**2))
    assert abs(wavelengths[found.argmax()] - place) <= 5.0 and found.mean() == pytest.approx(1.0)
    away = band_shares(np.where(wavelengths == 700, 1.0, 0.0)[None], np.zeros(31), apart, wavelengths)[0]
    assert wavelengths[away.argmax()] > 570


def test_a_place_is_seen_by_the_groups_that_speak_for_the_class() -> None:
    found = group_shares(np.array([[3.0, -1.0, 1.0], [-1.0, 0.0, -2.0]]), np.array([[1.0, 1.0, 0.5], [0.2, 0.1, 0.2]]))
    np.testing.assert_allclose(found, [[0.6, 0.0, 0.4], [0.25, 0.5, 0.25]])


def test_brightness_is_what_patches_of_every_class_differ_by() -> None:
    """Of six directions the first two are large in both classes; the third is the largest of one class alone."""
    axes = np.linalg.qr(np.random.default_rng(0).standard_normal((6, 6)))[0]
    sizes = np.array([[60.0, 30.0, 0.5, 5.0, 2.5, 2.0], [300.0, 150.0, 500.0, 20.0, 20.0, 10.0]])
    scatter = np.stack([axes @ np.diag(size) @ axes.T for size in sizes])
    found = bright_directions(scatter)
    np.testing.assert_allclose(np.abs(found[::-1] @ axes), np.eye(6)[:2], atol=1e-10)
    np.testing.assert_allclose(np.abs(bright_directions(scatter[1:])[::-1] @ axes), np.eye(6)[[2, 0, 1]], atol=1e-10)
    again = bright_directions(np.concatenate([scatter, np.zeros((1, 6, 6))]))
    np.testing.assert_array_equal(again, found)
    assert bright_directions(np.zeros((2, 4, 4))).shape == (0, 4)


def test_the_share_of_a_regression_target_follows_the_target() -> None:
    target = np.array([-1.0, 0.0, 1.0])
    parts = np.stack([2.0 * target, 0.5 * target, -target], axis=1)[:, None]
    covariance = _covariance(parts, target[:, None])
    roots, far = np.array([2.0, 0.5, 0.0]) ** 0.5, np.array([500.0, 1000.0, 1500.0])
    np.testing.assert_allclose(
        band_shares(covariance, np.zeros(3), np.ones((1, 3)), far), [roots / roots.mean()], atol=1e-12
    )


@given(st.integers(1, 7), st.lists(st.integers(0, 10**6), max_size=30))
def test_processes_share_all_of_a_batch_and_put_it_together_in_order(count: int, items: list[int]) -> None:
    everyone = []
    for rank in range(count):
        processes = Processes()
        processes.rank, processes.count = rank, count
        everyone.append(processes)
    batch = np.array(items, np.int64)
    shares = [processes.share(batch).tolist() for processes in everyone]
    assert sorted(item for own in shares for item in own) == sorted(items)
    if items:
        assert sum(processes.weight(batch) for processes in everyone) == pytest.approx(1.0)

    def gather(parts: list[object], own: object) -> None:
        parts[:] = shares

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.distributed, "all_gather_object", gather)
        for processes, own in zip(everyone, shares, strict=True):
            assert processes.gathered(own) == items
