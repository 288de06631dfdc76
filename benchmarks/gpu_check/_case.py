"""Step 5's model and cubes, with the answers that are right: torch in float32 on the CPU, maps in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.bench._answers import Answer
from focus.exporter.bench._flops import Sizes, blocks_flops
from focus.exporter.bench._numpy_maps import Inputs, reflectance
from focus.exporter.bench._specs import MODELS, ModelSpec
from focus.runtime import Bundle
from focus.runtime.sources import SourceFacts
from gpu_check._cubes import Rig, random_cubes

if TYPE_CHECKING:
    from focus.exporter.model import FocusNet

#: Cubes that differ.
CUBES = 4

VIT_B = MODELS["vit-b16"]


@dataclass(frozen=True)
class Case:
    """What goes through the engines and the peers.

    Attributes:
        title: for people.
        bundle: of the model.
        source: of the cubes.
        cubes: uint16 [n, H, C, W].
        answers: name of a network -> what it should say of each cube.
    """

    title: str
    bundle: Bundle
    source: SourceFacts
    cubes: NDArray[np.uint16]
    answers: dict[str, list[Answer]]


@dataclass(frozen=True)
class Made:
    """A case and the network that it is made of.

    Attributes:
        case: see ``Case``.
        net: float32, on the CPU.
        inputs: of the network, float32, for each cube.
    """

    case: Case
    net: FocusNet
    inputs: list[Inputs]


def make_case(spec: ModelSpec = VIT_B) -> Made:
    """A network of random weights, random cubes, and the answers.

    Raises:
        ModuleNotFoundError: torch, timm or another part of ``focus-hsi[export]`` is not installed.
    """
    from focus.exporter.bench._networks import focus_net
    from focus.exporter.bench._prepare import bundle_of_cubes, reference_answers, rounded_inputs

    wavelengths = np.linspace(400.0, 1000.0, spec.bands)
    cubes, rig = random_cubes(np.random.default_rng(0), CUBES, spec)
    wide = [reflectance(cube, rig.dark.astype(np.float64), rig.gain.astype(np.float64)) for cube in cubes]
    net = focus_net(spec, wavelengths)
    bundle = bundle_of_cubes(spec, net, wavelengths, wide)
    inputs = [rounded_inputs(cube, bundle) for cube in wide]
    arrays = reference_answers(net, bundle, inputs)
    answers = {
        name: [Answer(*(arrays[f"{name}-{n}-{field}"] for field in Answer._fields)) for n in range(CUBES)]
        for name in ("focus", "naive")
    }
    case = Case(spec.title, bundle, source_facts(spec, wavelengths, rig), cubes, answers)
    return Made(case, net, inputs)


def source_facts(spec: ModelSpec, wavelengths_nm: NDArray[np.float64], rig: Rig) -> SourceFacts:
    """A snapshot camera of 12 bits."""
    return SourceFacts(
        name="random cubes",
        uri="",
        wavelengths_nm=wavelengths_nm,
        fwhm_nm=None,
        samples=spec.size,
        lines=spec.size,
        dtype=np.dtype(np.uint16),
        dark=rig.dark,
        gain=rig.gain,
        good_bands=np.ones(spec.bands, bool),
        bits=12,
    )


def window_flops(bundle: Bundle) -> float:
    """Floating-point operations of one window, a multiply-add counts two. Only what is sure to be computed: the patch
    embedding, the blocks of the patch lane, and the keys that the prompts read; not the prompts' own blocks.
    """
    backbone, tokens = bundle.backbone, 1 + bundle.patches
    sizes = Sizes(bundle.patches, backbone.width, backbone.blocks - bundle.reading.read_blocks)
    embedding = 2.0 * bundle.patches * (3 * backbone.patch**2 + bundle.bands) * backbone.width
    return blocks_flops(tokens, sizes) + embedding + 2.0 * tokens * backbone.width**2


def answer_of_reading(reading: Any) -> Answer:
    """What a ``Reading`` says, as the answers are kept."""
    return Answer(reading.scores, reading.heatmap, reading.curve)
