"""Lists the cameras that are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from focus.runtime._device_nodes import camera_paths, kind_of_mode
from focus.runtime._errors import CameraError
from focus.runtime.cameras._gentl_device import PRODUCERS_VARIABLE, listed_gentl

_PROTOCOLS = {"GigEVision": ("gige", "GigE Vision"), "USB3Vision": ("usb3", "USB3 Vision")}


@dataclass(frozen=True)
class FoundCamera:
    """One camera.

    Attributes:
        uri: to give to --camera.
        kind: V4L2, GigE Vision, USB3 Vision, GenTL or byte stream.
        name: what it calls itself.
    """

    uri: str
    kind: str
    name: str


@dataclass(frozen=True)
class FoundCameras:
    """What is there.

    Attributes:
        cameras: see ``FoundCamera``.
        notes: what could not be asked, and why.
    """

    cameras: tuple[FoundCamera, ...]
    notes: tuple[str, ...]


def list_cameras(devices: Path = Path("/dev"), classes: Path = Path("/sys/class/video4linux")) -> FoundCameras:
    """Looks for cameras.

    Args:
        devices, classes: where the system keeps its devices and their names.
    """
    cameras, notes = list(_device_nodes(devices, classes)), []
    if find_spec("gi") is None:
        notes.append("GigE and USB3 not asked: PyGObject and Aravis are not installed")
    else:
        try:
            cameras += _aravis_cameras()
        except (ImportError, ValueError) as error:
            notes.append(f"GigE and USB3 not asked: {error}")
    if PRODUCERS_VARIABLE in os.environ:
        try:
            cameras += (FoundCamera(uri, "GenTL", name) for uri, name in listed_gentl())
        except (ImportError, CameraError) as error:
            notes.append(f"GenTL not asked: {error}")
    return FoundCameras(tuple(cameras), tuple(notes))


def _device_nodes(devices: Path, classes: Path) -> Iterator[FoundCamera]:
    for path in camera_paths(devices):
        try:
            status = path.stat()
        except OSError:
            continue
        scheme = kind_of_mode(status.st_mode, status.st_rdev)
        if scheme is not None:
            name = classes / path.resolve().name / "name"
            said = name.read_text().strip() if name.is_file() else path.resolve().name
            yield FoundCamera(str(path), "V4L2" if scheme == "v4l2" else "byte stream", said)


def _aravis_cameras() -> Iterator[FoundCamera]:
    import_module("gi").require_version("Aravis", "0.8")
    aravis = import_module("gi.repository.Aravis")
    aravis.update_device_list()
    for place in range(aravis.get_n_devices()):
        scheme, kind = _PROTOCOLS.get(aravis.get_device_protocol(place), (None, ""))
        if scheme is None:
            continue
        # A GigE camera's name takes a search of the network, its address does not.
        at = aravis.get_device_address(place) if scheme == "gige" else aravis.get_device_serial_nbr(place)
        said = (aravis.get_device_vendor(place), aravis.get_device_model(place), aravis.get_device_serial_nbr(place))
        yield FoundCamera(f"{scheme}://{at}", kind, " ".join(part for part in said if part))
