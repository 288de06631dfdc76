"""Plain ViTs are taken, everything else is refused by name; weights files are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.model import create_backbone, load_weights, require_supported
from focus.runtime import FocusError
from support.nets import small_backbone
from support.shared import shared_file


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet18", "resnet18 takes no image size"),
        (
            "vit_small_patch16_224.no_such_tag",
            "timm cannot make vit_small_patch16_224.no_such_tag: Invalid pretrained tag",
        ),
        ("eva02_tiny_patch14_224", "has the class Eva"),
        ("vit_small_patch16_18x2_224", "has blocks of the kind ParallelThingsBlock"),
        ("vit_relpos_small_patch16_224", "has the class VisionTransformerRelPos"),
    ],
)
def test_networks_that_are_no_plain_vit_are_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(FocusError, match=message):
        create_backbone(name, (224, 224))


@pytest.mark.parametrize("name", ["test_vit", "test_vit2", "test_vit3", "test_vit4"])
def test_plain_vits_of_timm_are_taken(name: str) -> None:
    assert isinstance(create_backbone(name, (160, 160)), VisionTransformer)


def test_unknown_names_get_suggestions() -> None:
    with pytest.raises(FocusError, match=r"timm knows no model 'vit_smal'.*vit_"):
        create_backbone("vit_smal", (224, 224))


def test_gated_attention_is_refused() -> None:
    backbone = small_backbone()
    backbone.blocks[1].attn.gate = torch.nn.Linear(32, 32)
    with pytest.raises(FocusError, match="mine has gated attention"):
        require_supported(backbone, "mine")


def test_weights_round_trip_and_resample_positions(tmp_path: Path) -> None:
    source = small_backbone()
    file = tmp_path / "weights.safetensors"
    save_file(source.state_dict(), file)
    same = small_backbone(seed=5)
    load_weights(same, file)
    assert all(torch.equal(value, same.state_dict()[name]) for name, value in source.state_dict().items())
    wide = VisionTransformer(img_size=(24, 48), patch_size=6, embed_dim=32, depth=3, num_heads=4, num_classes=0)
    load_weights(wide, file)
    assert wide.pos_embed.shape == (1, 1 + 32, 32)
    assert torch.equal(wide.pos_embed[:, 0], source.pos_embed[:, 0])


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    save_file(small_backbone("layer-scale").state_dict(), file)
    with pytest.raises(FocusError, match=r"holds the weights of another network: .*ls1"):
        load_weights(small_backbone(), file)
    file.write_bytes(b"not safetensors at all")
    with pytest.raises(FocusError, match="is not a safetensors file"):
        load_weights(small_backbone(), file)
    with pytest.raises(FocusError, match="no weights file"):
        load_weights(small_backbone(), tmp_path / "none.safetensors")


def test_dinov2_weights_fit_any_grid() -> None:
    weights = shared_file("weights/vit_small_patch14_dinov2.safetensors")
    backbone = create_backbone("vit_small_patch14_dinov2", (112, 112))
    load_weights(backbone, weights)
    features = backbone.eval().forward_features(torch.zeros(1, 3, 112, 112))
    assert features.shape == (1, 65, 384)
    assert 0.5 < float(features.detach().std()) < 5
