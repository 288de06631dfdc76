"""Standardisation: what the training split says about the scale of the inputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from focus.exporter.data import WindowSet
from focus.runtime import Bundle

Vector = NDArray[np.float64]

#: Mean and deviation of photographs in 0..1, over ImageNet; what backbones saw.
PHOTOGRAPH_MEAN = np.array([0.485, 0.456, 0.406])
PHOTOGRAPH_DEVIATION = np.array([0.229, 0.224, 0.225])

#: No band of a real sensor varies less over a scene (reflectance); a dead band must not become a loud one.
LEAST_DEVIATION = 1e-4


@dataclass(frozen=True, eq=False)
class Statistics:
    """How inputs and targets are standardised.

    Attributes:
        mean, deviation: float64 [C], mu and sigma of the training split's valid band means.
        dead: bool [C], bands without a valid value in training (mu = 0, sigma = 1; their x^ is 0 in training).
        composite_mean, composite_deviation: float64 [3], see ``composite_scale``.
        target_mean, target_deviation: float64 [K]; 0 and 1 for classes.
    """

    mean: Vector
    deviation: Vector
    dead: NDArray[np.bool_]
    composite_mean: Vector
    composite_deviation: Vector
    target_mean: Vector
    target_deviation: Vector


def statistics_of_bundle(bundle: Bundle) -> Statistics:
    """What a trained model has kept of them."""
    return Statistics(
        np.array(bundle.mean),
        np.array(bundle.deviation),
        np.zeros(bundle.bands, bool),
        np.array(bundle.backbone.composite_mean),
        np.array(bundle.backbone.composite_deviation),
        np.array([target.mean for target in bundle.targets]),
        np.array([target.deviation for target in bundle.targets]),
    )


def training_statistics(windows: WindowSet, backbone: nn.Module) -> Statistics:
    """Statistics of the training split alone."""
    train = windows.of("train")
    mean, deviation, dead = band_statistics(windows.band_means, train)
    composite_mean, composite_deviation = composite_scale(windows.composite, train, backbone)
    targets = len(windows.target_names)
    target_mean, target_deviation = np.zeros(targets), np.ones(targets)
    if windows.task == "regression":
        values = windows.targets[train].astype(np.float64)
        target_mean, target_deviation = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-12)
    return Statistics(mean, deviation, dead, composite_mean, composite_deviation, target_mean, target_deviation)


def composite_scale(
    composite: NDArray[np.float16], chosen: NDArray[np.int64], backbone: nn.Module
) -> tuple[Vector, Vector]:
    """Mean m' and deviation s' that make a composite what the backbone expects: (composite - m') / s'.

    Backbones were trained on photographs in 0..1, whose channels have the mean 0.4-0.5 and the deviation 0.22.
    Reflectance of leaves and soil has a mean of 0.07 and a deviation of 0.03, and it is linear in light where
    photographs are gamma-corrected. Normalised with the backbone's own constants, such a composite would be a nearly
    constant, very dark image. So the training mean m of each channel and the deviation s, pooled over the three, are
    mapped on those of photographs, and these through the backbone's own constants (mean b, deviation d):

        (p + P (composite - m) / s - b) / d,  hence  s' = s d / P  and  m' = m - (p - b) s / P

    with p, P the mean and deviation of photographs. With ImageNet's constants (b = p, d = P) that is m and s.
    One pooled deviation keeps the proportions of colour contrasts; this project's own backbone was distilled on such
    composites.

    Args:
        composite: float16 [M, 3, H, W], reflectance.
        chosen: the training windows.
        backbone: ``pretrained_cfg`` is read where timm attached one.
    """
    total, squares, count = np.zeros(3), np.zeros(3), 0
    for window in chosen:
        values = composite[window].astype(np.float64).reshape(3, -1)
        total, squares, count = total + values.sum(axis=1), squares + (values**2).sum(axis=1), count + values.shape[1]
    mean = total / count
    deviation = max(float(np.sqrt(np.maximum(squares / count - mean**2, 0.0).mean())), LEAST_DEVIATION)
    expected = getattr(backbone, "pretrained_cfg", None) or {}
    own_mean = np.array(expected.get("mean", PHOTOGRAPH_MEAN), np.float64)
    own_deviation = np.array(expected.get("std", PHOTOGRAPH_DEVIATION), np.float64)
    shifted = mean - (PHOTOGRAPH_MEAN - own_mean) * deviation / PHOTOGRAPH_DEVIATION
    return np.maximum(shifted, 1e-6), deviation * own_deviation / PHOTOGRAPH_DEVIATION


def band_statistics(
    band_means: NDArray[np.float32], chosen: NDArray[np.int64]
) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """Mean, deviation and dead bands of the chosen windows' band means, see ``Statistics``."""
    bands = band_means.shape[2]
    total, squares, count = np.zeros(bands), np.zeros(bands), np.zeros(bands)
    for window in chosen:
        values = band_means[window].astype(np.float64)
        valid = np.isfinite(values)
        values = np.where(valid, values, 0.0)
        total, squares, count = total + values.sum(axis=0), squares + (values**2).sum(axis=0), count + valid.sum(axis=0)
    dead = count == 0
    shares = np.where(dead, 1.0, count)
    mean = total / shares
    deviation = np.sqrt(np.maximum(squares / shares - mean**2, 0.0))
    return mean, np.where(dead, 1.0, np.maximum(deviation, LEAST_DEVIATION)), dead
