"""Maps of the other methods against what can be worked out by hand."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor

from focus.exporter.methods import explainers_of
from focus.exporter.methods._adapted_vit import AdaptedViT
from focus.exporter.methods._attention import chefer, relevance, rolled_out, rollout, seen_attention
from focus.exporter.methods._cams import difference_of_means, grad_cam, layer_cam
from focus.exporter.methods._explainer import maps_of_heatmap
from focus.exporter.methods._gradients import attributions, maps_of_attributions, spectral_maps_of_attributions
from focus.exporter.methods._prompt_cam import PromptCam, prompt_attention
from focus.exporter.methods._se_cnn import SpectralSeCnn, gate_sensitivity
from focus.exporter.model import TrainableNet
from focus.runtime import Bundle, FocusError
from support.bundles import small_bundle
from support.nets import BANDS, KINDS, small_backbone, small_net

CLASSES, PATCHES, GRID = 3, 16, (4, 4)


def stirred(net: TrainableNet) -> TrainableNet:
    """With every trainable tensor away from its start."""
    torch.manual_seed(5)
    with torch.no_grad():
        for name, value in net.trainable.items():
            value.add_((0.05 if name == "adapter" else 0.3) * torch.randn_like(value))
    return net.eval()


def adapted(kind: str = "class-token") -> AdaptedViT:
    net = stirred(AdaptedViT(small_backbone(kind), BANDS, CLASSES))
    assert isinstance(net, AdaptedViT)
    net.reference.copy_(torch.randn(net.reference.shape))
    return net


def prompt_cam(read_blocks: int = 1) -> PromptCam:
    net = stirred(PromptCam(small_backbone(), BANDS, CLASSES, read_blocks))
    assert isinstance(net, PromptCam)
    return net


def se_cnn() -> SpectralSeCnn:
    net = stirred(SpectralSeCnn(BANDS, CLASSES, GRID, 6))
    assert isinstance(net, SpectralSeCnn)
    return net


def window(size: tuple[int, int] = (24, 24), patches: int = PATCHES) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(1, patches, BANDS, generator=generator), torch.randn(1, 3, *size, generator=generator)


def bundle_of() -> Bundle:
    """Of the small sensor and window; every network of this file reads them."""
    return small_bundle(small_net())


def test_an_adapter_of_zeros_leaves_the_vit_as_it_is() -> None:
    for kind in KINDS:
        backbone = small_backbone(kind)
        net = AdaptedViT(backbone, BANDS, CLASSES).eval()
        means, composite = window(backbone.patch_embed.img_size, backbone.patch_embed.num_patches)
        wanted = backbone.fc_norm(backbone.forward_features(composite)[:, backbone.num_prefix_tokens :])
        torch.testing.assert_close(net.tokens(means, composite), wanted)
        with torch.no_grad():
            net.adapter.add_(0.05 * torch.randn(net.adapter.shape))
        assert not torch.allclose(net.tokens(means, composite), wanted, atol=1e-3)


def test_nothing_of_the_backbone_gets_a_gradient() -> None:
    for net in (adapted(), prompt_cam(2)):
        net.train()
        net(*window()).logits.sum().backward()
        assert not net.backbone.training
        assert all(value.grad is None and not value.requires_grad for value in net.backbone.parameters())
        assert all(value.grad is not None and value.grad.any() for value in net.trainable.values())


def test_trainable_parameters_are_those_of_the_equations() -> None:
    width = 32
    counts = [sum(value.numel() for value in net.trainable.values()) for net in (adapted(), prompt_cam(2))]
    assert counts == [BANDS * width + CLASSES * width + CLASSES, BANDS * width + 2 * CLASSES * width + width + 1]


def seen_at(net: AdaptedViT | SpectralSeCnn, shown: int) -> tuple[Tensor, Tensor]:
    """What the CAM layer gives for ``window``, and the shown logit's gradient there, both [d, N]."""
    kept: list[Tensor] = []
    hook = net.cam_layer.register_forward_hook(lambda _layer, _given, found: kept.append(found))
    logit = net(*window()).logits[0, shown]
    hook.remove()
    (gradient,) = torch.autograd.grad(logit, kept)
    return net.on_grid(kept[0].detach())[0].flatten(1), net.on_grid(gradient)[0].flatten(1)


def test_grad_cam_of_a_linear_head_is_the_class_activation_map() -> None:
    net = se_cnn()
    maps, _ = seen_at(net, 1)
    found = grad_cam(net, *window(), shown=1)
    torch.testing.assert_close(found, (net.head.weight[1] @ maps / PATCHES).relu().detach())
    assert 0 < int((found > 0).sum()) < PATCHES


def test_cams_of_the_vit_weigh_tokens_with_gradients() -> None:
    for kind in ("class-token", "registers"):
        net = adapted(kind)
        tokens, gradient = seen_at(net, 2)
        wanted = (gradient.mean(dim=1) @ tokens).relu()
        torch.testing.assert_close(grad_cam(net, *window(), shown=2), wanted)
        torch.testing.assert_close(layer_cam(net, *window(), shown=2), (gradient.relu() * tokens).sum(dim=0).relu())
        assert wanted.max() > 0
    assert all(value.grad is None for value in net.parameters())
    assert not net.cam_layer._forward_hooks, "hooks that stay would keep every later pass in memory"


def test_the_difference_of_means_looks_along_what_sets_the_window_apart() -> None:
    net, inputs = adapted(), window()
    tokens = net.tokens(*inputs)[0]
    net.reference.copy_(torch.stack([tokens.mean(dim=0)] * CLASSES))
    net.reference[1, 4] -= 2.0
    assert not difference_of_means(net, *inputs, shown=0).any(), "nothing sets it apart"
    torch.testing.assert_close(difference_of_means(net, *inputs, shown=1), (2.0 * tokens[:, 4]).relu())


def test_the_attention_that_is_seen_is_the_one_that_is_used() -> None:
    net, inputs = adapted("qk-norm"), window()
    before = net(*inputs).logits
    with seen_attention(net.backbone) as seen:
        torch.testing.assert_close(net(*inputs).logits, before)
    assert [tuple(part.shape) for part in seen] == [(1, 4, 17, 17)] * 3
    torch.testing.assert_close(seen[0].sum(dim=-1), torch.ones(1, 4, 17))
    net(*inputs)
    assert len(seen) == 3
    assert all(block.attn.fused_attn for block in net.backbone.blocks)


def test_rows_of_a_rollout_sum_to_one_and_two_blocks_multiply() -> None:
    first = torch.tensor([[[1.0, 0.0], [1.0, 0.0]]])
    second = torch.tensor([[[0.0, 1.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]])
    found = rolled_out([first, second])
    # A~_2 A~_1 = [[.5 .5], [.25 .75]] @ [[1 0], [.5 .5]]
    torch.testing.assert_close(found, torch.tensor([[0.75, 0.25], [0.625, 0.375]]))
    net, inputs = adapted("registers"), window()
    with seen_attention(net.backbone) as seen, torch.no_grad():
        net(*inputs)
    flow = rolled_out([part[0] for part in seen])
    torch.testing.assert_close(flow.sum(dim=1), torch.ones(21))
    torch.testing.assert_close(rollout(net, *inputs, shown=0), flow[5:, 5:].mean(dim=0))


def test_relevance_of_two_blocks_by_hand() -> None:
    attention = [torch.tensor([[[0.5, 0.5], [0.2, 0.8]]]), torch.tensor([[[0.4, 0.6], [1.0, 0.0]]])]
    gradients = [torch.tensor([[[2.0, -1.0], [0.0, 1.0]]]), torch.tensor([[[0.0, 1.0], [-3.0, 1.0]]])]
    # A'_1 = [[1 0], [0 .8]], A'_2 = [[0 .6], [0 0]]; R = (I + A'_2)(I + A'_1) - I
    torch.testing.assert_close(relevance(attention, gradients), torch.tensor([[1.0, 1.08], [0.0, 0.8]]))


def test_chefer_of_one_block_is_its_gradient_times_its_attention() -> None:
    torch.manual_seed(0)
    backbone = VisionTransformer(img_size=24, patch_size=6, embed_dim=32, depth=1, num_heads=4, num_classes=0)
    net, inputs = AdaptedViT(backbone, BANDS, CLASSES).eval(), window()
    with seen_attention(backbone) as seen:
        (gradient,) = torch.autograd.grad(net(*inputs).logits[0, 1], seen)
    wanted = (seen[0] * gradient)[0].clamp_min(0).mean(dim=0)[1:, 1:].mean(dim=0)
    found = chefer(net, *inputs, shown=1)
    torch.testing.assert_close(found, wanted.detach())
    assert found.min() >= 0 < found.max()
    assert not torch.allclose(found, chefer(net, *inputs, shown=0))


def test_integrated_gradients_add_up_to_what_the_window_changes() -> None:
    net, bundle, inputs = adapted(), bundle_of(), window()
    cube = attributions(net, bundle, *inputs, shown=1)
    middle = np.array(bundle.composite_weights) @ np.array(bundle.mean)
    plain = (middle - np.array(bundle.backbone.composite_mean)) / np.array(bundle.backbone.composite_deviation)
    empty = torch.zeros_like(inputs[0]), torch.from_numpy(plain).float()[None, :, None, None].expand(1, 3, 24, 24)
    with torch.no_grad():
        change = float(net(*inputs).logits[0, 1] - net(*empty).logits[0, 1])
    assert cube.shape == (BANDS, PATCHES)
    assert abs(change) > 0.05
    assert cube.sum() == pytest.approx(change, rel=1e-3)


def test_maps_of_attributions_by_hand() -> None:
    cube = np.array([[1.0, -2.0], [-1.0, 0.5]])
    maps, spectral = maps_of_attributions(cube), spectral_maps_of_attributions(cube)
    assert maps.cube is not None and maps.cube.tolist() == [[1.0, 2.0], [1.0, 0.5]]
    assert maps.heatmap.tolist() == [2.0, 2.5] and maps.curve.tolist() == [2.0, 1.0]
    assert spectral.heatmap.tolist() == [0.0, 1.5] and spectral.curve.tolist() == [3.0, 1.5]


def test_a_method_that_says_where_gets_its_bands_from_what_stands_out_there() -> None:
    means = torch.tensor([[[3.0, -1.0], [-9.0, 5.0]]])
    maps = maps_of_heatmap(torch.tensor([1.0, 0.1]), means)
    assert maps.cube is not None
    np.testing.assert_allclose(maps.cube, [[3.0, 0.9], [1.0, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(maps.curve, [3.0, 1.0])
    np.testing.assert_allclose(maps.heatmap, [1.0, 0.1])


def test_prompt_cam_shows_the_attention_of_the_class_s_own_prompt() -> None:
    net, inputs = prompt_cam(2), window()
    with torch.no_grad():
        net.prompts[1, 1] = net.prompts[1, 0]
    heatmaps = [prompt_attention(net, *inputs, shown) for shown in range(CLASSES)]
    torch.testing.assert_close(heatmaps[0], heatmaps[1])
    assert not torch.allclose(heatmaps[0], heatmaps[2], atol=1e-4)
    assert all(heatmap.shape == (PATCHES,) and heatmap.min() > 0 and heatmap.sum() < 1 for heatmap in heatmaps)
    logits = net(*inputs).logits[0]
    torch.testing.assert_close(logits[0], logits[1])
    assert abs(float((logits[0] - logits[2]).detach())) > 1e-3


def test_prompt_cam_at_one_block_by_hand() -> None:
    net, inputs = prompt_cam(), window()
    tokens = net.embed(*inputs)
    first, second, last = net.backbone.blocks
    joined = last(torch.cat([net.prompts[0][None], second(first(tokens))], dim=1))
    wanted = net.backbone.norm(joined[0, :CLASSES]) @ net.score.weight[0] + net.score.bias
    torch.testing.assert_close(net(*inputs).logits[0], wanted)
    with pytest.raises(ValueError, match=r"1\.\.3, the backbone's blocks, got 4"):
        PromptCam(small_backbone(), BANDS, CLASSES, 4)


def test_gates_say_what_closing_a_band_costs() -> None:
    net, inputs = se_cnn(), window()
    found = gate_sensitivity(net, *inputs, shown=2)
    gates = net(*inputs).gates.detach()
    step = 1e-2
    with torch.no_grad():
        for band in (0, 7, 23):
            moved = [gates.clone(), gates.clone()]
            moved[0][0, band] *= 1 - step
            moved[1][0, band] *= 1 + step
            less, more = (net.after_gates(*inputs, given)[0, 2] for given in moved)
            assert float(found[band]) == pytest.approx(abs(float(more - less)) / (2 * step), rel=0.05, abs=1e-4)


def test_every_way_gives_maps_of_the_shown_class_and_reads_as_its_network() -> None:
    spectra, composite = (value.numpy() for value in window())
    bundle, ways = bundle_of(), {}
    for name, net in (
        ("adapted-vit", adapted()),
        ("prompt-cam", prompt_cam()),
        ("se-cnn", se_cnn()),
        ("focus-literal", small_net(read_blocks=3)),
    ):
        found = explainers_of(name, net, bundle)
        ways |= found
        for way, explainer in found.items():
            logits = explainer.read(np.repeat(spectra, 3, axis=0), np.repeat(composite, 3, axis=0))
            with torch.no_grad():
                wanted = net(torch.from_numpy(spectra), torch.from_numpy(composite)).logits.numpy()
            np.testing.assert_allclose(logits, np.repeat(wanted, 3, axis=0), rtol=1e-4, atol=1e-5)
            maps, other = (explainer.explain(spectra[0], composite[0], shown) for shown in (0, 1))
            assert maps.cube is not None
            assert (maps.cube.shape, maps.heatmap.shape, maps.curve.shape) == ((BANDS, PATCHES), (PATCHES,), (BANDS,))
            assert all(part.dtype == np.float32 and (part >= 0).all() and np.isfinite(part).all() for part in maps)
            assert maps.heatmap.std() > 0, way
            assert way == "rollout" or not np.allclose(maps.heatmap, other.heatmap, rtol=1e-3), way
    assert list(ways) == [
        "grad-cam",
        "layer-cam",
        "rollout",
        "chefer",
        "difference-of-means",
        "integrated-gradients",
        "spectral-ig",
        "prompt-cam",
        "se-cnn",
        "se-gates",
        "literal-eq-5",
    ]


def test_literal_maps_are_the_same_for_all_bands_of_a_group() -> None:
    net = small_net(read_blocks=3)
    bundle = small_bundle(net)
    inputs = window()
    (explainer,) = explainers_of("focus-literal", net, bundle).values()
    maps = explainer.explain(inputs[0][0].numpy(), inputs[1][0].numpy(), 1)
    attention = net(*inputs).attention[-1][0, [0, 2, 3], 1].mean(dim=0).detach().numpy()
    assert maps.cube is not None
    for band, group in enumerate(bundle.group_of_band):
        np.testing.assert_allclose(maps.cube[band], attention[group], rtol=1e-5)
    np.testing.assert_allclose(maps.heatmap, maps.cube.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(maps.curve, maps.cube.max(axis=1))


def test_names_that_are_none_and_networks_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="no method sanet; there are adapted-vit, prompt-cam, se-cnn, focus-literal"):
        explainers_of("sanet", adapted(), bundle_of())
    with pytest.raises(TypeError, match="prompt-cam is a PromptCam, got a AdaptedViT"):
        explainers_of("prompt-cam", adapted(), bundle_of())


def test_what_is_not_installed_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(FocusError, match=r'^captum not installed; pip install "focus-hsi\[evaluate\]"$'):
        explainers_of("adapted-vit", adapted(), bundle_of())
    assert list(explainers_of("prompt-cam", prompt_cam(), bundle_of())) == ["prompt-cam"], "it needs neither"
