"""The frozen backbone: any timm ``VisionTransformer`` made of plain pre-norm blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.layers import resample_abs_pos_embed
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from focus.runtime import FocusError

#: Plain ViTs of this project's own making; timm's registry does not know them. Arguments of ``VisionTransformer``.
OWN_BACKBONES: dict[str, dict[str, Any]] = {
    "focus_vit_mini_patch8": {"patch_size": 8, "embed_dim": 160, "depth": 6, "num_heads": 5},
}


def create_backbone(name: str, size: tuple[int, int], *, pretrained: bool = False) -> VisionTransformer:
    """Makes a backbone for windows of the given size, without its classifier.

    Args:
        name: a timm model name, or one of ``OWN_BACKBONES``.
        size: lines and samples of a window, multiples of the patch.
        pretrained: take timm's weights from the model hub.
    Raises:
        FocusError: an unknown name, a hub that cannot be reached, or a network that is not a plain ViT (see
        ``require_supported``).
    """
    if name in OWN_BACKBONES:
        backbone: nn.Module = VisionTransformer(img_size=size, num_classes=0, **OWN_BACKBONES[name])
    else:
        backbone = _from_timm(name, size, pretrained)
    return require_supported(backbone, name)


def _from_timm(name: str, size: tuple[int, int], pretrained: bool) -> nn.Module:
    try:
        if not timm.is_model(name):
            near = ", ".join(timm.list_models(f"*{name.split('_')[0]}*patch*")[:5])
            raise FocusError(
                f"timm knows no model {name!r}; plain ViTs there are e.g. {near or 'vit_small_patch16_224'}"
            )
        return timm.create_model(name, pretrained=pretrained, img_size=size, num_classes=0)
    except TypeError:
        raise FocusError(
            f"{name} takes no image size; FOCUS needs a timm VisionTransformer such as vit_base_patch16_224"
        ) from None
    except RuntimeError as error:
        raise FocusError(f"timm cannot make {name}: {error}") from None
    except OSError as error:
        raise FocusError(f"the weights of {name} could not be fetched ({error}); give a file with --weights") from None


def require_supported(backbone: nn.Module, name: str) -> VisionTransformer:
    """Refuses networks that the two lanes of docs/method.md do not fit.

    Raises:
        FocusError: names the part that does not fit.
    """

    def refuse(part: str) -> FocusError:
        return FocusError(
            f"{name} has {part}; FOCUS needs a timm VisionTransformer with plain blocks such as vit_base_patch16_224"
        )

    if type(backbone) is not VisionTransformer:
        raise refuse(f"the class {type(backbone).__name__}")
    for block in backbone.get_submodule("blocks").children():
        if type(block) is not Block:
            raise refuse(f"blocks of the kind {type(block).__name__}")
        if type(block.attn) is not Attention:
            raise refuse(f"attention of the kind {type(block.attn).__name__}")
        if getattr(block.attn, "gate", None) is not None:
            raise refuse("gated attention")
    return backbone


def load_weights(backbone: VisionTransformer, path: Path) -> None:
    """Loads frozen weights from a safetensors file; position embeddings are resampled to the backbone's grid.

    Args:
        backbone: filled in place.
        path: tensors with timm's names, or a FOCUS checkpoint, whose frozen backbone is taken.
    Raises:
        FocusError: no such file, not safetensors, or weights of another network.
    """
    if not path.is_file():
        raise FocusError(f"no weights file {path}; give a safetensors file with timm's names to --weights")
    try:
        state = _backbone_part({name: value.float() for name, value in load_file(path).items()})
    except (SafetensorError, OSError) as error:
        raise FocusError(
            f"{path} is not a safetensors file ({error}); convert it with safetensors.torch.save_file"
        ) from None
    position = state.get("pos_embed")
    if position is not None and backbone.pos_embed is not None and position.shape != backbone.pos_embed.shape:
        prefix = 0 if backbone.no_embed_class else backbone.num_prefix_tokens
        rows, columns = backbone.patch_embed.grid_size
        state["pos_embed"] = resample_abs_pos_embed(position, [rows, columns], num_prefix_tokens=prefix)
    state = {name: value for name, value in state.items() if not name.startswith(("head.", "mask_token"))}
    try:
        backbone.load_state_dict(state, strict=True)
    except RuntimeError as error:
        detail = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise FocusError(f"{path} holds the weights of another network: {detail[:160]}") from None


def _backbone_part(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A FOCUS checkpoint holds its frozen backbone under this prefix, beside what was trained."""
    prefix = "backbone."
    own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    return own or state


def sink_start(backbone: VisionTransformer) -> torch.Tensor:
    """Where [SINK] starts from: the [CLS] embedding plus its position, or the mean register, or the mean position.

    Returns: float32 [1, 1, d].
    """
    tokens = [token.detach() for token in (backbone.cls_token, backbone.reg_token) if token is not None]
    if not tokens:
        position = backbone.pos_embed
        return (
            position.detach().mean(1, keepdim=True) if position is not None else torch.zeros(1, 1, backbone.embed_dim)
        )
    start = tokens[0].mean(1, keepdim=True)
    if backbone.pos_embed is not None and not backbone.no_embed_class:
        start = start + backbone.pos_embed.detach()[:, : tokens[0].shape[1]].mean(1, keepdim=True)
    return start


def patch_positions(backbone: VisionTransformer) -> torch.Tensor:
    """Position embeddings of the patches alone, [1, N, d] (zeros where the backbone has none)."""
    count = backbone.patch_embed.num_patches
    if backbone.pos_embed is None:
        return torch.zeros(1, count, backbone.embed_dim)
    return backbone.pos_embed.detach()[:, -count:]
