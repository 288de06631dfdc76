"""Patch features of a frozen teacher, learned by a small student on the same grid."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

#: What the teacher was trained on: sRGB photographs, normalised so.
PHOTOGRAPH_MEAN = (0.485, 0.456, 0.406)
PHOTOGRAPH_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class DistilSettings:
    """How long and how fast: ``epochs`` over the images in batches of ``batch``, peak rate ``lr``, warmed up and
    decayed by a cosine.
    """

    epochs: int = 12
    batch: int = 32
    lr: float = 1.5e-3
    weight_decay: float = 0.02
    held_out: int = 256
    seed: int = 0


@dataclass(frozen=True)
class DistilReport:
    """How well the student does on held-out images.

    Attributes:
        cosine: mean cosine between its and the teacher's patch features, both about the teacher's mean feature.
        r2: share of the teacher's variance that it explains.
    """

    cosine: float
    r2: float


def photograph(images: Tensor) -> Tensor:
    """Composites [B, 3, H, W] as a photograph that the teacher knows: white at the 99th percentile, sRGB gamma,
    ImageNet normalisation.
    """
    white = images.flatten(1).quantile(0.99, dim=1).clamp_min(1e-6)[:, None, None, None]
    mean, deviation = (torch.tensor(values)[None, :, None, None] for values in (PHOTOGRAPH_MEAN, PHOTOGRAPH_DEVIATION))
    return ((images / white).clamp(0, 1) ** (1 / 2.2) - mean) / deviation


def standardised(images: Tensor) -> Tensor:
    """Composites [B, 3, H, W] as the student reads them: linear in reflectance, channel means 0, one deviation of 1
    for all channels.
    """
    centred = images - images.mean(dim=(2, 3), keepdim=True)
    return centred / centred.flatten(1).std(dim=1).clamp_min(1e-6)[:, None, None, None]


@torch.no_grad()
def teach(
    teacher: VisionTransformer, images: NDArray[np.float16], size: int, progress: Callable[[int, int], None]
) -> Tensor:
    """The teacher's normalised tokens, [CLS] first: float16 [M, 1 + N, d]. ``images`` [M, 3, H, W] are resized to
    ``size``; ``progress`` is called with images done and images in all.
    """
    found = []
    prefix = teacher.num_prefix_tokens
    for start in range(0, len(images), 16):
        batch = torch.from_numpy(images[start : start + 16].astype(np.float32))
        batch = F.interpolate(photograph(batch), size=(size, size), mode="bicubic", align_corners=False)
        tokens = teacher.forward_features(batch)
        found.append(torch.cat([tokens[:, :1], tokens[:, prefix:]], dim=1).half())
        progress(min(start + 16, len(images)), len(images))
    return torch.cat(found)


def distil(
    student: VisionTransformer,
    images: NDArray[np.float16],
    features: Tensor,
    settings: DistilSettings,
    progress: Callable[[int, int, str], None],
) -> DistilReport:
    """Trains the student in place on whitened teacher features: smooth L1 over all tokens, mirror images and changes
    of brightness.

    Args:
        student: a class-token ViT whose patch grid is the teacher's.
        images: float16 [M, 3, H, W] composites.
        features: float16 [M, 1 + N, D], see ``teach``.
        progress: called after each batch with batches done, batches in all, and words on where it stands.
    Returns: how well the student does on the last ``settings.held_out`` images.
    """
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng(settings.seed)
    train = len(images) - settings.held_out
    sample = features[: min(train, 1000)].float()
    mean, deviation = sample.mean(dim=(0, 1)), sample.std(dim=(0, 1)).clamp_min(1e-4)
    rows, columns = student.patch_embed.grid_size
    head = nn.Linear(student.embed_dim, features.shape[-1])
    parameters = [*student.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=settings.weight_decay, betas=(0.9, 0.98))
    batches = train // settings.batch
    steps = settings.epochs * batches
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    student.train()
    for epoch in range(settings.epochs):
        order, total = rng.permutation(train), 0.0
        for index in range(batches):
            chosen = np.sort(order[index * settings.batch : (index + 1) * settings.batch])
            batch = standardised(torch.from_numpy(images[chosen].astype(np.float32)))
            target = (features[chosen].float() - mean) / deviation
            if rng.random() < 0.5:
                batch = batch.flip(3)
                target = torch.cat(
                    [target[:, :1], target[:, 1:].unflatten(1, (rows, columns)).flip(2).flatten(1, 2)], dim=1
                )
            batch = batch * float(rng.uniform(0.7, 1.4)) + 0.2 * torch.randn(len(batch), 3, 1, 1)
            loss = F.smooth_l1_loss(head(student.forward_features(batch)), target)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
            words = f"epoch {epoch + 1}/{settings.epochs}, loss {total / (index + 1):.4f}"
            progress(epoch * batches + index + 1, steps, words)
    return _report(student.eval(), head, images[train:], (features[train:].float() - mean) / deviation)


def _rate(step: int, steps: int) -> float:
    warm = max(steps // 20, 1)
    return step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1)))


@torch.no_grad()
def _report(student: VisionTransformer, head: nn.Linear, images: NDArray[np.float16], target: Tensor) -> DistilReport:
    guess = torch.cat(
        [
            head(
                student.forward_features(standardised(torch.from_numpy(images[start : start + 32].astype(np.float32))))
            )
            for start in range(0, len(images), 32)
        ]
    )
    guess, target = guess[:, 1:], target[:, 1:]
    cosine = F.cosine_similarity(guess, target, dim=-1).mean()
    residual = (guess - target).square().sum() / (target - target.mean(dim=(0, 1))).square().sum()
    return DistilReport(float(cosine), float(1 - residual))
