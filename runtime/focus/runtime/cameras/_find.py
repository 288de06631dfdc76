"""Which kind of camera a path or URI names: by what the path is, not by what it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from focus.runtime._device_nodes import kind_of_mode

Scheme = Literal["v4l2", "gige", "usb3", "gentl", "tcp", "unix", "fifo"]

#: Schemes that say themselves which driver reads them.
SCHEMES: tuple[Scheme, ...] = ("v4l2", "gige", "usb3", "gentl", "tcp", "unix", "fifo")

SUPPORTED = (
    "a V4L2 device such as /dev/video0, gige://IP, usb3://SERIAL, gentl:producer.cti, tcp://HOST:PORT, unix:/path, "
    "a FIFO, replay:FILE and sim:"
)


def scheme_of(uri: str) -> Scheme | None:
    """The scheme of a camera's URI or path; None for what names no camera.

    Raises:
        ValueError: a path in /dev, or one that begins with /, at which there is no camera.
    """
    given = uri.partition(":")[0]
    for scheme in SCHEMES:
        if given == scheme and ":" in uri:
            return scheme
    if not uri.startswith(("/", "./", "../")):
        return None
    return _scheme_of_path(Path(uri))


def _scheme_of_path(path: Path) -> Scheme:
    try:
        status = path.stat()
    except OSError as error:
        leads = f" (it leads to {path.readlink()})" if path.is_symlink() else ""
        reason = error.strerror or str(error)
        raise ValueError(f"cannot read {path}{leads}: {reason}; plug the camera in, or see focus-run cameras") from None
    found = kind_of_mode(status.st_mode, status.st_rdev)
    if found is None:
        way_out = f"; a recording is read with replay:{path}" if path.is_file() else "; see focus-run cameras"
        raise ValueError(f"{path} is no video device, FIFO or Unix socket{way_out}")
    return found


def rest_of(uri: str) -> str:
    """What follows a URI's scheme: ``gige://192.168.5.2`` and ``gige:192.168.5.2`` mean the same."""
    return uri.partition(":")[2].removeprefix("//")
