"""A bundle for the small networks of ``support.nets``."""

from __future__ import annotations

import numpy as np

from focus.exporter.model import FocusNet
from focus.runtime import Bundle
from focus.runtime.spectral import composite_weights
from support.nets import WAVELENGTHS, groups


def small_bundle(net: FocusNet, *, task: str = "classification", name: str = "small") -> Bundle:
    """Facts of a small network, with standardisation near what simulated leaves have."""
    backbone = net.backbone
    rows, columns = backbone.patch_embed.grid_size
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(WAVELENGTHS.size), net.classes) * WAVELENGTHS.size
    reference = rng.normal(0.0, 0.3, WAVELENGTHS.size)
    of_groups = rng.dirichlet(np.ones(net.groups), net.classes)
    brightness = np.linalg.qr(rng.normal(size=(WAVELENGTHS.size, 2)))[0].T
    return Bundle.model_validate(
        {
            "name": name,
            "task": task,
            "targets": [{"name": f"class-{index}"} for index in range(net.classes)],
            "wavelengths_nm": WAVELENGTHS.tolist(),
            "groups": [{"name": g.name, "first": g.first, "stop": g.stop} for g in groups(net.groups)],
            "backbone": {
                "name": "test",
                "patch": backbone.patch_embed.patch_size[0],
                "rows": rows,
                "columns": columns,
                "width": backbone.embed_dim,
                "blocks": len(backbone.blocks),
                "heads": backbone.blocks[0].attn.num_heads,
                "composite_mean": [0.15, 0.15, 0.15],
                "composite_deviation": [0.1, 0.1, 0.1],
            },
            "reading": {
                "read_blocks": net.read_blocks,
                "sink": net.has_sink,
                "readout": net.readout,
                "values": net.values,
                "heads": [0, 2, 3],
                "band_share": shares.tolist(),
                "group_share": of_groups.tolist(),
                "reference": reference.tolist(),
                "brightness": brightness.tolist(),
            },
            "mean": np.full(WAVELENGTHS.size, 0.25).tolist(),
            "deviation": np.full(WAVELENGTHS.size, 0.15).tolist(),
            "adapter_norm": net.adapter.detach().norm(dim=1).tolist(),
            "composite_weights": composite_weights(WAVELENGTHS).tolist(),
        }
    )
