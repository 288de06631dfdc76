"""The network computes docs/method.md."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from focus.exporter.export import folded
from focus.exporter.model import FocusNet, create_backbone, sink_loss
from focus.exporter.model import _lanes as lanes
from focus.kernels import saliency
from focus.runtime import FocusError
from focus.runtime.spectral import BandGroup, band_groups
from support.nets import BANDS, KINDS, groups, random_inputs, small_backbone, small_net
from support.plain_focus import plain_reading


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("read_blocks", [1, 2])
def test_logits_equal_separate_single_class_passes(kind: str, read_blocks: int) -> None:
    net = small_net(kind, classes=3, read_blocks=read_blocks)
    inputs = random_inputs(net)
    together = net(*inputs)
    for index in range(3):
        alone = FocusNet(net.backbone, groups(), 1, read_blocks).eval()
        with torch.no_grad():
            alone.adapter.copy_(net.adapter)
            alone.sink.copy_(net.sink)
            alone.scale.copy_(net.scale)
            alone.prompts.copy_(net.prompts.unflatten(0, (3, -1))[index])
            alone.bias.copy_(net.bias[index : index + 1])
        single = alone(*inputs)
        torch.testing.assert_close(single.logits[:, 0], together.logits[:, index], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(
            single.attention[-1][:, :, 0], together.attention[-1][:, :, index], atol=1e-5, rtol=1e-5
        )


#: Of the networks that are for comparison, but for the one without [SINK].
COMPARED = ({"readout": "free"}, {"values": "whole patch"})


@pytest.mark.parametrize(
    ("kind", "comparison"), [*((kind, {}) for kind in KINDS), *(("class-token", change) for change in COMPARED)]
)
@pytest.mark.parametrize("read_blocks", [1, 3])
def test_network_agrees_with_a_plain_float64_reading(kind: str, comparison: dict[str, str], read_blocks: int) -> None:
    net = small_net(kind, read_blocks=read_blocks, **comparison)
    means, composite = random_inputs(net)
    found = net(means, composite)
    logits, attention, sink = plain_reading(net, means.numpy(), composite)
    np.testing.assert_allclose(found.logits.detach().numpy(), logits, atol=2e-4, rtol=1e-3)
    np.testing.assert_allclose(found.attention[-1].detach().numpy(), attention, atol=2e-5)
    np.testing.assert_allclose(found.sink_mass[-1].detach().numpy(), sink, atol=2e-5)


def test_maps_agree_with_a_plain_float64_reading_of_equations_5_and_6() -> None:
    net = small_net()
    means, composite = random_inputs(net, windows=1)
    attention = net(means, composite).attention[-1][0, [0, 2, 3], 1].detach().numpy()
    norm = net.adapter.detach().norm(dim=1).numpy()
    share = np.linspace(0.1, 0.5, net.groups)
    found = saliency(attention, means[0].abs().numpy(), norm, share, with_cube=True)
    expected = np.zeros((BANDS, attention.shape[-1]))
    for patch in range(attention.shape[-1]):
        place = sum(
            share[group] * sum(float(attention[head, group, patch]) for head in range(3)) / 3
            for group in range(net.groups)
        )
        for band in range(BANDS):
            expected[band, patch] = place * float(norm[band]) * abs(float(means[0, patch, band]))
    np.testing.assert_allclose(found.cube, expected, rtol=1e-5)
    np.testing.assert_allclose(found.heatmap, expected.sum(0), rtol=1e-5)
    np.testing.assert_allclose(found.curve, expected.max(1), rtol=1e-5)


@pytest.mark.parametrize("read_blocks", [1, 2])
def test_what_heads_do_not_see_goes_to_what_they_see(read_blocks: int) -> None:
    net = small_net(read_blocks=read_blocks)
    means, composite = random_inputs(net)
    whole = net(means, composite)
    hidden = torch.rand(whole.attention[-1].flatten(2, 3).shape, generator=torch.Generator().manual_seed(1)) < 0.4
    found = net(means, composite, hidden)
    unseen = hidden.unflatten(2, (net.classes, net.groups))
    first, missed = whole.attention[0], torch.where(unseen, whole.attention[0], 0.0).sum(-1)
    torch.testing.assert_close(found.attention[0], torch.where(unseen, 0.0, first / (1 - missed)[..., None]))
    torch.testing.assert_close(found.sink_mass[0], whole.sink_mass[0] / (1 - missed))
    assert not found.attention[-1][unseen].any()
    assert not torch.allclose(found.logits, whole.logits, atol=1e-4)


@pytest.mark.parametrize("read_blocks", [1, 2])
def test_patch_features_do_not_depend_on_the_prompts(read_blocks: int) -> None:
    net = small_net(read_blocks=read_blocks)
    inputs = random_inputs(net)
    before = patch_memories(net, *inputs)
    with torch.no_grad():
        net.prompts.normal_()
    after = patch_memories(net, *inputs)
    assert len(before) == 2 * read_blocks
    for one, other in zip(before, after, strict=True):
        assert torch.equal(one, other)


def patch_memories(net: FocusNet, means: torch.Tensor, composite: torch.Tensor) -> list[torch.Tensor]:
    tokens = net.embed(means, composite)
    found: list[torch.Tensor] = []
    original = lanes.prompt_lane

    def record(block, prompts, memory, bands, count, **options):  # type: ignore[no-untyped-def]
        found.extend(memory[:2])
        return original(block, prompts, memory, bands, count, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("focus.exporter.model._focus.prompt_lane", record)
        for block in list(net.backbone.blocks)[: -net.read_blocks]:
            tokens = block(tokens)
        net.read(tokens, means)
    return found


def test_value_path_reads_only_the_own_group() -> None:
    """With the attention held fixed, other groups' bands change nothing that a prompt takes in; its own do."""
    net = small_net()
    means, composite = random_inputs(net)
    spans = groups()
    tokens = net.embed(means, composite)
    base = with_fixed_attention(net, tokens, means)
    for index, span in enumerate(spans):
        others = of_other_groups(means, span)
        found = with_fixed_attention(net, tokens, others)
        torch.testing.assert_close(found[:, :, index], base[:, :, index], atol=1e-5, rtol=1e-5)
        own = means.clone()
        own[..., span.first : span.stop] += 3.0
        assert (with_fixed_attention(net, tokens, own)[:, :, index] - base[:, :, index]).abs().max() > 1e-2


def test_values_of_whole_patches_hold_other_groups_bands_and_all_that_the_tokens_know() -> None:
    net = small_net(values="whole patch")
    means, composite = random_inputs(net)
    base = with_fixed_attention(net, net.embed(means, composite), means)
    for index, span in enumerate(groups()):
        others = of_other_groups(means, span)
        found = with_fixed_attention(net, net.embed(others, composite), others)
        assert (found[:, :, index] - base[:, :, index]).abs().max() > 1e-2
    # By the tokens alone: the prompts do not read the bands beside them.
    found = with_fixed_attention(net, net.embed(means, composite), means + 1.0)
    assert torch.equal(found, base)


def of_other_groups(means: torch.Tensor, span: BandGroup) -> torch.Tensor:
    """Band means that differ outside of one group."""
    others = means.clone()
    others[..., : span.first] += 3.0
    others[..., span.stop :] -= 2.0
    return others


def with_fixed_attention(net: FocusNet, tokens: torch.Tensor, spectra: torch.Tensor) -> torch.Tensor:
    """The prompts [B, K, G, d] behind the last block, whose attention is drawn."""
    block, patches = net.backbone.blocks[-1], spectra.shape[1]
    memory = lanes.patch_memory(block, tokens, whole=net.values == "whole patch")
    bands = lanes.Bands(spectra, net.adapter, net.group_mask)
    weights = torch.rand(2, 4, 15, 1 + patches + 5, generator=torch.Generator().manual_seed(0)).softmax(-1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "softmax", lambda self, dim: weights)
        prompts, _ = lanes.prompt_lane(block, net.prompts.unsqueeze(0), memory, bands, 5)
    return prompts.unflatten(1, (3, 5))


def test_a_free_read_out_starts_as_the_prompts_and_learns_by_itself() -> None:
    tied, free = (FocusNet(small_backbone(), groups(), 3, readout=readout) for readout in ("tied", "free"))
    inputs = random_inputs(free)
    with torch.no_grad():
        tied.prompts.copy_(free.prompts)
    assert torch.equal(free.read_vectors, free.prompts)
    assert torch.equal(free(*inputs).logits, tied(*inputs).logits)
    for net in (tied, free):
        net(*inputs).logits[:, 0].sum().backward()
    assert set(free.trainable) == {*tied.trainable, "read_vectors"}
    # The tied prompts' gradient has both ways in it: through the blocks, and as the read-out.
    torch.testing.assert_close(free.prompts.grad + free.read_vectors.grad, tied.prompts.grad)
    assert min(float(part.grad.abs().max()) for part in (free.prompts, free.read_vectors)) > 0


@pytest.mark.parametrize(
    ("comparison", "words"),
    [
        ({"readout": "free"}, "with a free read-out is for comparison and is not exported; train one with a tied one"),
        ({"values": "whole patch"}, "whose prompts take in whole patches is for comparison and is not exported; train"),
    ],
)
def test_networks_for_comparison_are_not_exported(comparison: dict[str, str], words: str) -> None:
    with pytest.raises(FocusError, match=f"^a model {words}"):
        folded(small_net(**comparison))


def test_without_a_sink_the_prompts_do_not_see_it_and_it_stays_the_backbones_own_token() -> None:
    net = FocusNet(small_backbone(), groups(), 3, sink=False)
    assert set(net.trainable) == {"adapter", "prompts", "scale", "bias"}
    reading = net(*random_inputs(net))
    assert float(reading.sink_mass[-1].detach().abs().max()) == 0.0
    before = reading.attention[-1].detach()
    tokens = net.embed(*random_inputs(net)).detach()
    for block in list(net.backbone.blocks)[:-1]:
        tokens = block(tokens)
    tokens[:, 0] += 7.0
    torch.testing.assert_close(net.read(tokens, random_inputs(net)[0]).attention[-1].detach(), before)
    with pytest.raises(FocusError, match=r"a model without \[SINK\] is for comparison and is not exported"):
        folded(net)


def test_only_the_trainable_tensors_receive_gradients_and_the_backbone_never_moves() -> None:
    net = FocusNet(small_backbone("registers"), groups(), 3)
    before = {name: value.clone() for name, value in net.backbone.state_dict().items()}
    optimiser = torch.optim.Adam([value for value in net.parameters() if value.requires_grad], lr=0.1)
    net.train()
    assert not net.backbone.training
    for _ in range(2):
        optimiser.zero_grad()
        reading = net(*random_inputs(net))
        (reading.logits.square().sum() + sink_loss(reading)).backward()
        optimiser.step()
    assert {name for name, value in net.named_parameters() if value.grad is not None} == set(net.trainable)
    assert set(net.trainable) == {"adapter", "prompts", "sink", "scale", "bias"}
    assert all(value.grad.abs().max() > 0 for value in net.trainable.values())
    for name, value in net.backbone.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_trainable_count_of_the_paper_size_is_under_one_percent() -> None:
    spans = band_groups(np.linspace(400, 1000, 204), 10)
    net = FocusNet(create_backbone("vit_base_patch16_224", (224, 224)), spans, 4)
    count = sum(value.numel() for value in net.trainable.values())
    total = sum(value.numel() for value in net.parameters())
    assert count == 204 * 768 + 4 * 10 * 768 + 768 + 1 + 4
    assert count / total < 0.01


def test_group_parts_add_up_to_the_logits() -> None:
    net = small_net()
    reading = net(*random_inputs(net))
    torch.testing.assert_close(reading.parts.sum(-1) + net.bias, reading.logits)


def test_read_blocks_beyond_the_depth_are_refused() -> None:
    with pytest.raises(ValueError, match=r"read_blocks must be 1..3, .*got 4"):
        FocusNet(small_backbone(), groups(), 2, read_blocks=4)
