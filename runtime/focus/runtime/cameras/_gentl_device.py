"""Finds a camera of a GenTL producer, takes control of it, and sets its features, through harvesters."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from focus.runtime._errors import CameraError
from focus.runtime.cameras._genicam import feature_and_value

#: Where GenTL says that producers are: folders, as in PATH.
PRODUCERS_VARIABLE = "GENICAM_GENTL64_PATH"

#: How long harvesters waits in one call of the producer.
PATIENCE_MS = 20


class GentlDevice:
    """A camera of a producer, under our control until ``close``.

    Args:
        producer: the .cti file.
        serial: serial number or id of the camera; "" for the only one.
    Raises:
        CameraError: there is no such producer or camera, or somebody else controls it.
        ModuleNotFoundError: harvesters is not installed.
    Attributes:
        name: vendor, model and serial number.
        model: vendor and model.
        serial: serial number; "" where the producer does not say it.
        wide_ids: whether its frame ids have 64 bits.
        features: its node map.
        acquirer: harvesters' own object.
    """

    def __init__(self, producer: Path, serial: str = "") -> None:
        self._harvester = _harvester(producer)
        try:
            info = self._find(serial, producer)
            self.model = " ".join(part for part in (info.vendor, info.model) if part)
            self.serial = str(info.serial_number or "")
            self.name = f"{self.model} {self.serial}".strip()
            self.wide_ids = info.tl_type != "GEV"
            self.acquirer: Any = _controlled(self._harvester, info, self.name)
        except BaseException:
            self._harvester.reset()
            raise
        self.features: Any = self.acquirer.remote_device.node_map

    def _find(self, serial: str, producer: Path) -> Any:
        there = self._harvester.device_info_list
        found = [info for info in there if serial in ("", info.serial_number, info.id_)]
        if len(found) != 1:
            seen = f"there are {', '.join(str(info.serial_number) for info in there)}" if there else "none is free"
            asked = f"{producer.name},{serial}" if serial else producer.name
            raise CameraError(f"{len(found)} cameras are called gentl:{asked}, expected one; {seen}")
        return found[0]

    def set(self, features: Sequence[str]) -> None:
        """Sets features in their order, as ``PixelFormat=Mono12``.

        Raises:
            ValueError: not of that form.
            CameraError: the camera does not have the feature, or refuses the value.
        """
        for feature in features:
            name, value = feature_and_value(feature)
            try:
                self.features.get_node(name).from_string(value)
            except gentl_errors() as error:
                raise CameraError(f"{self.name} refuses --set {feature}: {said(error)}") from None

    @property
    def exposure_ms(self) -> float | None:
        """Exposure time; None where the camera has no such feature."""
        for feature in ("ExposureTime", "ExposureTimeAbs"):
            with contextlib.suppress(*gentl_errors(AttributeError)):
                return float(getattr(self.features, feature).value) / 1000 or None
        return None

    def close(self) -> None:
        """Gives the camera and the producer back; a second call does nothing."""
        self._harvester.reset()


def gentl_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What harvesters raises for producers and features, and others."""
    names = ("genicam.gentl", "genicam.genapi")
    return (*(import_module(name).GenericException for name in names), *others)


def said(error: Exception) -> str:
    """What GenICam says, in one line."""
    return " ".join(str(error).split()).removeprefix("GenTL exception: ")


def producer_path(text: str) -> Path:
    """A producer as the user names it: a file, or the name of one in the folders that GenTL says.

    Raises:
        CameraError: there is none.
    """
    given = Path(text).expanduser()
    for path in (given, *(folder / text for folder in _producer_folders())):
        if path.is_file():
            return path
    raise CameraError(f"there is no GenTL producer {text}; name its .cti file, or set {PRODUCERS_VARIABLE}")


def listed_gentl() -> Iterator[tuple[str, str]]:
    """URI and name of each camera of the producers that GenTL says.

    Raises:
        CameraError: a producer that cannot be loaded.
    """
    for folder in _producer_folders():
        for producer in sorted(folder.glob("*.cti")):
            harvester = _harvester(producer)
            try:
                for info in harvester.device_info_list:
                    yield f"gentl:{producer},{info.serial_number}", info.display_name
            finally:
                harvester.reset()


def _producer_folders() -> list[Path]:
    return [Path(part) for part in os.environ.get(PRODUCERS_VARIABLE, "").split(os.pathsep) if part]


def _harvester(producer: Path) -> Any:
    core = import_module("harvesters.core")
    log = logging.getLogger("focus.gentl")  # its own prints tracebacks of what is an error in one line here
    log.addHandler(logging.NullHandler())
    log.propagate = False
    harvester = core.Harvester(config=core.ParameterSet({core.ParameterKey.LOGGER: log}))
    try:
        harvester.add_file(str(producer), check_existence=True, check_validity=True)
        harvester.update()
    except gentl_errors(OSError) as error:
        raise CameraError(f"the GenTL producer {producer} cannot be loaded: {said(error)}") from None
    return harvester


def _controlled(harvester: Any, info: Any, name: str) -> Any:
    core = import_module("harvesters.core")
    keys = core.ParameterKey
    settings = {keys.TIMEOUT_PERIOD_ON_UPDATE_EVENT_DATA_CALL: PATIENCE_MS, keys.ENABLE_AUTO_CHUNK_DATA_UPDATE: False}
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT)
    try:
        return harvester.create(info, config=core.ParameterSet(settings))
    except gentl_errors() as error:
        raise CameraError(f"cannot open {name} ({said(error)}); does another program control it?") from None
    finally:
        if main:
            signal.signal(signal.SIGINT, before)  # harvesters puts its own in its place
