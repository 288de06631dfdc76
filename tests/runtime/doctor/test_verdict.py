"""The verdict: what works, and the command for the rest."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from repository.tree import project

from focus.runtime.doctor._abilities import abilities_of
from focus.runtime.doctor._advice import advice_for
from focus.runtime.doctor._cameras import CameraFacts, CameraNode
from focus.runtime.doctor._clock import ClockFacts
from focus.runtime.doctor._examine import examine_with
from focus.runtime.doctor._gpus import Gpu, GpuFacts
from focus.runtime.doctor._jetson import JetsonFacts
from focus.runtime.doctor._packages import PackageFacts
from focus.runtime.doctor._places import PlaceFacts
from focus.runtime.doctor._processor import ProcessorFacts
from focus.runtime.doctor._python import PythonFacts
from focus.runtime.doctor._report import Facts

ENGINES = ["onnxruntime", "openvino", "gpu-kernels", "onnxruntime-cuda", "tensorrt"]
NAMES = [*ENGINES, "quantise", "train", "live-page", "positions", "archives", "streams", "v4l2", "aravis", "gentl"]

H100 = GpuFacts(True, (Gpu("NVIDIA H100", "9.0", 80 * 2**30, False),), "580.65", "13.0")
ORIN = GpuFacts(True, (Gpu("Orin", "8.7", 8 * 2**30, True),), None, "12.6")
JETSON = JetsonFacts(True, "NVIDIA Jetson Orin Nano", "36.4.3", "6", "MAXN_SUPER", True)


def loads(name, version="1.0", *details):
    return PackageFacts(name, "loads", version, details)


CUDA = (loads("cuda-bindings"), loads("nvrtc", "13.2"))
EVERYTHING = Facts(
    gpu=H100,
    processor=ProcessorFacts(bf16=True),
    packages=(
        loads("onnxruntime", "1.30", "CUDAExecutionProvider"),
        loads("openvino"),
        loads("tensorrt", "11.4"),
        *CUDA,
        *(PackageFacts(name, "installed", "1") for name in ("nncf", "onnx", "torch", "timm", "lightning-fabric")),
        PackageFacts("harvesters", "installed", "1"),
        *(
            PackageFacts(name, "installed", "1")
            for name in ("starlette", "uvicorn", "prometheus-client", "pynmeagps", "pyserial", "ray", "zarr", "linuxpy")
        ),
    ),
)


def verdict(facts):
    return {one.name: one for one in abilities_of(facts)}


def test_with_everything_all_works():
    found = verdict(EVERYTHING)
    assert list(found) == NAMES
    assert all(one.works for one in found.values())
    assert all(one.remedy is None for one in found.values())
    assert "bf16" in found["openvino"].does


def test_with_nothing_nothing_works_and_each_remedy_is_an_extra_or_a_package():
    found = verdict(Facts(cameras=CameraFacts(aravis_reason="not asked: PyGObject and Aravis are not installed")))
    assert [name for name in NAMES if found[name].works] == ["streams"]
    assert found["onnxruntime"].remedy == "pip install --force-reinstall onnxruntime"
    assert found["openvino"].remedy == 'pip install "focus-hsi[openvino]"'
    assert found["quantise"].remedy == 'pip install "focus-hsi[quantize]"'
    assert found["train"].remedy == 'pip install "focus-hsi[export]"'
    assert found["live-page"].remedy == 'pip install "focus-hsi[serve]"'
    assert found["positions"].remedy == 'pip install "focus-hsi[gps]"'
    assert found["archives"].remedy == 'pip install "focus-hsi[archive]"'
    assert found["v4l2"].remedy == 'pip install "focus-hsi[v4l2]"'
    assert found["gentl"].remedy == 'pip install "focus-hsi[gentl]"'
    assert "gir1.2-aravis-0.8" in found["aravis"].remedy
    # Without a GPU there is nothing to install that would help.
    assert [found[name].remedy for name in NAMES[2:5]] == [None, None, None]


@pytest.mark.parametrize("facts", [Facts(), Facts(gpu=H100), Facts(gpu=ORIN, jetson=JETSON)])
def test_every_extra_that_is_recommended_exists(facts):
    import re

    remedies = " ".join(one.remedy or "" for one in abilities_of(facts))
    named = set(re.findall(r"focus-hsi\[([a-z0-9]+)\]", remedies))
    assert named
    assert named <= set(project()["optional-dependencies"])


def test_a_broken_library_is_not_called_absent():
    broken = PackageFacts("openvino", "broken", "2026.4", reason="ImportError: libtbb.so.12")
    one = verdict(replace(EVERYTHING, packages=(broken,)))["openvino"]
    assert not one.works
    assert "is installed but does not load: ImportError: libtbb.so.12" in one.why
    assert one.remedy == "pip install --force-reinstall openvino"


def test_a_processor_without_bf16():
    one = verdict(replace(EVERYTHING, processor=ProcessorFacts(bf16=False)))["openvino"]
    assert one.works
    assert "FP32" in one.does


def test_a_gpu_with_nothing_installed():
    found = verdict(Facts(gpu=H100))
    assert found["gpu-kernels"].remedy == 'pip install "focus-hsi[gpu]"'
    assert found["tensorrt"].remedy == 'pip install "focus-hsi[tensorrt]"'
    assert "uninstall --yes onnxruntime" in found["onnxruntime-cuda"].remedy


def test_a_jetson_takes_tensorrt_from_jetpack():
    one = verdict(Facts(gpu=ORIN, jetson=JETSON))["tensorrt"]
    assert one.remedy == "sudo apt-get install python3-libnvinfer"
    hidden = Facts(gpu=ORIN, jetson=JETSON, python=PythonFacts(in_venv=True, sees_system_packages=False))
    assert "--system-site-packages" in verdict(hidden)["tensorrt"].remedy


def test_a_compiler_newer_than_the_driver_is_no_help():
    one = verdict(replace(EVERYTHING, gpu=ORIN))["gpu-kernels"]
    assert not one.works
    assert "NVRTC 13.2" in one.why and "CUDA 12.6" in one.why
    assert "nvidia-cuda-nvrtc-cu12" in one.remedy
    older = replace(EVERYTHING, gpu=ORIN, packages=(CUDA[0], loads("nvrtc", "12.6")))
    assert verdict(older)["gpu-kernels"].works


def test_kernels_that_came_compiled_need_no_compiler():
    carried = replace(H100, shipped_kernels=("8.7", "9.0"))
    one = verdict(Facts(gpu=carried, packages=(loads("cuda-bindings"),)))["gpu-kernels"]
    assert (one.works, one.remedy) == (True, None)
    other = verdict(Facts(gpu=replace(carried, shipped_kernels=("8.7",)), packages=(loads("cuda-bindings"),)))
    assert other["gpu-kernels"].why == "nvrtc is not installed"
    older = verdict(Facts(gpu=replace(ORIN, shipped_kernels=("8.7",)), packages=(loads("cuda-bindings"),)))
    assert not older["gpu-kernels"].works  # compiled by CUDA 13, and the driver speaks 12.6


def test_engines_on_the_gpu_need_the_kernels():
    without = replace(EVERYTHING, packages=tuple(one for one in EVERYTHING.packages if one.name != "cuda-bindings"))
    found = verdict(without)
    for name in ("onnxruntime-cuda", "tensorrt"):
        assert not found[name].works
        assert found[name].why.endswith("but cuda-bindings is not installed")
        assert found[name].remedy == found["gpu-kernels"].remedy == 'pip install "focus-hsi[gpu]"'


def test_a_gpu_that_is_too_old_and_a_card_without_driver():
    pascal = GpuFacts(True, (Gpu("Tesla P100", "6.0"),), "535.1", "12.2")
    found = verdict(replace(EVERYTHING, gpu=pascal))
    assert "compute capability 6.0, 7.5" in found["tensorrt"].why
    without = GpuFacts(True, reason="libcuda.so.1: cannot open shared object file")
    assert verdict(replace(EVERYTHING, gpu=without))["tensorrt"].why.endswith("; install NVIDIA's driver")


def test_cameras_that_are_seen_are_named():
    nodes = (
        CameraNode("/dev/video0", "V4L2"),
        CameraNode("/dev/hsi0", "dangling link", "video3"),
        CameraNode("/dev/hsi1", "byte stream"),
    )
    found = verdict(Facts(cameras=CameraFacts(nodes, ("HSI001 (GigEVision)",))))
    assert found["streams"].why == "needs nothing; seen here: /dev/hsi1"
    assert found["v4l2"].why == "linuxpy is not installed; seen here: /dev/video0"
    assert found["aravis"].why == "Aravis lists HSI001 (GigEVision)"


def test_advice():
    facts = Facts(
        jetson=replace(JETSON, power_mode="15W", clocks_locked=False),
        packages=(PackageFacts("onnxruntime", "loads", "1", reason="both are installed"),),
        places=(PlaceFacts("results", "/data", 10**9, True), PlaceFacts("compiled models", "/ro", 10**12, False)),
        cameras=CameraFacts(
            (
                CameraNode("/dev/hsi0", "dangling link", "video3"),
                CameraNode("/dev/video0", "V4L2", group="video"),
                CameraNode("/dev/bus/usb/002/005", "USB3 Vision"),
                CameraNode("/dev/video1", "no camera"),
            )
        ),
        clock=ClockFacts(False),
    )
    told = "\n".join(advice_for(facts))
    for words in (
        "power mode is 15W", "sudo jetson_clocks", "uninstall both", "/data) has only 1.0 GB", "set FOCUS_CACHE",
        "/dev/hsi0 leads to video3", 'usermod -aG video "$USER"', "70-focus-cameras.rules", "set-ntp",
    ):  # fmt: skip
        assert words in told
    assert len(advice_for(facts)) == 9
    assert advice_for(Facts(jetson=JETSON)) == ()


def test_a_look_that_fails_is_named_and_the_rest_is_reported():
    def fails():
        raise PermissionError(13, "Permission denied")

    report = examine_with({"gpu": fails, "clock": lambda: ClockFacts(True), "packages": lambda: CUDA})
    assert report.unknown == ("gpu: PermissionError: [Errno 13] Permission denied",)
    assert report.facts.clock.synchronised
    assert report.facts.gpu == GpuFacts()
    assert [one.name for one in report.abilities] == NAMES


def test_nothing_heavy_is_loaded_by_looking():
    from repository.tree import run_python

    code = """
import sys
from focus.runtime.doctor import examine
examine()
print(*{"numpy", "onnxruntime", "openvino", "torch", "cuda", "nncf", "onnx"} & set(sys.modules))
"""
    done = run_python(code)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
    assert sys.executable
