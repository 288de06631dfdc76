"""``gradcam``: the pytorch-grad-cam package on the same backbone, forward and backward."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from torch import Tensor

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._networks import focus_net, plain_vit
from focus.exporter.bench._numpy_maps import inputs_from_cube, reflectance, scores_from_logits
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._contract import Peer


class GradCam(Peer):
    """As the package's own example for ViTs has it: target layer ``blocks[-1].norm1``, parameters as the network is
    loaded, so that backward passes through all of it. It says where, and not at which wavelengths.
    """

    def __init__(self, prepared: Prepared, threads: int) -> None:
        super().__init__(prepared, threads)
        torch.set_num_threads(threads)
        self._network = plain_vit(focus_net(prepared.spec, prepared.bundle.wavelengths)).requires_grad_(True)
        self._layer = self._network.blocks[-1].norm1
        self._cam = GradCAM(self._network, [self._layer], reshape_transform=self._grid)

    def _grid(self, tokens: Tensor) -> Tensor:
        """Tokens [1, 1 + N, d] to the patch grid [1, d, rows, columns]."""
        rows, columns = self._network.patch_embed.grid_size
        return tokens[:, -rows * columns :].transpose(1, 2).unflatten(2, (rows, columns))

    def run(self) -> Answer:
        """Calibrate, make the composite, forward and backward."""
        rig = self.prepared.calibration
        with self.stage("ingest"):
            _, composite = inputs_from_cube(reflectance(self.raw, rig.dark, rig.gain), self.prepared.bundle)
        with self.stage("graph"):
            heatmap = self._cam(torch.from_numpy(composite)[None], None)[0]
        return Answer(scores_from_logits(self._cam.outputs[0].detach().numpy()), heatmap)

    def check(self) -> Check:
        """Against Grad-CAM written out with torch's own gradients."""
        wanted = [self._written_out(number) for number in range(self.prepared.cubes)]
        return check_answers(self.answers(), wanted, self.limit, "Grad-CAM written out in torch, float32")

    def _written_out(self, number: int) -> Answer:
        composite = torch.from_numpy(self.prepared.inputs(number)[1])[None]
        kept: list[Tensor] = []
        handle = self._layer.register_forward_hook(lambda _module, _given, output: kept.append(output))
        logits = self._network(composite)
        handle.remove()
        (gradient,) = torch.autograd.grad(logits[0].max(), kept)
        weights = self._grid(gradient).mean(dim=(2, 3), keepdim=True)
        image = (weights * self._grid(kept[0])).sum(1)[0].relu().detach().numpy()
        image = (image - image.min()) / (image.max() - image.min() + 1e-12)
        resized = cv2.resize(image, (self.prepared.spec.size,) * 2)
        resized = (resized - resized.min()) / (resized.max() - resized.min() + 1e-12)
        return Answer(scores_from_logits(logits[0].detach().numpy()), np.asarray(resized))

    def facts(self) -> dict[str, object]:
        """Precision."""
        return {"precision": "fp32"}
