"""Checkpoints come back as they were, and nothing in a checkpoint can run."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from focus.exporter.model import FocusNet, create_backbone, load_checkpoint, save_checkpoint
from focus.runtime import Bundle, FocusError
from support.bundles import small_bundle
from support.nets import groups, random_inputs


def shipped_kind(**comparison: Any) -> tuple[FocusNet, Bundle]:
    torch.manual_seed(0)
    net = FocusNet(create_backbone("focus_vit_mini_patch8", (32, 32)), groups(), 3, **comparison).eval()
    with torch.no_grad():
        for value in net.trainable.values():
            value.add_(0.1 * torch.randn_like(value))
    bundle = small_bundle(net)
    return net, bundle.model_copy(
        update={"backbone": bundle.backbone.model_copy(update={"name": "focus_vit_mini_patch8"})}
    )


@pytest.mark.parametrize("comparison", [{}, {"sink": False}, {"readout": "free"}, {"values": "whole patch"}])
def test_round_trip(tmp_path: Path, comparison: dict[str, Any]) -> None:
    net, bundle = shipped_kind(**comparison)
    save_checkpoint(tmp_path / "model.pt", net, bundle)
    again, found = load_checkpoint(tmp_path / "model.pt")
    inputs = random_inputs(net)
    assert torch.equal(again(*inputs).logits, net(*inputs).logits)
    assert found.model_copy(update={"checkpoint_sha256": None}) == bundle
    assert found.checkpoint_sha256 is not None
    assert not again.training


def test_half_precision_storage_is_used_only_where_it_loses_nothing(tmp_path: Path) -> None:
    net, bundle = shipped_kind()
    save_checkpoint(tmp_path / "single.pt", net, bundle)
    with torch.no_grad():
        for value in net.backbone.parameters():
            value.copy_(value.half().float())
    save_checkpoint(tmp_path / "half.pt", net, bundle)
    assert (tmp_path / "half.pt").stat().st_size < 0.6 * (tmp_path / "single.pt").stat().st_size
    again, _ = load_checkpoint(tmp_path / "half.pt")
    assert torch.equal(again(*random_inputs(net)).logits, net(*random_inputs(net)).logits)


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):  # type: ignore[no-untyped-def]
        return Path.touch, (self.target,)


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_checkpoint_with_code_in_it_is_refused_and_does_not_run(tmp_path: Path, writer: str) -> None:
    trap, file = tmp_path / "trap", tmp_path / "model.pt"
    if writer == "torch":
        torch.save({"model": Malicious(trap)}, file)
    else:
        file.write_bytes(pickle.dumps(Malicious(trap)))
    with pytest.raises(FocusError, match=r"is a pickle, which can run code.*so it was not.*focus-train"):
        load_checkpoint(file)
    assert not trap.exists()


def test_files_that_are_no_checkpoint(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    with pytest.raises(FocusError, match=r"no checkpoint .*; train one with focus-train"):
        load_checkpoint(file)
    save_file({"weight": torch.zeros(3)}, file)
    with pytest.raises(FocusError, match="holds weights but no FOCUS model"):
        load_checkpoint(file)
    file.write_bytes(b"abc")
    with pytest.raises(FocusError, match="is not a FOCUS checkpoint"):
        load_checkpoint(file)


def test_a_cut_off_checkpoint_is_named_so(tmp_path: Path) -> None:
    net, bundle = shipped_kind()
    file = tmp_path / "model.pt"
    save_checkpoint(file, net, bundle)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(FocusError, match=r"damaged or cut-off checkpoint.*copy it again"):
        load_checkpoint(file)
