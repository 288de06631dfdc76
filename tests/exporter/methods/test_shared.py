"""Attributions that two maps need are computed once where that is asked for, and never where costs are counted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from focus.exporter.methods import _gradients, explainers_of
from focus.exporter.methods._adapted_vit import AdaptedViT
from support.bundles import small_bundle
from support.nets import BANDS, small_backbone, small_net


def test_two_maps_of_one_window_take_one_attribution(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = AdaptedViT(small_backbone(), BANDS, 3).eval()
    windows = [
        (rng.standard_normal((16, BANDS)).astype(np.float32), rng.standard_normal((3, 24, 24)).astype(np.float32))
        for rng in map(np.random.default_rng, (1, 2))
    ]
    made, quick, whole = [], [], _gradients.attributions

    def attributions(*given: object, **how: bool) -> np.ndarray:
        made.append(given[-1])
        quick.append(how["quick"])
        return whole(*given, **how)

    monkeypatch.setattr(_gradients, "attributions", attributions)

    def maps(share: bool) -> list[np.ndarray]:
        ways = explainers_of("adapted-vit", net, small_bundle(small_net()), share=share)
        both = [ways[name] for name in ("integrated-gradients", "spectral-ig")]
        return [one.explain(*window, shown).curve for window in windows for shown in (0, 1) for one in both]

    shared = maps(True)
    assert made == [0, 1, 0, 1]
    made.clear()
    np.testing.assert_allclose(np.stack(shared), np.stack(maps(False)), rtol=0.05)
    assert made == [0, 0, 1, 1, 0, 0, 1, 1]
    # Costs are counted in float32.
    assert quick == [True] * 4 + [False] * 8
