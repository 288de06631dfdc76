"""The sink loss, by hand."""

from __future__ import annotations

import pytest
import torch

from focus.exporter.model import NetReading, auxiliary_heads, discriminative_heads, sink_loss


def reading(*blocks: tuple[list[list[float]], list[float]]) -> NetReading:
    """One window, class and group; of each block the heads' attention to the patches, and to [SINK]."""
    attention = tuple(torch.tensor(heads)[None, :, None, None].requires_grad_() for heads, _ in blocks)
    sink = tuple(torch.tensor(masses)[None, :, None, None].requires_grad_() for _, masses in blocks)
    return NetReading(torch.zeros(1, 1), attention, sink, torch.zeros(1, 1, 1))


SHARP = [0.6, 0.0, 0.0, 0.0]
EVEN = [0.2, 0.2, 0.2, 0.2]
UNEVEN = [0.1, 0.3, 0.3, 0.1]


def test_the_sharpest_head_goes_to_the_sink_and_the_others_do_not_collapse() -> None:
    found = sink_loss(reading(([EVEN, SHARP, UNEVEN], [0.1, 0.3, 0.15])))
    to_sink, even, uneven = 1 - 0.3, 1 - 0.8 + 0.2, 1 - 0.8 + 0.3
    assert found.item() == pytest.approx(to_sink + (even + uneven) / 2)


def test_blocks_count_by_their_mean() -> None:
    one, other = ([EVEN, SHARP], [0.1, 0.3]), ([UNEVEN, SHARP], [0.0, 0.2])
    both = sink_loss(reading(one, other))
    assert both.item() == pytest.approx(sink_loss(reading(one)).item() / 2 + sink_loss(reading(other)).item() / 2)


def test_the_gradient_takes_the_auxiliary_heads_to_the_sink_and_spreads_the_others() -> None:
    given = reading(([EVEN, SHARP, UNEVEN], [0.1, 0.3, 0.15]))
    sink_loss(given).backward()
    assert given.sink_mass[0].grad.flatten().tolist() == pytest.approx([0.0, -1.0, 0.0])
    slope = given.attention[0].grad[0, :, 0, 0]
    assert slope[1].tolist() == [0.0] * 4
    # One of the two strongest patches, or half each: the others rise at their cost.
    assert slope[2].tolist() == pytest.approx([-0.5, -0.25, -0.25, -0.5])


def test_which_heads_are_auxiliary_is_said_by_the_whole_batch() -> None:
    given = reading(([EVEN, SHARP], [0.1, 0.3]))
    turned = sink_loss(given, lambda entropy: -entropy)
    assert turned.item() == pytest.approx(1 - 0.1 + 1 - 0.6 + 0.6)


def test_for_comparison_the_evenest_head_goes_to_the_sink() -> None:
    found = sink_loss(reading(([EVEN, SHARP, UNEVEN], [0.1, 0.3, 0.15])), auxiliary="highest entropy")
    to_sink, sharp, uneven = 1 - 0.1, 1 - 0.6 + 0.6, 1 - 0.8 + 0.3
    assert found.item() == pytest.approx(to_sink + (sharp + uneven) / 2)


def test_random_heads_are_the_seeds_whatever_they_see() -> None:
    entropy = torch.arange(10.0)
    chosen = [auxiliary_heads(entropy, "random", seed).tolist() for seed in range(20)]
    assert chosen == [auxiliary_heads(-entropy.square(), "random", seed).tolist() for seed in range(20)]
    assert {head for heads in chosen for head in heads} == set(range(10))
    for seed, heads in enumerate(chosen):
        assert sorted([*heads, *discriminative_heads(entropy, "random", seed)]) == list(range(10))
    losses = [[sink_loss(reading(seen), auxiliary="random", seed=seed).item() for seed in range(20)] for seen in (
        ([EVEN, SHARP, UNEVEN], [0.1, 0.3, 0.15]), ([SHARP, EVEN, UNEVEN], [0.3, 0.1, 0.15])
    )]  # fmt: skip
    assert len(set(losses[0])) == 3 and losses[0] != losses[1]
