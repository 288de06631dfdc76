"""Makes what the rows of a model share: networks, ONNX files, cubes, and the answers that are right."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from focus.exporter.bench._cubes import band_index, read_cube, write_cubes
from focus.exporter.bench._networks import NaiveNet, bundle_from_net, focus_net, plain_vit
from focus.exporter.bench._numpy_maps import (
    Inputs,
    inputs_from_cube,
    maps_from_attention,
    reflectance,
    scores_from_logits,
)
from focus.exporter.bench._prepared import REFERENCES, Prepared, spec_text
from focus.exporter.bench._specs import ModelSpec
from focus.exporter.export import ReadingGraph, folded, onnx_from_net
from focus.exporter.model import FocusNet
from focus.runtime import Bundle, Calibration
from focus.runtime.simulate import vnir_204

Arrays = dict[str, NDArray[Any]]

#: Of every exported file; the default of ``focus-export``.
OPSET = 20


def prepare(spec: ModelSpec, cubes: int, folder: Path) -> Prepared:
    """Fills a model's folder, or takes what an earlier run left there if it was made the same way.

    Args:
        spec: the model.
        cubes: how many different cubes.
        folder: made if it is not there.
    """
    wanted = spec_text(spec, cubes, _sources())
    record = folder / "spec.json"
    if record.is_file() and record.read_text() == wanted:
        return Prepared(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (record, folder / "focus-int8.onnx"):
        stale.unlink(missing_ok=True)
    write_cubes(spec, cubes, folder)
    sensor = vnir_204()
    wavelengths = sensor.wavelengths_nm[band_index(spec.bands, sensor.bands)]
    net = focus_net(spec, wavelengths)
    bundle = bundle_of_cubes(spec, net, wavelengths, (_cube(spec, folder, number) for number in range(cubes)))
    (folder / "bundle.json").write_text(bundle.model_dump_json())
    model = onnx_from_net(ReadingGraph(folded(net, OPSET), bundle.reading.heads), bundle, opset=OPSET)
    (folder / "focus.onnx").write_bytes(model.SerializeToString())
    inputs = [rounded_inputs(_cube(spec, folder, number), bundle) for number in range(cubes)]
    arrays = reference_answers(net, bundle, inputs)
    _export(NaiveNet(net), ("band_means", "composite"), inputs[0], folder / "naive.onnx")
    _export(plain_vit(net), ("composite",), inputs[0], folder / "plain.onnx")
    np.savez(folder / REFERENCES, allow_pickle=False, **arrays)
    record.write_text(wanted)
    return Prepared(folder)


def _sources() -> str:
    """Hash of the code that the files come from."""
    exporter = Path(__file__).parents[1]
    digest = hashlib.sha256(torch.__version__.encode())
    for folder in ("model", "export", "bench"):
        for path in sorted((exporter / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _cube(spec: ModelSpec, folder: Path, number: int) -> NDArray[np.float64]:
    """Reflectance of a cube in float64, [C, H, W]."""
    rig = Calibration.load(folder / "rig.focuscal")
    raw = np.empty((spec.size, spec.bands, spec.size), np.uint16)
    read_cube(folder / "cubes.raw", number, raw)
    return reflectance(raw, rig.dark.astype(np.float64), rig.gain.astype(np.float64))


def bundle_of_cubes(
    spec: ModelSpec, net: FocusNet, wavelengths: NDArray[np.float64], cubes: Iterable[NDArray[np.float64]]
) -> Bundle:
    """A bundle whose standardisation is that of the cubes: inputs of mean 0 and deviation 1, as after a training.

    Args:
        spec, net: the model.
        wavelengths: float64 [C].
        cubes: reflectance, float64 [C, H, W].
    """
    bands, unit = spec.bands, np.array([[0.0] * 3, [1.0] * 3])
    unscaled = bundle_from_net(spec, net, wavelengths, np.zeros(bands), np.ones(bands), unit + 1e-12)
    parts = [inputs_from_cube(cube, unscaled) for cube in cubes]
    means = np.concatenate([part.band_means for part in parts])
    composites = np.stack([part.composite for part in parts])
    scale = np.stack([composites.mean(axis=(0, 2, 3)), np.full(3, composites.std())])
    return bundle_from_net(spec, net, wavelengths, means.mean(axis=0), means.std(axis=0), scale)


def rounded_inputs(cube: NDArray[np.float64], bundle: Bundle) -> Inputs:
    """What the network reads of a cube, computed in float64 and rounded to float32."""
    found = inputs_from_cube(cube, bundle)
    return Inputs(*(np.ascontiguousarray(value, np.float32) for value in found))


@torch.no_grad()
def reference_answers(net: FocusNet, bundle: Bundle, inputs: list[Inputs]) -> Arrays:
    """Answers of the three networks, torch in float32, their maps in float64."""
    heads = list(bundle.reading.heads)
    shape = (net.classes, net.groups)
    focus, naive = ReadingGraph(net, bundle.reading.heads), NaiveNet(net)
    found: Arrays = {}
    for number, given in enumerate(inputs):
        means, composite = (torch.from_numpy(value)[None] for value in given)
        logits, attention, _ = focus(means, composite)
        joint = naive(means, composite)
        prompts = joint[-1][0, heads, 1 + bundle.patches :, 1 : 1 + bundle.patches].unflatten(1, shape)
        found |= _answer(f"focus-{number}", logits[0], attention[0], given, bundle)
        found |= _answer(f"naive-{number}", joint[0][0], prompts, given, bundle)
        found |= {f"inputs-{number}-{name}": value for name, value in given._asdict().items()}
    plain = plain_vit(net)
    for number, given in enumerate(inputs):
        found[f"plain-{number}-scores"] = plain(torch.from_numpy(given.composite)[None])[0].numpy()
    return found


def _answer(name: str, logits: torch.Tensor, attention: torch.Tensor, given: Inputs, bundle: Bundle) -> Arrays:
    scores = scores_from_logits(logits.double().numpy())
    shown = attention[:, int(scores.argmax())]
    heatmap, curve = maps_from_attention(
        shown.double().numpy(), given.band_means.astype(np.float64), bundle, int(scores.argmax())
    )
    found = {"scores": scores, "heatmap": heatmap, "curve": curve, "attention": shown.float().numpy()}
    return {f"{name}-{field}": value for field, value in found.items()}


def _export(network: torch.nn.Module, names: tuple[str, ...], given: Inputs, path: Path) -> None:
    """Writes a peer's network as one ONNX file of batch 1."""
    example = tuple(torch.from_numpy(getattr(given, name))[None] for name in names)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            example,
            dynamo=True,
            opset_version=OPSET,
            external_data=False,
            input_names=list(names),
            verbose=False,
        )
    if program is None:
        raise RuntimeError(f"torch exported no {path.name}")
    program.save(str(path))
