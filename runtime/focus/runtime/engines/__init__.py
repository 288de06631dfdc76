"""Engines: one contract over every backend that can run the exported network."""

from focus.runtime.engines._contract import Engine, Outputs
from focus.runtime.engines._onnx_file import ModelFile
from focus.runtime.engines._onnxruntime import OnnxRuntimeEngine
from focus.runtime.engines._open import BACKENDS, engine_from_path
from focus.runtime.engines._openvino import OpenVinoEngine

__all__ = ["BACKENDS", "Engine", "ModelFile", "OnnxRuntimeEngine", "OpenVinoEngine", "Outputs", "engine_from_path"]
