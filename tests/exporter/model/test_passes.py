"""Quick passes change how a network is computed, and not what it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from focus.exporter.evaluate._torch import TorchNetwork
from focus.exporter.methods import explainers_of
from focus.exporter.methods._adapted_vit import AdaptedViT
from focus.exporter.model import _passes as passes
from focus.exporter.model import plain_attention, quick_passes
from focus.exporter.training._fabric import fast_steps, make_fabric
from support.bundles import small_bundle
from support.nets import BANDS, random_inputs, small_backbone, small_net

CPU = torch.device("cpu")

LITERAL_MAPS = "literal-eq-5"


def fused(net: torch.nn.Module) -> list[bool]:
    return [block.attn.fused_attn for block in net.backbone.blocks]


@pytest.mark.parametrize("read_blocks", [1, 3])
def test_plain_attention_says_the_same_and_ends(read_blocks: int) -> None:
    net = small_net(read_blocks=read_blocks)
    inputs = random_inputs(net)
    with torch.no_grad():
        before = net(*inputs)
        with plain_attention(net, CPU, 128):
            assert not any(fused(net))
            plain = net(*inputs)
    assert all(fused(net))
    for name in ("logits", "attention", "sink_mass"):
        torch.testing.assert_close(getattr(plain, name), getattr(before, name), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("device", "patches"), [(CPU, 129), (torch.device("cuda"), 16)])
def test_large_windows_and_gpus_keep_the_fused_kernel(device: torch.device, patches: int) -> None:
    net = small_net()
    with plain_attention(net, device, patches):
        assert all(fused(net))


@pytest.mark.parametrize("way", ["FOCUS", "another method"])
def test_watched_answers_have_the_precision_of_a_training(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = small_net()
    bundle = small_bundle(net)
    network = TorchNetwork(net, bundle) if way == "FOCUS" else explainers_of("focus-literal", net, bundle)[LITERAL_MAPS]
    given = [value.numpy() for value in random_inputs(net, windows=5)]
    read = network.read(*given)
    monkeypatch.setattr(passes, "computes_bf16", lambda: False)
    np.testing.assert_allclose(network.watch(*given), read, atol=1e-5)
    monkeypatch.setattr(passes, "computes_bf16", lambda: True)
    mixed = network.watch(*given)
    assert np.abs(mixed - read).max() > 1e-4
    np.testing.assert_allclose(mixed, read, atol=0.1 * np.abs(read).max())
    np.testing.assert_array_equal(network.read(*given), read)


def test_layers_kept_in_bf16_give_the_numbers_of_layers_cast_at_each_use() -> None:
    net, fabric = small_net(), make_fabric("bf16")
    inputs = random_inputs(net)
    kept = {name: value.detach().clone() for name, value in net.named_parameters()}

    def step() -> tuple[torch.Tensor, ...]:
        with fabric.autocast():
            logits = net(*inputs).logits
        return (logits, *torch.autograd.grad(logits.square().sum(), list(net.trainable.values())))

    with plain_attention(net, CPU, 16):
        cast = step()
    with fast_steps(fabric, net, 16):
        assert net.backbone.blocks[0].mlp.fc1.weight.dtype == torch.bfloat16
        assert {value.dtype for value in net.trainable.values()} == {torch.float32}
        quick = step()
    for one, other in zip(quick, cast, strict=True):
        torch.testing.assert_close(one, other, atol=0, rtol=0)
    for name, value in net.named_parameters():
        assert torch.equal(value, kept[name]), name


def test_a_head_that_is_trained_stays_as_it_is() -> None:
    net = AdaptedViT(small_backbone(), BANDS, 3)
    with fast_steps(make_fabric("bf16"), net, 16):
        assert net.backbone.blocks[0].mlp.fc1.weight.dtype == torch.bfloat16
        assert net.head.weight.dtype == torch.float32
        with torch.no_grad():
            net.head.weight.fill_(2.0)
    assert (net.head.weight == 2.0).all()


def test_a_step_that_fails_leaves_the_network_as_it_was() -> None:
    net = small_net()
    with pytest.raises(RuntimeError, match="stop"), fast_steps(make_fabric("bf16"), net, 16):
        raise RuntimeError("stop")
    assert all(fused(net))
    assert {value.dtype for value in net.parameters()} == {torch.float32}


def test_float32_stays_float32() -> None:
    net = small_net()
    with fast_steps(make_fabric("fp32"), net, 16), quick_passes(net, torch.device("cpu"), 16):
        assert net.backbone.blocks[0].attn.qkv.weight.dtype == torch.float32
