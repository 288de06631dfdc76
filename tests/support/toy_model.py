"""A network small enough to follow by hand that keeps the ONNX contract, for tests of the runtime (no torch needed).

Each prompt scores a patch by a weighted sum of its own group's bands and attends by softmax over the patches and a
sink of score 0; a class's logit is the mean attended score of its prompts, plus a little of the composite's brightness.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.runtime._bundle import METADATA_KEY, Backbone, Bundle, Group, Reading, Seen, Target
from focus.runtime.spectral import band_groups, composite_weights

WAVELENGTHS = np.linspace(450.0, 945.0, 12)

GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
toy (float[B, {N}, {C}] band_means, float[B, 3, {H}, {W}] composite)
    => (float[B, {K}] logits, float[B, {heads}, {K}, {G}, {N}] attention, float[B, {heads}, {K}, {G}] sink_mass)
<int64[6] sink_place = {{0, 0, 0, 0, 0, 1}}, int64[1] zero = {{0}}, int64[1] patches = {{{N}}},
 float sink = {{{sink}}}, int64[1] all = {{{after}}}, int64[1] last = {{2}}, int64[2] single = {{0, 1}},
 int64[5] by_prompt = {{0, {heads}, {K}, {G}, {N}}}, int64[4] prompts = {{0, {heads}, {K}, {G}}}>
{{
    by_patch = MatMul(band_means, read)
    scores = Transpose<perm = [0, 2, 1]>(by_patch)
    with_sink = Pad(scores, sink_place, sink)
    probabilities = Softmax<axis = 2>(with_sink)
    to_patches = Slice(probabilities, zero, patches, last)
    to_sink = Slice(probabilities, patches, all, last)
    attention = Reshape(to_patches, by_prompt)
    sink_mass = Reshape(to_sink, prompts)
    weighted = Mul(to_patches, scores)
    pooled = ReduceSum<keepdims = 0>(weighted, last)
    evidence = Reshape(pooled, prompts)
    mean_evidence = ReduceMean<axes = [1, 3], keepdims = 0>(evidence)
    light = ReduceMean<axes = [1, 2, 3]>(composite)
    brightness = Reshape(light, single)
    tilted = MatMul(brightness, tilt)
    logits = Add(mean_evidence, tilted)
}}
"""


@dataclass(frozen=True)
class Toy:
    """What the small network looks like; the defaults read windows of 12 lines x 16 samples and 12 bands.

    Attributes:
        read: [K, C], what raises a patch's score for each class; None gives each class two bands of its own.
        sink_score: score of the sink; the higher, the more attention it takes from the patches.
        seen: what training saw.
    """

    wavelengths_nm: NDArray[np.float64] = field(default_factory=WAVELENGTHS.copy)
    patch: int = 4
    rows: int = 3
    columns: int = 4
    classes: tuple[str, ...] = ("healthy", "chlorosis", "water-soaked")
    read: NDArray[np.float64] | None = None
    mean: float | NDArray[np.float64] = 0.4
    deviation: float | NDArray[np.float64] = 0.1
    groups: int = 3
    sink_score: float = 0.0
    seen: Seen | None = None
    task: str = "classification"
    inputs: tuple[str, str] = ("band_means", "composite")

    @property
    def weights(self) -> NDArray[np.float64]:
        """[K, C]"""
        bands = len(self.wavelengths_nm)
        if self.read is not None:
            return self.read
        own = np.zeros((len(self.classes), bands))
        for row in range(len(self.classes)):
            own[row, (3 * row + 1) % bands] = 1.0
            own[row, (3 * row + 5) % bands] = -0.5
        return own

    def bundle(self) -> Bundle:
        """The facts of this network."""
        bands = len(self.wavelengths_nm)
        return Bundle(
            name="toy",
            task=self.task,
            targets=tuple(
                Target(name=name, unit=None, mean=10.0 * index, deviation=2.0)
                for index, name in enumerate(self.classes)
            ),
            wavelengths_nm=tuple(self.wavelengths_nm),
            groups=tuple(
                Group(name=g.name, first=g.first, stop=g.stop) for g in band_groups(self.wavelengths_nm, self.groups)
            ),
            backbone=Backbone(
                name="toy",
                patch=self.patch,
                rows=self.rows,
                columns=self.columns,
                width=8,
                blocks=1,
                heads=4,
                composite_mean=(0.5, 0.4, 0.3),
                composite_deviation=(0.2, 0.2, 0.2),
            ),
            reading=Reading(
                read_blocks=1,
                heads=(0, 2),
                band_share=self.band_share(),
                group_share=self.group_share(),
                reference=self.reference(),
                brightness=self.brightness(),
            ),
            mean=tuple(np.broadcast_to(self.mean, bands).tolist()),
            deviation=tuple(np.broadcast_to(self.deviation, bands).tolist()),
            adapter_norm=tuple(np.abs(self.weights).max(axis=0) + 0.05),
            composite_weights=tuple(tuple(row) for row in composite_weights(self.wavelengths_nm)),
            seen=self.seen,
        )

    def band_share(self) -> tuple[tuple[float, ...], ...]:
        """Another share for each class and band, mean 1 over the bands."""
        steps = np.linspace(0.5, 1.5, len(self.wavelengths_nm))
        return tuple(tuple(np.roll(steps, k).tolist()) for k in range(len(self.classes)))

    def group_share(self) -> tuple[tuple[float, ...], ...]:
        """Another share for each class and group, sum 1 over the groups."""
        steps = np.arange(1.0, 1.0 + len(band_groups(self.wavelengths_nm, self.groups)))
        return tuple(tuple(np.roll(steps / steps.sum(), k).tolist()) for k in range(len(self.classes)))

    def brightness(self) -> tuple[tuple[float, ...], ...]:
        """Two waves over the bands; a flat spectrum keeps its contrast."""
        angle = np.pi * (np.arange(len(self.wavelengths_nm)) + 0.5) / len(self.wavelengths_nm)
        return tuple(tuple((row / np.linalg.norm(row)).tolist()) for row in (np.cos(3 * angle), np.cos(4 * angle)))

    def reference(self) -> tuple[float, ...]:
        """Another reference for each band."""
        return tuple(np.linspace(-0.3, 0.2, len(self.wavelengths_nm)).tolist())

    def save(self, path: Path, *, bundle: str | None = None, metadata: bool = True) -> Path:
        """Writes the ONNX file.

        Args:
            bundle: JSON to embed in place of the right one.
            metadata: False leaves the bundle out, as in an ONNX of somebody else.
        """
        import onnx

        facts = self.bundle()
        sizes = {
            "N": facts.patches,
            "C": facts.bands,
            "H": facts.window[0],
            "W": facts.window[1],
            "K": len(self.classes),
            "G": len(facts.groups),
            "heads": len(facts.reading.heads),
            "after": facts.patches + 1,
            "sink": f"{self.sink_score:.1f}",
        }
        text = GRAPH.format(**sizes)
        for ours, theirs in zip(("band_means", "composite"), self.inputs, strict=True):
            text = text.replace(ours, theirs)
        model = onnx.parser.parse_model(text)
        model.graph.initializer.append(onnx.numpy_helper.from_array(self._read_matrix(facts), "read"))
        tilt = np.linspace(-0.01, 0.01, len(self.classes), dtype=np.float32)[None]
        model.graph.initializer.append(onnx.numpy_helper.from_array(tilt, "tilt"))
        onnx.checker.check_model(model)
        if metadata:
            model.metadata_props.add(key=METADATA_KEY, value=bundle or facts.model_dump_json())
        path.write_bytes(model.SerializeToString())
        return path

    def _read_matrix(self, facts: Bundle) -> NDArray[np.float32]:
        """[C, heads * K * G]: zero outside a prompt's own group; the second head is half as sharp."""
        own = (facts.group_of_band[:, None] == np.arange(len(facts.groups))).astype(float)
        matrix = np.einsum("h,kc,cg->chkg", (1.0, 0.5), self.weights, own)
        return np.ascontiguousarray(matrix.reshape(facts.bands, -1), np.float32)
