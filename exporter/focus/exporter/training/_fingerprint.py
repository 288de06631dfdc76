"""What a resumed training must share with the one that it continues."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.data import WindowSet
from focus.exporter.training._settings import TrainSettings


def fingerprint_of(
    settings: TrainSettings, backbone: VisionTransformer, backbone_name: str, windows: WindowSet, **facts: Any
) -> str:
    """JSON of settings, backbone and its weights, and data; see ``TrainSettings.fingerprint``."""
    return settings.fingerprint(
        backbone=backbone_name, weights=_weights_digest(backbone), data=_data_digest(windows), **facts
    )


def _weights_digest(backbone: VisionTransformer) -> str:
    digest = hashlib.sha256()
    for name, value in backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def _data_digest(windows: WindowSet) -> str:
    digest = hashlib.sha256(windows.source.encode())
    for values in (windows.splits, windows.targets, windows.band_means, windows.wavelengths_nm):
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]
