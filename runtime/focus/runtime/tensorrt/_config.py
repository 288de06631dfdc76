"""TensorRT's build configuration: no precision flags (11 has none), one profile where the batch is dynamic."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

from focus.runtime._errors import BundleError
from focus.runtime.tensorrt._network import fix_batch, input_shapes
from focus.runtime.tensorrt._options import BatchProfile, BuildOptions

MIB = 1 << 20


def builder_config(trt: ModuleType, builder: Any, network: Any, options: BuildOptions, batch: BatchProfile) -> Any:
    """The configuration of a build; see ``BuildOptions``.

    Args:
        trt: the module ``tensorrt``.
        builder: TensorRT's.
        network: parsed; a dynamic batch becomes a fixed one if the profile is static.
        options: what was asked for.
        batch: from ``batch_of``.
    """
    config = builder.create_builder_config()
    if options.workspace_mib is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_mib * MIB)
    config.builder_optimization_level = options.optimisation_level
    if options.hardware_compatible:
        config.hardware_compatibility_level = trt.HardwareCompatibilityLevel.AMPERE_PLUS
    if options.version_compatible:
        config.set_flag(trt.BuilderFlag.VERSION_COMPATIBLE)
    if batch.static:
        fix_batch(network, batch.most)
    else:
        config.add_optimization_profile(_profile(builder, network, batch))
    return config


def batch_of(network: Any, asked: BatchProfile | None, onnx: Path) -> BatchProfile:
    """The batch of the plan: what was asked for, or what the file is made for.

    Raises:
        BundleError: the file is made for another batch than was asked for.
    """
    fixed = {shape[0] for shape in input_shapes(network).values()} - {-1}
    if not fixed:
        return asked or BatchProfile()
    size = max(fixed)
    own = BatchProfile(least=size, best=size, most=size)
    if asked is not None and asked != own:
        raise BundleError(
            f"{onnx} reads {size} window{'s' * (size > 1)} at once and nothing else, --batch asks for {asked}; "
            f"take --batch {size}, or export it again without --batch"
        )
    return own


def _profile(builder: Any, network: Any, batch: BatchProfile) -> Any:
    profile = builder.create_optimization_profile()
    for name, (_, *rest) in input_shapes(network).items():
        profile.set_shape(name, (batch.least, *rest), (batch.best, *rest), (batch.most, *rest))
    return profile
