"""Engines: one contract over every backend that can run the exported network."""

from focus.runtime.engines._contract import Engine, Outputs
from focus.runtime.engines._device import DeviceEngine
from focus.runtime.engines._onnx_file import ModelFile
from focus.runtime.engines._onnxruntime import OnnxRuntimeEngine
from focus.runtime.engines._open import BACKENDS, engine_from_path
from focus.runtime.engines._openvino import OpenVinoEngine
from focus.runtime.engines._ort_cuda import OrtCudaEngine
from focus.runtime.engines._tensorrt import TensorRTEngine

__all__ = [
    "BACKENDS",
    "DeviceEngine",
    "Engine",
    "ModelFile",
    "OnnxRuntimeEngine",
    "OpenVinoEngine",
    "OrtCudaEngine",
    "Outputs",
    "TensorRTEngine",
    "engine_from_path",
]
