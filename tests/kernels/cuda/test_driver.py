"""``CudaDevice`` over a driver that the host plays; the bindings' own names and numbers of arguments are held."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from cuda.bindings import driver as real

from focus.kernels.cuda import CudaDevice, DeviceError, driver_module, uploaded
from support.host_driver import HostDriver, host_device


def test_memory_goes_there_and_back():
    device, driver = host_device()
    queue = device.queue()
    values = np.arange(6, dtype=np.int16).reshape(2, 3)
    array = uploaded(device, queue, values)
    found = np.empty_like(values)
    queue.download(found, array)
    queue.wait()
    np.testing.assert_array_equal(found, values)
    assert (device.name, device.architecture, device.integrated) == ("this host", 87, False)
    with pytest.raises(ValueError, match=r"cannot copy between int16 \(2, 3\) and float32 \(2, 3\)"):
        queue.upload(array, values.astype(np.float32))
    device.free()
    assert not driver.held


def test_a_recorded_graph_does_nothing_until_it_is_replayed():
    device, driver = host_device()
    queue = device.queue()
    source, _ = device.pinned((4,), np.float32)
    source[:] = 1
    array, found = device.empty((4,), np.float32), np.zeros(4, np.float32)

    def there_and_back() -> None:
        queue.upload(array, source)
        queue.download(found, array)

    replay = queue.captured(there_and_back)
    assert (found == 0).all() and driver.replayed == 0
    source[:] = 7
    replay()
    queue.wait()
    assert (found == 7).all() and driver.replayed == 1
    device.free()
    assert not driver._graphs and not driver.held


def test_copies_within_the_device_and_the_time_that_they_took():
    device, driver = host_device()
    queue = device.queue()
    source = uploaded(device, queue, np.arange(5, dtype=np.float32))
    target = device.empty((5,), np.float32)
    start = queue.mark()
    queue.copy(target, source)
    end = queue.mark()
    queue.wait()
    assert driver.view(target).tolist() == [0, 1, 2, 3, 4]
    assert 0 <= device.elapsed_ms(start, end) < 1000
    with pytest.raises(ValueError, match="cannot copy between 20 and 16 bytes"):
        queue.copy(source.part(0, (4,)), target)


def test_a_failed_recording_is_ended():
    device, _ = host_device()
    queue = device.queue()

    def fails() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError):
        queue.captured(fails)
    queue.wait()  # refused while a stream is recorded


def test_an_integrated_gpu_sees_pinned_memory_itself():
    device, driver = host_device(HostDriver(integrated=True))
    array, mapped = device.pinned((3,), np.int32)
    array[:] = [1, 2, 3]
    assert mapped is not None
    assert driver.view(mapped).tolist() == [1, 2, 3]


def test_the_context_is_the_primary_one_or_that_of_the_callers_stream():
    device, driver = host_device()
    assert driver.contexts == ["primary"]
    device, driver = host_device(stream=42)
    assert set(driver.contexts) == {"of stream 42"}
    assert device.queue().handle == 42
    assert device.queue().handle != 42


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_default_streams_are_refused(stream):
    with pytest.raises(ValueError, match=r"default streams; give one of your own"):
        host_device(stream=stream)


@pytest.mark.parametrize(
    ("driver", "index", "message"),
    [
        (HostDriver(cuda=11080), 0, r"the NVIDIA driver is too old: it offers CUDA 11\.8, 12\.0 or newer is needed"),
        (HostDriver(gpus=0), 0, r"there is no GPU 0, the driver finds 0"),
        (HostDriver(), 1, r"there is no GPU 1, the driver finds 1"),
    ],
)
def test_refusals(driver, index, message):
    with pytest.raises(DeviceError, match=message):
        host_device(driver, index=index)


def test_too_little_memory_is_said_with_figures():
    device, _ = host_device(HostDriver(memory=10**6))
    with pytest.raises(DeviceError, match=r"this host has no 2 MB free \(1 of 1 MB are\); a smaller --batch"):
        device.empty((2 * 10**6,), np.uint8)


def test_other_errors_of_the_driver_are_said():
    device, driver = host_device()
    driver._cuModuleGetFunction = lambda module, name: (real.CUresult.CUDA_ERROR_NOT_FOUND, None)
    with pytest.raises(DeviceError, match="the GPU reports CUDA_ERROR_NOT_FOUND"):
        device.queue().launch("nothing", (1, 1), (1, 1), 0)


def test_no_driver_and_no_package(monkeypatch):
    if driver_is_missing():
        with pytest.raises(DeviceError, match=r"no NVIDIA driver on this machine \(libcuda\.so\.1 is not found\)"):
            CudaDevice()
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(DeviceError, match=r"cuda-bindings, which is not installed; pip install \"focus-hsi\[gpu\]\""):
        driver_module()


def driver_is_missing() -> bool:
    try:
        real.cuInit(0)
    except RuntimeError:
        return True
    return False
