"""The shape that engines get says what the network says."""

from __future__ import annotations

import copy

import pytest
import torch

from focus.exporter.export import folded
from support.nets import KINDS, random_inputs, small_net


@pytest.mark.parametrize("read_blocks", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("opset", [20, 23])
def test_folding_changes_no_number(kind, read_blocks, opset):
    net = small_net(kind, read_blocks=read_blocks)
    before = copy.deepcopy(net.state_dict())
    with torch.no_grad():
        inputs = random_inputs(net)
        expected, found = net(*inputs), folded(net, opset)(*inputs)
    torch.testing.assert_close(found.logits, expected.logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.parts, expected.parts, rtol=1e-5, atol=1e-5)
    assert len(found.attention) == len(expected.attention) == read_blocks
    for ours, theirs in zip(
        (*found.attention, *found.sink_mass), (*expected.attention, *expected.sink_mass), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]), f"{name} of the network itself was changed"
