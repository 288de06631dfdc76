"""Our own rows: the edge runtime, without torch."""

from __future__ import annotations

import numpy as np

from focus.exporter.bench import _ours
from focus.exporter.bench._answers import Answer
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._contract import Peer

#: What may differ from torch in float32, by the precision that an engine computes in.
LIMITS = {"fp32": 1e-3, "bf16": 5e-2, "int8": 5e-1}


class RawToMaps(Peer):
    """Raw counts to scores, M and B: ``focus_ort`` and ``focus_openvino``.

    Args:
        backend: of ``engine_from_path``.
        model: file in the prepared folder.
    """

    def __init__(self, prepared: Prepared, threads: int, backend: str, model: str = "focus.onnx") -> None:
        super().__init__(prepared, threads)
        engine = _ours.open_engine(prepared.folder / model, threads, backend)
        self._engine = engine.__enter__()
        self._ingest = _ours.Ingest(engine.bundle, prepared.calibration, threads)
        self.limit = LIMITS[engine.precision]

    def run(self) -> Answer:
        """Ingest, infer, draw the maps."""
        with self.stage("ingest"):
            means, composite = self._ingest(self.raw)
        with self.stage("graph"):
            outputs = _ours.infer(self._engine, means, composite)
        with self.stage("saliency"):
            return _ours.answer(outputs, means, self._engine.bundle)

    def facts(self) -> dict[str, object]:
        """Precision."""
        return {"precision": self._engine.precision}


class RawToMapsInt8(RawToMaps):
    """``focus_int8``: the same with a quantised network."""

    def __init__(self, prepared: Prepared, threads: int) -> None:
        path = prepared.folder / "focus-int8.onnx"
        if not path.is_file():
            _ours.quantise(
                prepared.folder / "focus.onnx", prepared.folder / "cubes.hdr", prepared.folder / "rig.focuscal", path
            )
        super().__init__(prepared, threads, "openvino", path.name)


class GraphAlone(RawToMaps):
    """``focus_graph``: the network alone, as ``plain_vit_openvino`` is the backbone alone."""

    def load(self, number: int) -> None:
        """Brings what the network reads."""
        means, composite = self.prepared.inputs(number % self.prepared.cubes)
        self._given = np.ascontiguousarray(means), np.ascontiguousarray(composite)

    def run(self) -> Answer:
        """Logits, attention and sink mass."""
        with self.stage("graph"):
            self._outputs = _ours.infer(self._engine, *self._given)
        return Answer(self._outputs.logits[0])

    def answers(self) -> list[Answer]:
        """With the maps, which only the check draws."""
        found = []
        for number in range(self.prepared.cubes):
            self.load(number)
            self.run()
            found.append(_ours.answer(self._outputs, self._given[0], self._engine.bundle))
        return found
