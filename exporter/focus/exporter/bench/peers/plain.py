"""``plain_vit_openvino``: the backbone alone on three channels, forward only. No hyperspectral model can be cheaper."""

from __future__ import annotations

import numpy as np
import openvino as ov

from focus.exporter.bench._answers import Answer
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._contract import Peer
from focus.runtime._processor import has_bf16


class PlainViT(Peer):
    """OpenVINO in the precision that the FOCUS engine takes here: bfloat16 where there is hardware for it."""

    reference = "plain"

    def __init__(self, prepared: Prepared, threads: int) -> None:
        super().__init__(prepared, threads)
        self.limit = 5e-2 if has_bf16() else 1e-3
        options = {
            "INFERENCE_PRECISION_HINT": "bf16" if has_bf16() else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
        }
        model = ov.Core().compile_model(prepared.folder / "plain.onnx", "CPU", options)
        self._request = model.create_infer_request()

    def load(self, number: int) -> None:
        """Brings a normalised composite; where it comes from is not this row's cost."""
        _, composite = self.prepared.inputs(number % self.prepared.cubes)
        self._request.set_input_tensor(ov.Tensor(np.ascontiguousarray(composite[None])))

    def run(self) -> Answer:
        """Logits."""
        with self.stage("graph"):
            self._request.infer()
        return Answer(self._request.get_output_tensor().data[0].copy())

    def facts(self) -> dict[str, object]:
        """Precision."""
        return {"precision": "bf16" if has_bf16() else "fp32"}
