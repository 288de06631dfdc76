"""What would make every step of a study fail is said before the first one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from timm.models.vision_transformer import VisionTransformer

from focus.exporter.data import parse_simulation, require_size
from focus.exporter.model import load_weights
from focus.exporter.study._plan import Entry
from focus.exporter.study._store import Store
from focus.runtime import FocusError
from focus.runtime._files import file_sha256


def require_weights(path: Path) -> str:
    """The file's SHA-256.

    Raises:
        FocusError: there is no such file.
    """
    if not path.is_file():
        raise FocusError(f"no weights file {path}; give a safetensors file with timm's names to --weights")
    return file_sha256(path)


def require_makable(entries: Iterable[Entry], store: Store, backbone: VisionTransformer) -> None:
    """Refuses weights, windows and simulations that no step could be made with.

    Args:
        entries: of the plan; backbone: filled with the weights.
    Raises:
        FocusError: weights of another network, a simulation that cannot be drawn, or windows too small for one.
        ValueError: windows that are no multiple of the backbone's patch.
    """
    load_weights(backbone, store.backbone.weights)
    patch = backbone.patch_embed.patch_size[0]
    specs = {training.data.spec for entry in entries for training in entry.run.trainings}
    for spec in sorted(specs):
        require_size(spec, patch, store.backbone.size)
        parse_simulation(spec)
