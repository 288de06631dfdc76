"""The build with a real parser and a real builder, TensorRT-RTX's, on the CPU; ``test_rtx.py`` runs this file in a
process of its own.
"""

from __future__ import annotations

import signal
from pathlib import Path

import onnx
import pytest
import tensorrt_rtx_bindings as trt

from focus.runtime import BundleError
from focus.runtime.engines._open import default_model
from focus.runtime.tensorrt import BatchProfile, BuildOptions
from focus.runtime.tensorrt._config import batch_of, builder_config
from focus.runtime.tensorrt._logger import build_logger
from focus.runtime.tensorrt._network import new_builder, parsed_network
from focus.runtime.tensorrt._plan import built_plan
from support.toy_model import Toy


def test_a_plan_with_its_progress() -> None:
    seen: list[tuple[str, float]] = []
    built = built_plan(trt, default_model(), BuildOptions(), show=lambda what, share: seen.append((what, share)))
    assert len(built.content) > 1_000_000 and str(built.batch) == "1" and built.warnings == ()
    for name in {name for name, _ in seen}:
        shares = [share for what, share in seen if what == name]
        assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1
    assert len({share for _, share in seen}) > 10


@pytest.mark.parametrize(("asked", "size"), [(None, 1), ("4", 4), ("1,4,8", -1)])
def test_the_batch_goes_through_the_whole_network(asked: str | None, size: int) -> None:
    log = build_logger(trt)
    builder = new_builder(trt, log)
    network, _parser = parsed_network(trt, builder, log, default_model())
    batch = batch_of(network, None if asked is None else BatchProfile.from_text(asked), default_model())
    config = builder_config(trt, builder, network, BuildOptions(), batch)
    outputs = [tuple(network.get_output(index).shape) for index in range(network.num_outputs)]
    assert [shape[0] for shape in outputs] == [size] * 3 and all(min(shape[1:]) > 0 for shape in outputs)
    assert builder.build_serialized_network(network, config) is not None, log.errors


def test_interrupting_stops_the_builder() -> None:
    seen = []

    def interrupt(_what: str, share: float) -> None:
        seen.append(share)
        if len(seen) == 5:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        built_plan(trt, default_model(), BuildOptions(), show=interrupt)
    assert max(seen) < 0.9
    assert len(built_plan(trt, default_model(), BuildOptions()).content) > 1_000_000


def test_what_the_parser_says_of_a_file_that_it_cannot_read(tmp_path: Path) -> None:
    model = onnx.load(Toy().save(tmp_path / "toy.onnx"))
    node = next(node for node in model.graph.node if node.op_type == "Softmax")
    node.op_type, node.name = "Sharpmax", "to_probabilities"
    (tmp_path / "toy.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(BundleError, match=r"cannot read .*toy\.onnx \(.*Sharpmax.*\); export it again"):
        built_plan(trt, tmp_path / "toy.onnx", BuildOptions())
    (tmp_path / "toy.onnx").write_bytes(b"no model at all")
    with pytest.raises(BundleError, match=r"cannot read .*toy\.onnx"):
        built_plan(trt, tmp_path / "toy.onnx", BuildOptions())
