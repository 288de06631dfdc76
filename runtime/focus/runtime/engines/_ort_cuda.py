"""ONNX Runtime on an NVIDIA GPU, for GPUs without TensorRT: the same kernels and buffers."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from focus.kernels.cuda import DeviceArray
from focus.runtime._errors import BundleError
from focus.runtime.engines._device import DeviceEngine
from focus.runtime.engines._onnx_file import read_model_file

#: Lets a pass be enqueued without waiting for it.
NO_WAIT = "disable_synchronize_execution_providers"


def has_cuda_provider() -> bool:
    """Whether ONNX Runtime is installed, built with CUDA."""
    if find_spec("onnxruntime") is None:
        return False
    import onnxruntime as ort

    return OrtCudaEngine.PROVIDER in ort.get_available_providers()


class OrtCudaEngine(DeviceEngine):
    """Runs an exported ``focus.onnx`` with ONNX Runtime's CUDA provider, on buffers that are bound once.

    Args:
        path: the ONNX file.
        batch: windows of a pass.
        gpu: which GPU.
        stream: see ``DeviceEngine``.
    Raises:
        BundleError: no ONNX file, not ours, or damaged; ONNX Runtime here has no CUDA provider.
    """

    name = "onnxruntime-cuda"
    capturable = False  # it may allocate, and chooses algorithms of its own, in the middle of a pass

    #: ONNX Runtime's names for the provider and for the place of its buffers.
    PROVIDER, PLACE = "CUDAExecutionProvider", "cuda"

    def __init__(self, path: Path | str, batch: int = 1, *, gpu: int = 0, stream: int | None = None) -> None:
        import onnxruntime as ort

        if self.PROVIDER not in ort.get_available_providers():
            raise BundleError(
                f"ONNX Runtime {ort.__version__} here has no {self.PROVIDER}; "
                "pip uninstall onnxruntime, then pip install onnxruntime-gpu, which takes its place"
            )
        super().__init__(read_model_file(Path(path)), batch, gpu=gpu, stream=stream)

    def load(self) -> np.dtype[np.floating]:
        """See ``DeviceEngine.load``."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(self.path), options, providers=[self.provider()])
        except Exception as error:  # ONNX Runtime raises a class of its own for each status
            if not type(error).__module__.startswith("onnxruntime"):
                raise
            first = str(error).strip().partition("\n")[0][:200]
            raise BundleError(f"ONNX Runtime cannot run {self.path} on the GPU ({first})") from None
        if self._session.get_providers()[0] != self.PROVIDER:
            raise BundleError(
                f"ONNX Runtime could not start its {self.PROVIDER} (it needs CUDA and cuDNN libraries of its version); "
                "run focus-doctor, or use --backend onnxruntime"
            )
        self._run_options = ort.RunOptions()
        self._run_options.add_run_config_entry(NO_WAIT, "1")
        puts = self._session.get_inputs()
        if isinstance(puts[0].shape[0], int):  # exported for this many windows
            self.batch = puts[0].shape[0]
        kinds = {put.name: put.type for put in puts}
        return np.dtype(np.float16 if kinds["band_means"] == "tensor(float16)" else np.float32)

    def provider(self) -> tuple[str, dict[str, str]]:
        """The provider with its options."""
        return self.PROVIDER, {"device_id": str(self._gpu), "user_compute_stream": str(self.queue.handle)}

    def bind(self) -> None:
        """See ``DeviceEngine.bind``."""
        self._binding = self._session.io_binding()
        for name, array in (("band_means", self.band_means), ("composite", self.composite)):
            self._binding.bind_input(name, *self._placed(array))
        for name, array in self.said._asdict().items():
            self._binding.bind_output(name, *self._placed(array))

    def _placed(self, array: DeviceArray) -> tuple[str, int, type[np.generic], tuple[int, ...], int]:
        return self.PLACE, self._gpu, array.dtype.type, array.shape, array.address

    def enqueue(self) -> None:
        """See ``DeviceEngine.enqueue``."""
        self._session.run_with_iobinding(self._binding, self._run_options)

    def unload(self) -> None:
        """See ``DeviceEngine.unload``."""
        self._binding = self._session = None
