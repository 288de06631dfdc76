"""What ``--gps`` takes."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from focus.runtime._errors import FocusError
from focus.runtime.cameras import place_from_uri
from focus.runtime.positions._files import track_from_file
from focus.runtime.positions._receiver import Absent, Receiver, SerialLine, TcpLine
from focus.runtime.positions._track import Track

DEFAULT_BAUD = 9600

_DEVICE = re.compile(r"(?P<path>.*?)(?:,baud=(?P<baud>[^,]*))?")


@contextmanager
def track_from_place(place: str, absent: Absent | None = None) -> Iterator[Track]:
    """The track of a file, or of a receiver that is read as long as the ``with`` block lasts.

    Args:
        place: a file with NMEA or a table, a serial port such as ``/dev/ttyUSB0,baud=115200``, or ``tcp://HOST:PORT``.
        absent: told why a receiver is not there yet, which is then waited for; None takes that for an error.
    Raises:
        FocusError: it is not there, or holds no position.
        ValueError: it is no such place.
    """
    receiver = _receiver(place, absent)
    if receiver is None:
        yield track_from_file(Path(place))
        return
    try:
        yield receiver.track
    finally:
        receiver.close()


def _receiver(place: str, absent: Absent | None) -> Receiver | None:
    if place.startswith("tcp://"):
        peer = place_from_uri(place)
        return Receiver(place, lambda: TcpLine(peer.path, peer.port), absent)
    if "://" in place:
        raise ValueError(
            f"--gps takes a file, a serial port such as /dev/ttyUSB0,baud=9600, or tcp://HOST:PORT, got {place!r}"
        )
    found = _DEVICE.fullmatch(place)
    path, baud = (place, None) if found is None else (found["path"], found["baud"])
    if baud is not None and not baud.isdecimal():
        raise ValueError(f"--gps {path}: baud must be a number such as 9600, got {baud!r}")
    try:
        device = stat.S_ISCHR(Path(path).stat().st_mode)
    except OSError as error:
        if absent is not None and path.startswith("/dev/"):
            return Receiver(path, lambda: SerialLine(path, int(baud or DEFAULT_BAUD)), absent)
        raise FocusError(f"cannot open {path}: {error.strerror or error}; check --gps") from None
    if device:
        return Receiver(path, lambda: SerialLine(path, int(baud or DEFAULT_BAUD)), absent)
    if baud is not None:
        raise ValueError(f"{path} is a file; ,baud= goes with a serial port")
    return None
