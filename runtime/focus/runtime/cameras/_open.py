"""Opens the camera that a URI or path names."""

from __future__ import annotations

from focus.runtime.cameras._bytes import Place, place_from_uri
from focus.runtime.cameras._find import Scheme, rest_of
from focus.runtime.sources._contract import FrameSource
from focus.runtime.sources._options import SourceOptions

#: Options of focus-run that are for some drivers alone.
ONLY_FOR: dict[str, tuple[Scheme, ...]] = {
    "transpose": ("v4l2", "gige", "usb3", "gentl"),
    "status_lines": ("v4l2", "gige", "usb3", "gentl"),
    "features": ("gige", "usb3", "gentl"),
    "chunks": ("gige", "usb3"),
    "resend": ("gige",),
    "packet_size": ("gige",),
}

OPTION_NAMES = {"status_lines": "status-lines", "features": "set", "chunks": "chunk", "packet_size": "packet-size"}


def open_camera(uri: str, scheme: Scheme, options: SourceOptions) -> FrameSource:
    """Opens a camera. Drivers that need a library are imported here alone.

    Args:
        uri: as given by the user.
        scheme: what ``scheme_of`` says of it.
        options: what the user says about it.
    Raises:
        CameraError: it cannot be opened, or sends what cannot be used.
        CubeError: the calibration is of another rig.
        ValueError: options that this camera does not have.
        ModuleNotFoundError: the library that its driver needs is not installed.
    """
    _refuse_others(scheme, options)
    if scheme == "v4l2":
        from focus.runtime.cameras._v4l2 import V4L2Camera

        return V4L2Camera(rest_of(uri) if uri.startswith("v4l2:") else uri, options, uri=uri)
    if scheme in ("gige", "usb3"):
        from focus.runtime.cameras._aravis import AravisCamera

        return AravisCamera(rest_of(uri), "gige" if scheme == "gige" else "usb3", options, uri=uri)
    if scheme == "gentl":
        from focus.runtime.cameras._gentl import GentlCamera

        return GentlCamera(rest_of(uri), options, uri=uri)
    from focus.runtime.cameras._stream import StreamCamera

    if uri.startswith(f"{scheme}:"):
        return StreamCamera(place_from_uri(uri), options)
    return StreamCamera(Place("unix" if scheme == "unix" else "fifo", uri, 0, uri), options)


def _refuse_others(scheme: Scheme, options: SourceOptions) -> None:
    for name, schemes in ONLY_FOR.items():
        if getattr(options, name) is not None and scheme not in schemes:
            raise ValueError(
                f"--{OPTION_NAMES.get(name, name)} goes with {', '.join(schemes)} cameras; leave it out for {scheme}"
            )
