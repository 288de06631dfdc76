"""Cameras: video devices and links to them, USB3 Vision, and what Aravis finds on the network."""

from __future__ import annotations

import grp
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from focus.runtime._device_nodes import NodeKind, camera_paths, kind_of_mode
from focus.runtime.doctor._child import look
from focus.runtime.doctor._machine import Machine

Kind = Literal["V4L2", "byte stream", "USB3 Vision", "dangling link", "no camera"]

KINDS: dict[NodeKind | None, Kind] = {"v4l2": "V4L2", "fifo": "byte stream", "unix": "byte stream", None: "no camera"}

#: Class and subclass of a USB3 Vision interface.
USB3_VISION = ("ef", "05")

ARAVIS_LIMIT_S = 4.0


@dataclass(frozen=True)
class CameraNode:
    """A path that a camera may be read from.

    Attributes:
        path: such as /dev/hsi0.
        kind: decided by what the path is, not by its name.
        target: what a link leads to; None for no link.
        name: that the driver gives the camera.
        readable: whether this user may open it.
        group: that may open it.
    """

    path: str
    kind: Kind
    target: str | None = None
    name: str | None = None
    readable: bool = False
    group: str | None = None


@dataclass(frozen=True)
class CameraFacts:
    """Cameras.

    Attributes:
        nodes: devices in /dev, and USB3 Vision cameras on the bus.
        aravis: what Aravis lists; empty where it is not installed.
        aravis_reason: why Aravis lists nothing.
    """

    nodes: tuple[CameraNode, ...] = ()
    aravis: tuple[str, ...] = ()
    aravis_reason: str | None = None


def camera_facts(machine: Machine, look_into: Callable[..., dict[str, Any]] = look) -> CameraFacts:
    """Looks for cameras."""
    nodes = (*_device_nodes(machine), *_usb3_vision(machine))
    if find_spec("gi") is None:
        return CameraFacts(nodes, aravis_reason="not asked: PyGObject and Aravis are not installed")
    found = look_into("_aravis", "", ARAVIS_LIMIT_S)
    if "error" in found:
        return CameraFacts(nodes, aravis_reason=found["error"])
    return CameraFacts(nodes, tuple(found["cameras"]))


def _device_nodes(machine: Machine) -> list[CameraNode]:
    return [_node(machine, path) for path in camera_paths(machine.path("/dev"))]


def _node(machine: Machine, path: Path) -> CameraNode:
    shown = "/" + path.relative_to(machine.root).as_posix()
    target = str(path.readlink()) if path.is_symlink() else None
    try:
        status = path.stat()
    except OSError:
        return CameraNode(shown, "dangling link" if target else "no camera", target)
    return CameraNode(
        shown,
        KINDS[kind_of_mode(status.st_mode, status.st_rdev)],
        target,
        machine.text(f"/sys/class/video4linux/{path.resolve().name}/name"),
        os.access(path, os.R_OK),
        _group(status.st_gid),
    )


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _usb3_vision(machine: Machine) -> list[CameraNode]:
    """USB devices that have an interface of the class of USB3 Vision."""
    bus = "/sys/bus/usb/devices"
    found = set()
    for path in machine.path(bus).glob("*:*"):
        parts = (machine.text(f"{bus}/{path.name}/{name}") for name in ("bInterfaceClass", "bInterfaceSubClass"))
        if tuple(parts) == USB3_VISION:
            found.add(path.name.partition(":")[0])
    return [_usb_node(machine, f"{bus}/{name}") for name in sorted(found)]


def _usb_node(machine: Machine, folder: str) -> CameraNode:
    said = (machine.text(f"{folder}/{name}") for name in ("manufacturer", "product", "serial"))
    numbers = [machine.text(f"{folder}/{name}") or "" for name in ("busnum", "devnum")]
    name = " ".join(word for word in said if word) or None
    if not all(number.isdecimal() for number in numbers):
        return CameraNode(folder, "USB3 Vision", name=name)
    path = f"/dev/bus/usb/{int(numbers[0]):03d}/{int(numbers[1]):03d}"
    # Reading registers of a camera is a transfer to it, so the node must be writable too.
    return CameraNode(path, "USB3 Vision", name=name, readable=os.access(machine.path(path), os.R_OK | os.W_OK))
