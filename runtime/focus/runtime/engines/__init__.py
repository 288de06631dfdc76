"""Engines: one contract over every backend that can run the exported network."""

from focus.runtime.engines._contract import Engine, Outputs
from focus.runtime.engines._onnxruntime import OnnxRuntimeEngine
from focus.runtime.engines._open import engine_from_path

__all__ = ["Engine", "OnnxRuntimeEngine", "Outputs", "engine_from_path"]
