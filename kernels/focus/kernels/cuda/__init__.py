"""The two kernels on an NVIDIA GPU. Nothing here needs one to be imported."""

from focus.kernels.cuda._compile import ARCHITECTURES
from focus.kernels.cuda._driver import CudaDevice
from focus.kernels.cuda._exchange import Exchange
from focus.kernels.cuda._gpu import Gpu, driver_module, gpu_facts
from focus.kernels.cuda._ingest import ARRIVED, NOTHING, DeviceIngest, DeviceWindow, Inputs, Rows, shown_lines
from focus.kernels.cuda._memory import Argument, Device, DeviceArray, DeviceError, Mark, Queue, uploaded
from focus.kernels.cuda._saliency import DeviceSaliency, Maps, Said

__all__ = [
    "ARCHITECTURES",
    "ARRIVED",
    "NOTHING",
    "Argument",
    "CudaDevice",
    "Device",
    "DeviceArray",
    "DeviceError",
    "DeviceIngest",
    "DeviceSaliency",
    "DeviceWindow",
    "Exchange",
    "Gpu",
    "Inputs",
    "Maps",
    "Mark",
    "Queue",
    "Rows",
    "Said",
    "driver_module",
    "gpu_facts",
    "shown_lines",
    "uploaded",
]
