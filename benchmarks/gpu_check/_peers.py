"""What one would write with torch: the naive pipeline, and Grad-CAM. Both start from raw counts in ordinary memory."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from focus.exporter.bench._answers import Answer, check_answers
from focus.exporter.bench._networks import NaiveNet, plain_vit
from focus.exporter.bench._numpy_maps import joint_answer, reflectance, scores_from_logits
from gpu_check._case import Made
from gpu_check._section import FAILED, OK, WRONG, Row

#: Share of a result's largest value that may differ from float32 on the CPU.
LIMITS = {torch.float32: 2e-2, torch.float16: 1e-1}

WARM_UP = 2


class Naive:
    """Calibration in NumPy to a float cube, which is uploaded; summaries and one joint sequence on the GPU; every
    block's attention comes back; maps in NumPy.

    Args:
        made: the model.
        kind: of the network's numbers.
        place: where torch computes.
    """

    name = "naive pipeline: float cube, joint sequence, all attention out, torch"

    def __init__(self, made: Made, kind: torch.dtype, place: torch.device) -> None:
        self._case, self._kind, self._place = made.case, kind, place
        self._net = NaiveNet(copy.deepcopy(made.net)).to(place, kind)
        bundle, backbone = made.case.bundle, made.case.bundle.backbone
        self._weights, self._mean, self._deviation, self._centre, self._spread = (
            torch.tensor(values, dtype=torch.float32, device=place)
            for values in (
                bundle.composite_weights,
                bundle.mean,
                bundle.deviation,
                backbone.composite_mean,
                backbone.composite_deviation,
            )
        )
        self.answers = made.case.answers["naive"]

    @torch.inference_mode()
    def run(self, raw: NDArray[np.uint16]) -> Answer:
        """From raw counts [H, C, W] to the answer."""
        bundle, source = self._case.bundle, self._case.source
        cube = torch.from_numpy(reflectance(raw, source.dark, source.gain)).to(self._place)
        means = F.avg_pool2d(cube[None], bundle.backbone.patch).flatten(2).transpose(1, 2)
        means = (means - self._mean) / self._deviation
        composite = torch.tensordot(self._weights, cube, dims=1)
        composite = (composite - self._centre[:, None, None]) / self._spread[:, None, None]
        logits, *attention = self._net(means.to(self._kind), composite[None].to(self._kind))
        on_host = [values.float().cpu().numpy()[0] for values in (logits, *attention)]
        return Answer(*joint_answer(on_host[0], on_host[-1], means[0].cpu().numpy(), bundle))


class GradCam:
    """Calibration and composite in NumPy; forward and backward through the plain ViT on the GPU.

    Args:
        made: the model.
        kind: of the network's numbers.
        place: where torch computes.
    """

    def __init__(self, made: Made, kind: torch.dtype, place: torch.device) -> None:
        self._case, self._kind, self._place = made.case, kind, place
        exact = plain_vit(copy.deepcopy(made.net)).requires_grad_(True)
        self.answers = [Answer(*_written_out(exact, torch.from_numpy(given.composite)[None])) for given in made.inputs]
        self._net = exact.to(place, kind)
        self._cam: Any = None
        if find_spec("pytorch_grad_cam") is not None:
            from pytorch_grad_cam import GradCAM

            layers = [self._net.blocks[-1].norm1]
            self._cam = GradCAM(self._net, layers, reshape_transform=lambda tokens: _grid(self._net, tokens))

    @property
    def name(self) -> str:
        """Whose it is."""
        whose = "written out with hooks" if self._cam is None else "pytorch-grad-cam"
        return f"Grad-CAM, {whose}, torch"

    def run(self, raw: NDArray[np.uint16]) -> Answer:
        """From raw counts [H, C, W] to the answer."""
        bundle, source = self._case.bundle, self._case.source
        backbone = bundle.backbone
        cube = reflectance(raw, source.dark, source.gain)
        centre, spread = (
            np.array(values, np.float32)[:, None, None]
            for values in (backbone.composite_mean, backbone.composite_deviation)
        )
        composite = (np.tensordot(np.array(bundle.composite_weights, np.float32), cube, axes=1) - centre) / spread
        given = torch.from_numpy(composite)[None].to(self._place, self._kind)
        if self._cam is None:
            return Answer(*_written_out(self._net, given))
        image = self._cam(given, None)[0]
        logits = self._cam.outputs[0].detach().float().cpu().numpy()
        return Answer(scores_from_logits(logits), image.astype(np.float32))


def _written_out(net: nn.Module, composite: Tensor) -> tuple[NDArray[Any], NDArray[Any]]:
    """Scores [K] and the image [H, W], 0 to 1, of the class with the highest score."""
    kept: list[Tensor] = []
    layer = net.get_submodule("blocks")[-1].norm1  # type: ignore[index]
    handle = layer.register_forward_hook(lambda _module, _given, output: kept.append(output))
    logits = net(composite)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0].max(), kept)
    weights = _grid(net, gradient.float()).mean(dim=(2, 3), keepdim=True)
    image = _unit((weights * _grid(net, kept[0].float())).sum(1, keepdim=True).relu())
    image = _unit(F.interpolate(image, composite.shape[2:], mode="bilinear", align_corners=False))
    return scores_from_logits(logits[0].detach().float().cpu().numpy()), image[0, 0].detach().cpu().numpy()


def _grid(net: Any, tokens: Tensor) -> Tensor:
    """Tokens [1, 1 + N, d] to the patch grid [1, d, rows, columns]."""
    rows, columns = net.patch_embed.grid_size
    return tokens[:, -rows * columns :].transpose(1, 2).unflatten(2, (rows, columns))


def _unit(image: Tensor) -> Tensor:
    return (image - image.min()) / (image.max() - image.min() + 1e-12)


def measure_peer(make: Callable[[], Naive | GradCam], kind: torch.dtype, made: Made, passes: int) -> Row:
    """Checks one peer and times it on single cubes.

    Args:
        make: gives it.
        kind: of its numbers.
        made: cubes.
        passes: that are timed.
    """
    words = "FP16" if kind is torch.float16 else "FP32"
    try:
        peer = make()
        row: Row = {"what": f"{peer.name} {words}", "batch": 1}
        found = [peer.run(raw) for raw in made.case.cubes]
        check = check_answers(found, peer.answers, LIMITS[kind], "torch in float32 on the CPU")
        if not check.passed:
            return {**row, "state": WRONG, "off_by": str(check)}
        times = []
        for number in range(WARM_UP + passes):
            raw = made.case.cubes[number % len(made.case.cubes)]
            start = time.perf_counter()
            peer.run(raw)
            times.append(1e3 * (time.perf_counter() - start))
    except (RuntimeError, TypeError, ValueError) as error:  # torch, or a package on it, does not do this
        return {
            "what": f"a peer, {words}",
            "batch": 1,
            "state": FAILED,
            "off_by": f"{type(error).__name__}: {error}"[:300],
        }
    p50, p99 = (float(np.percentile(times[WARM_UP:], share)) for share in (50, 99))
    return {**row, "state": OK, "off_by": check.worst, "p50_ms": p50, "p99_ms": p99}
