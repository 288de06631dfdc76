"""The kernels for one architecture: shipped with the wheel, kept from an earlier run, or compiled now with NVRTC."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from focus.kernels.cuda._memory import DeviceError

HERE = Path(__file__).parent
SOURCES = ("device.cuh", "ingest.cu", "saliency.cu")
MAIN = "".join(f'#include "{name}"\n' for name in SOURCES[1:])
OPTIONS = ("--std=c++17", "--ptxas-options=-v")

#: Architectures that wheels carry, as NVIDIA numbers them: Turing to Blackwell; 87 is Orin, 110 Thor.
ARCHITECTURES = (75, 80, 86, 87, 89, 90, 100, 110, 120)

#: Where `make cubins` puts what wheels carry.
SHIPPED = HERE / "cubins"

#: Gives a folder for a key, or None where nothing can be kept.
Cache = Callable[[str], Path | None]


class Compiled(NamedTuple):
    """What NVRTC made.

    Attributes:
        image: a cubin; or PTX where this NVRTC does not know the architecture, and the driver has to finish it.
        log: what the compiler said of each kernel: registers, stack, spills.
    """

    image: bytes
    log: str


def source_hash() -> str:
    """sha256 of all that is compiled, and how."""
    parts = [MAIN, *OPTIONS, *((HERE / name).read_text() for name in SOURCES)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def kernel_image(architecture: int, cuda: int, cache: Cache | None = None) -> bytes:
    """The kernels for an architecture, by the quickest way there is.

    Args:
        architecture: compute capability times ten, 87 for 8.7.
        cuda: major version of the CUDA that the driver speaks; it loads nothing that a newer one compiled.
        cache: where to look for, and keep, what is compiled.
    Raises:
        DeviceError: nothing is shipped for it and NVRTC is not installed, too new, or does not compile it.
    """
    name, source = f"kernels-{architecture}.cubin", source_hash()
    for shipped in SHIPPED.glob(f"{source[:16]}-cuda*/{name}"):
        if int(shipped.parent.name.rpartition("cuda")[2]) <= cuda:
            return shipped.read_bytes()
    major, minor = nvrtc_version()
    if major > cuda:
        raise DeviceError(
            f"NVRTC {major}.{minor} makes kernels that this driver, of CUDA {cuda}, does not load; update the driver, "
            f'or pip install "focus-hsi[gpu-cuda{cuda}]"'
        )
    key = hashlib.sha256(f"{source} {architecture} {major}.{minor}".encode()).hexdigest()
    folder = cache(key) if cache is not None else None
    if folder is None:
        return compiled(architecture).image
    with suppress(OSError):
        return (folder / name).read_bytes()
    image = compiled(architecture).image
    _keep(folder / name, image)
    return image


def nvrtc_version() -> tuple[int, int]:
    """Of the compiler that is installed.

    Raises:
        DeviceError: none is.
    """
    nvrtc = _nvrtc()
    status, major, minor = nvrtc.nvrtcVersion()
    _require(status, "NVRTC does not tell its version")
    return major, minor


def compiled(architecture: int) -> Compiled:
    """Compiles the kernels; a matter of seconds.

    Raises:
        DeviceError: NVRTC is not installed, or does not compile them.
    """
    nvrtc = _nvrtc()
    status, known = nvrtc.nvrtcGetSupportedArchs()
    _require(status, "NVRTC does not tell what it compiles for")
    older = [arch for arch in known if arch <= architecture]
    if not older:
        raise DeviceError(
            f"GPUs of compute capability {architecture / 10:g} are too old for this NVRTC; run on the CPU: "
            "--backend openvino or onnxruntime"
        )
    real = architecture in known
    target = f"sm_{architecture}" if real else f"compute_{max(older)}"
    headers = [(HERE / name).read_bytes() for name in SOURCES]
    names = [name.encode() for name in SOURCES]
    status, program = nvrtc.nvrtcCreateProgram(MAIN.encode(), b"kernels.cu", len(names), headers, names)
    _require(status, "NVRTC cannot be started")
    try:
        options = [option.encode() for option in (f"--gpu-architecture={target}", *OPTIONS)]
        (status,) = nvrtc.nvrtcCompileProgram(program, len(options), options)
        log = _filled(nvrtc.nvrtcGetProgramLogSize, nvrtc.nvrtcGetProgramLog, program).decode().strip("\0 \n")
        _require(status, f"NVRTC does not compile the kernels for {target}:\n{log}")
        kind = "CUBIN" if real else "PTX"
        sizes, fills = (getattr(nvrtc, f"nvrtcGet{kind}{part}") for part in ("Size", ""))
        return Compiled(_filled(sizes, fills, program), log)
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _filled(size_of: Callable[..., tuple[object, int]], fill: Callable[..., object], program: object) -> bytes:
    _, size = size_of(program)
    text = b" " * (size + 1)  # written into: a single space would be everybody's
    fill(program, text)
    return text[:size]


def _nvrtc() -> Any:
    try:
        from cuda.bindings import nvrtc

        nvrtc.nvrtcVersion()
    except (ImportError, RuntimeError, OSError) as error:
        raise DeviceError(
            f"the CUDA kernels cannot be compiled, NVRTC is missing ({str(error).partition(chr(10))[0]}); "
            'pip install "focus-hsi[gpu]"'
        ) from None
    return nvrtc


def _require(status: object, what: str) -> None:
    if int(status) != 0:  # type: ignore[call-overload]
        raise DeviceError(f"{what} ({getattr(status, 'name', status)})")


def _keep(path: Path, image: bytes) -> None:
    """Written whole or not at all; a full disk only costs the next start some seconds."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(image)
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
