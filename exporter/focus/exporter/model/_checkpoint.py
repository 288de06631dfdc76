"""``model.pt``: a trained model in one file, without a line of code in it (safetensors inside, see docs/decisions)."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from focus.exporter.model._backbone import create_backbone
from focus.exporter.model._focus import FocusNet
from focus.runtime import Bundle, FocusError
from focus.runtime._files import write_atomically

KEY = "focus"


def save_checkpoint(path: Path, net: FocusNet, bundle: Bundle) -> None:
    """Writes network, frozen backbone and bundle. Tensors that half precision holds exactly are stored so: a
    loss-free saving.

    Args:
        path: replaced when whole, never half-written.
    """
    tensors = {name: _compact(value.detach().cpu()) for name, value in net.state_dict().items()}
    write_atomically(path, save(tensors, metadata={KEY: bundle.model_dump_json()}))


def load_checkpoint(path: Path) -> tuple[FocusNet, Bundle]:
    """Reads a checkpoint; nothing in it can run.

    Returns: the network in eval mode and float32, and its bundle with ``checkpoint_sha256`` filled in.
    Raises:
        FocusError: no such file, not a FOCUS checkpoint (a pickle is named as such and not opened), or damaged.
    """
    if not path.is_file():
        raise FocusError(f"no checkpoint {path}; train one with focus-train")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise FocusError(_not_ours(path, error)) from None
    if KEY not in metadata:
        raise FocusError(
            f"{path} holds weights but no FOCUS model; make one with focus-train (--weights takes such a file)"
        )
    bundle = Bundle.from_json(metadata[KEY], str(path))
    net = empty_net(bundle)
    try:
        net.load_state_dict(tensors, strict=True)
    except RuntimeError as error:
        raise FocusError(f"{path} does not fit its own bundle: {str(error).splitlines()[-1].strip()[:160]}") from None
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return net.eval(), bundle.model_copy(update={"checkpoint_sha256": digest})


def empty_net(bundle: Bundle) -> FocusNet:
    """The network that a bundle describes, with untrained weights."""
    backbone = create_backbone(bundle.backbone.name, bundle.window)
    reading = bundle.reading
    return FocusNet(
        backbone,
        bundle.band_groups,
        len(bundle.targets),
        reading.read_blocks,
        sink=reading.sink,
        readout=reading.readout,
        values=reading.values,
    )


def _compact(value: torch.Tensor) -> torch.Tensor:
    half = value.half()
    return (half if torch.equal(half.to(value.dtype), value) else value).contiguous()


def _not_ours(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        return (
            f"{path} is a pickle, which can run code when it is opened, so it was not; "
            "FOCUS checkpoints are safetensors, made by focus-train"
        )
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if 0 < length < 100_000_000:
        return (
            f"{path} is a damaged or cut-off checkpoint ({error}); copy it again or resume the training that wrote it"
        )
    return f"{path} is not a FOCUS checkpoint; make one with focus-train"
