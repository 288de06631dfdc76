"""``naive_ort``: what one puts together at first. The whole cube becomes float, the sequence holds all prompts in every
block, and every block's attention comes out.
"""

from __future__ import annotations

import numpy as np
import onnxruntime as ort

from focus.exporter.bench._answers import Answer
from focus.exporter.bench._numpy_maps import inputs_from_cube, joint_answer, reflectance
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._contract import Peer


class NaiveOrt(Peer):
    """NumPy and ONNX Runtime, float32 throughout; the network is ``NaiveNet``."""

    reference = "naive"

    def __init__(self, prepared: Prepared, threads: int) -> None:
        super().__init__(prepared, threads)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        path = str(prepared.folder / "naive.onnx")
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(self) -> Answer:
        """Calibrate, summarise, infer, draw the maps."""
        bundle, rig = self.prepared.bundle, self.prepared.calibration
        with self.stage("ingest"):
            means, composite = inputs_from_cube(reflectance(self.raw, rig.dark, rig.gain), bundle)
        with self.stage("graph"):
            logits, *attention = self._session.run(None, {"band_means": means[None], "composite": composite[None]})
        with self.stage("saliency"):
            return Answer(*joint_answer(logits[0], attention[-1][0], means, bundle))

    def facts(self) -> dict[str, object]:
        """Precision."""
        return {"precision": "fp32", "attention_mb": self._attention_mb()}

    def _attention_mb(self) -> float:
        """What comes out of the network beside the logits."""
        tokens = 1 + self.prepared.bundle.patches + len(self.prepared.bundle.groups) * self.prepared.spec.classes
        backbone = self.prepared.bundle.backbone
        return round(backbone.blocks * backbone.heads * tokens**2 * np.dtype(np.float32).itemsize / 1e6, 1)
