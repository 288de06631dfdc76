"""A small student learns a teacher's features; the images are what they should be."""

from __future__ import annotations

import numpy as np
import torch
from timm.models.vision_transformer import VisionTransformer

from focus.exporter.distil import DistilSettings, composite_images, distil
from focus.exporter.distil._distil import photograph, standardised, teach
from focus.runtime.cubes import Cube

SIZE = 64


def images(count: int, seed: int = 0) -> np.ndarray:
    return composite_images(seed, count, SIZE, [ramp_cube()], workers=0)


def ramp_cube() -> Cube:
    wavelengths = np.linspace(500.0, 900.0, 9)
    values = np.broadcast_to(wavelengths[:, None, None], (9, 20, 30)) * np.linspace(1, 2, 30)
    return Cube(values=values.astype(np.uint16), wavelengths_nm=wavelengths)


def test_images_are_decided_by_the_seed_and_hold_crops_of_the_real_cubes() -> None:
    first, again, other = images(6), images(6), images(6, seed=1)
    assert first.shape == (6, 3, SIZE, SIZE)
    assert np.array_equal(first, again)
    assert np.array_equal(first[:3], images(3))  # an image does not depend on how many there are
    assert not np.array_equal(first, other)
    crop = first[5].astype(np.float32)
    assert (np.diff(crop, axis=2) >= -2e-3).all() and np.ptp(
        crop, axis=1
    ).max() < 2e-3  # the ramp grows along the samples


def test_student_and_teacher_inputs() -> None:
    batch = torch.from_numpy(images(4).astype(np.float32))
    seen = standardised(batch)
    torch.testing.assert_close(seen.mean(dim=(2, 3)), torch.zeros(4, 3), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen.flatten(1).std(dim=1), torch.ones(4), atol=1e-4, rtol=0)
    bright = photograph(batch)
    torch.testing.assert_close(
        photograph(batch * 7.0), bright, atol=1e-4, rtol=1e-4
    )  # brightness is the camera's, not the leaf's
    assert bright.amax() <= (1 - 0.406) / 0.225 + 1e-4


def test_student_learns_the_teacher() -> None:
    torch.manual_seed(0)
    shape = {"img_size": SIZE, "num_classes": 0, "depth": 2, "num_heads": 2}
    teacher = VisionTransformer(patch_size=16, embed_dim=24, **shape).eval()
    with torch.no_grad():
        for value in teacher.parameters():
            value.add_(0.2 * torch.randn_like(value))
    pictures = images(48)
    steps: list[tuple[int, int]] = []
    features = teach(teacher, pictures, SIZE, lambda done, total: steps.append((done, total)))
    assert features.shape == (48, 17, 24) and steps == [(16, 48), (32, 48), (48, 48)]
    student = VisionTransformer(patch_size=16, embed_dim=32, **shape)
    losses: list[float] = []
    settings = DistilSettings(epochs=20, batch=8, lr=5e-3, held_out=8)
    report = distil(student, pictures, features, settings, lambda *told: losses.append(float(told[2].split()[-1])))
    assert len(losses) == 20 * 5
    assert losses[-1] < 0.75 * losses[0]
    assert report.r2 > 0.1 and report.cosine > 0.45  # untrained: below 0, near 0
