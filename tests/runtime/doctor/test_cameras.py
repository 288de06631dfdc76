"""Cameras: what a path is decides, not how it is called."""

from __future__ import annotations

import os
import socket
import stat

import pytest

from focus.runtime._device_nodes import kind_of_mode
from focus.runtime.doctor import _cameras
from focus.runtime.doctor._cameras import KINDS, camera_facts
from focus.runtime.doctor._child import look


@pytest.fixture(autouse=True)
def without_aravis(monkeypatch):
    monkeypatch.setattr(_cameras, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    ("mode", "device", "kind"),
    [
        (stat.S_IFCHR, os.makedev(81, 0), "V4L2"),
        (stat.S_IFCHR, os.makedev(1, 3), "no camera"),
        (stat.S_IFBLK, os.makedev(81, 0), "no camera"),
        (stat.S_IFIFO, 0, "byte stream"),
        (stat.S_IFSOCK, 0, "byte stream"),
        (stat.S_IFREG, 0, "no camera"),
    ],
)
def test_kind(mode, device, kind):
    assert KINDS[kind_of_mode(mode | 0o660, device)] == kind


def test_nodes_links_and_names(fake):
    fake.write("/dev/video0")
    fake.write("/dev/null")
    fake.write("/sys/class/video4linux/video0/name", "Line camera\n")
    fake.machine.path("/dev/hsi0").symlink_to("video0")
    fake.machine.path("/dev/hsi1").symlink_to("video7")
    fake.machine.path("/dev/maker-camera").symlink_to("video0")
    found = {node.path: node for node in camera_facts(fake.machine).nodes}
    assert set(found) == {"/dev/video0", "/dev/hsi0", "/dev/hsi1", "/dev/maker-camera"}
    assert found["/dev/hsi0"].target == "video0"
    assert found["/dev/hsi0"].name == found["/dev/video0"].name == "Line camera"
    assert (found["/dev/hsi1"].kind, found["/dev/hsi1"].readable) == ("dangling link", False)
    assert found["/dev/video0"].kind == "no camera"  # a file of that name


def test_a_fifo_is_a_byte_stream(fake):
    fake.machine.path("/dev").mkdir()
    os.mkfifo(fake.machine.path("/dev/hsi0"))
    (node,) = camera_facts(fake.machine).nodes
    assert (node.kind, node.readable, node.target) == ("byte stream", True, None)
    assert node.group


def test_a_socket_is_a_byte_stream(fake, monkeypatch):
    fake.machine.path("/dev").mkdir()
    monkeypatch.chdir(fake.machine.path("/dev"))  # names of sockets must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("hsi0")
        assert camera_facts(fake.machine).nodes[0].kind == "byte stream"


def test_usb3_vision_by_the_class_of_its_interface(fake):
    bus = "/sys/bus/usb/devices"
    for name, text in {
        "busnum": "2",
        "devnum": "5",
        "manufacturer": "Basler",
        "product": "acA1920",
        "serial": "7",
    }.items():
        fake.write(f"{bus}/2-1/{name}", f"{text}\n")
    for place, (kind, sub) in enumerate([("ef", "05"), ("ef", "05"), ("03", "01")]):
        fake.write(f"{bus}/2-1:1.{place}/bInterfaceClass", f"{kind}\n")
        fake.write(f"{bus}/2-1:1.{place}/bInterfaceSubClass", f"{sub}\n")
    fake.write(f"{bus}/1-4:1.0/bInterfaceClass", "ef\n")  # a composite device, but of another subclass
    fake.write(f"{bus}/1-4:1.0/bInterfaceSubClass", "02\n")
    (node,) = camera_facts(fake.machine).nodes
    assert (node.path, node.kind, node.name) == ("/dev/bus/usb/002/005", "USB3 Vision", "Basler acA1920 7")
    assert not node.readable
    fake.write("/dev/bus/usb/002/005")
    assert camera_facts(fake.machine).nodes[0].readable


def test_aravis_is_asked_only_where_it_is_installed(fake, monkeypatch):
    assert "not installed" in camera_facts(fake.machine).aravis_reason
    monkeypatch.setattr(_cameras, "find_spec", lambda name: object())
    listed = {"cameras": ["HSI001 (GigEVision)"]}
    assert camera_facts(fake.machine, lambda *asked: listed).aravis == ("HSI001 (GigEVision)",)
    refused = {"error": "ValueError: Namespace Aravis not available"}
    assert "Namespace Aravis" in camera_facts(fake.machine, lambda *asked: refused).aravis_reason


ARAVIS = """
def update_device_list(): pass
def get_n_devices(): return 2
def get_device_id(place): return ["Aravis-HSI001", "Basler-7"][place]
def get_device_protocol(place): return ["GigEVision", "USB3Vision"][place]
"""


def test_the_look_at_aravis(tmp_path, monkeypatch):
    (tmp_path / "gi/repository").mkdir(parents=True)
    (tmp_path / "gi/__init__.py").write_text(
        "def require_version(name, number): assert (name, number) == ('Aravis', '0.8')"
    )
    (tmp_path / "gi/repository/__init__.py").write_text("")
    (tmp_path / "gi/repository/Aravis.py").write_text(ARAVIS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert look("_aravis", "") == {"cameras": ["Aravis-HSI001 (GigEVision)", "Basler-7 (USB3Vision)"]}
    (tmp_path / "gi/__init__.py").write_text(
        "def require_version(*asked): raise ValueError('Namespace Aravis not available')"
    )
    assert look("_aravis", "") == {"error": "ValueError: Namespace Aravis not available"}
