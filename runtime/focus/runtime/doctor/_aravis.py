"""Lists GigE and USB3 Vision cameras; ``_child.look`` runs this in a process of its own, as it asks the network."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from focus.runtime.doctor._child import tell


def main(name: str = "") -> None:
    """Tells the cameras that Aravis finds."""
    tell(_cameras)


def _cameras() -> dict[str, Any]:
    import_module("gi").require_version("Aravis", "0.8")
    aravis = import_module("gi.repository.Aravis")
    aravis.update_device_list()
    places = range(aravis.get_n_devices())
    return {"cameras": [f"{aravis.get_device_id(place)} ({aravis.get_device_protocol(place)})" for place in places]}
