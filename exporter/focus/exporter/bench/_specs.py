"""What is measured: the models and the rows of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Numbers of bands of the sweep, the shape of the paper's Figure 5.
BANDS = (8, 16, 32, 64, 128, 204)


@dataclass(frozen=True)
class ModelSpec:
    """A model that all rows share.

    Attributes:
        name: how options and JSON call it.
        title: for people.
        backbone: name for ``focus.exporter.model.create_backbone``.
        size: lines and samples of a window.
        bands: C, spread evenly over the simulated sensor's 204.
        classes, groups: K and G.
        weights: path of the backbone's weights; empty for random ones (seed 0), which take the same time.
    """

    name: str
    title: str
    backbone: str
    size: int
    bands: int = 204
    classes: int = 4
    groups: int = 10
    weights: str = ""


@dataclass(frozen=True)
class RowSpec:
    """A row of the table: one peer, measured in a process of its own.

    Attributes:
        name: of the row.
        peer: ``module:class``, a ``focus.exporter.bench.peers.Peer``.
        what: one line for people.
        options: keyword arguments of the class.
        edge: it must run without torch, as on an edge device; held by the check.
        against: row that its ratio column is over.
    """

    name: str
    peer: str
    what: str
    options: Mapping[str, Any]
    edge: bool
    against: str


@dataclass(frozen=True)
class SweepSpec:
    """A peer that is measured against the number of bands.

    Attributes:
        one_block: a pass that would take too long may be measured in one of its L equal blocks.
    """

    name: str
    peer: str
    what: str
    one_block: bool = False


MODELS = {
    spec.name: spec
    for spec in (
        ModelSpec("vit-s14", "ViT-S/14, 252 x 252", "vit_small_patch14_dinov2", 252),
        ModelSpec("vit-b16", "ViT-B/16, 256 x 256", "vit_base_patch16_224", 256),
    )
}

_PEERS = "focus.exporter.bench.peers"

_PLAIN, _COPY, _SMALL_COPY = "plain_vit_openvino", "copy", "saliency_copy"
_ORT, _OPENVINO = {"backend": "onnxruntime"}, {"backend": "openvino"}

#: Name, peer, what it is, its options, whether it runs without torch, and the row that its ratio is over.
ROWS = tuple(
    RowSpec(name, f"{_PEERS}.{peer}", what, options, edge, against)
    for name, peer, what, options, edge, against in (
        (_PLAIN, "plain:PlainViT", "three channels, forward only: the floor", {}, True, _PLAIN),
        ("naive_ort", "naive:NaiveOrt", "float cube, one joint sequence, all attention out", {}, True, _PLAIN),
        ("torch_focus", "torch_focus:TorchFocus", "FOCUS in PyTorch, float32", {}, False, _PLAIN),
        ("gradcam", "gradcam:GradCam", "pytorch-grad-cam, forward and backward", {}, False, _PLAIN),
        ("focus_ort", "ours:RawToMaps", "raw to maps, ONNX Runtime", _ORT, True, _PLAIN),
        ("focus_openvino", "ours:RawToMaps", "raw to maps, OpenVINO", _OPENVINO, True, _PLAIN),
        ("focus_graph", "ours:GraphAlone", "the network alone, OpenVINO", _OPENVINO, True, _PLAIN),
        ("focus_int8", "ours:RawToMapsInt8", "raw to maps, OpenVINO, quantised", {}, True, _PLAIN),
        (_COPY, "stages:Copy", "a plain copy of the raw cube", {}, True, _COPY),
        ("ingest", "stages:Ingest", "raw to band means and composite", {}, True, _COPY),
        (_SMALL_COPY, "stages:SaliencyCopy", "a plain copy of what saliency reads", {}, True, _SMALL_COPY),
        ("saliency", "stages:Saliency", "attention to M and B", {}, True, _SMALL_COPY),
    )
)

SWEEP = (
    SweepSpec("torch_focus", f"{_PEERS}.torch_focus:TorchFocusBands", "FOCUS in PyTorch, float32"),
    SweepSpec("dchag_style", f"{_PEERS}.dchag:DchagStyle", "tokens of each band, aggregated to one a patch"),
    SweepSpec("vanilla_full_spectrum", f"{_PEERS}.vanilla:Vanilla", "a token for each band and patch", one_block=True),
)

#: Rows that are no ``Peer``: the real command in its own process.
COMMAND_ROWS = {
    "focus_run": "focus-run on a scene of one window, and on a short one",
    "focus_run_long": "the same way through for many cubes",
}


def row_names() -> tuple[str, ...]:
    """Every name that ``--rows`` takes."""
    names = [row.name for row in ROWS] + [row.name for row in SWEEP] + list(COMMAND_ROWS)
    return tuple(dict.fromkeys(names))
