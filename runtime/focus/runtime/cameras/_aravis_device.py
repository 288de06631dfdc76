"""Finds a GigE or USB3 camera, takes control of it, and sets its features."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Literal

from focus.runtime._errors import CameraError
from focus.runtime.cameras._genicam import feature_and_value

_PROTOCOLS = {"gige": "GigEVision", "usb3": "USB3Vision"}


def aravis() -> Any:
    """The library.

    Raises:
        CameraError: PyGObject or Aravis is not installed.
    """
    try:
        import_module("gi").require_version("Aravis", "0.8")
        return import_module("gi.repository.Aravis")
    except (ImportError, ValueError) as error:
        raise CameraError(
            f"GigE and USB3 cameras need Aravis 0.8 ({error}); docs/cameras.md names its packages"
        ) from None


def gerror() -> type[Exception]:
    """What Aravis raises."""
    error: type[Exception] = import_module("gi.repository.GLib").Error
    return error


def said(error: Exception) -> str:
    """What Aravis says, without the name and number of the error."""
    return str(getattr(error, "message", error))


def open_device(aravis: Any, where: str, protocol: Literal["gige", "usb3"]) -> Any:
    """Opens a camera and takes control of it.

    Args:
        aravis: the library.
        where: an IP address or a serial number; "" for the only camera.
        protocol: which cameras to look among.
    Raises:
        CameraError: there is none, or more than one, or it cannot be opened.
    """
    # An address needs no search of the network, and works where broadcasts do not pass.
    name = where if protocol == "gige" and _is_address(where) else _search(aravis, where, protocol)
    try:
        camera = aravis.Camera.new(name)
    except gerror() as error:
        raise CameraError(f"cannot open {protocol}://{where} ({said(error)}); see focus-run cameras") from None
    if protocol == "gige" and not camera.get_device().is_controller():
        raise CameraError(f"another program controls {protocol}://{where}; end it, or wait until its control runs out")
    return camera


def _is_address(where: str) -> bool:
    try:
        ipaddress.ip_address(where)
    except ValueError:
        return False
    return True


def _search(aravis: Any, where: str, protocol: Literal["gige", "usb3"]) -> str:
    aravis.update_device_list()
    places = range(aravis.get_n_devices())
    there = [place for place in places if aravis.get_device_protocol(place) == _PROTOCOLS[protocol]]
    serials = [aravis.get_device_serial_nbr(place) for place in there]
    found = [place for place, serial in zip(there, serials, strict=True) if where in ("", serial)]
    if len(found) != 1:
        seen = f"there are {', '.join(map(str, serials))}" if serials else "none is there"
        raise CameraError(f"{len(found)} cameras are called {protocol}://{where}, expected one; {seen}")
    address, name = aravis.get_device_address(found[0]), aravis.get_device_id(found[0])
    return str(address if protocol == "gige" else name)


def set_features(camera: Any, features: Sequence[str]) -> None:
    """Sets features in their order, as ``PixelFormat=Mono12``.

    Raises:
        ValueError: not of that form.
        CameraError: the camera does not have the feature, or refuses the value.
    """
    for feature in features:
        feature_and_value(feature)
        try:
            camera.get_device().set_features_from_string(feature)
        except gerror() as error:
            raise CameraError(f"{camera.get_model_name()} refuses --set {feature}: {said(error)}") from None


def exposure_ms(camera: Any) -> float | None:
    """Exposure time; None where the camera has no such feature."""
    try:
        return float(camera.get_exposure_time()) / 1000 or None
    except gerror():
        return None
