"""Advice: what works, and would work better or more safely."""

from __future__ import annotations

from collections.abc import Iterator

from focus.runtime.doctor._cameras import CameraNode
from focus.runtime.doctor._report import Facts

#: Free space below which a run soon ends: a Specim FX10 fills it with raw lines in a minute.
LITTLE_SPACE_BYTES = 10 * 10**9


def advice_for(facts: Facts) -> tuple[str, ...]:
    """One sentence for each thing that could be better, with the command where there is one."""
    return (*_on_jetson(facts), *_on_packages(facts), *_on_places(facts), *_on_cameras(facts), *_on_clock(facts))


def _on_jetson(facts: Facts) -> Iterator[str]:
    jetson = facts.jetson
    if not jetson.found:
        return
    if jetson.power_mode is not None and not jetson.power_mode.startswith("MAXN"):
        yield f"the power mode is {jetson.power_mode}, not the fastest: see sudo nvpmodel -q --verbose, then -m"
    if jetson.clocks_locked is False:
        yield "clocks follow the load, so times vary: sudo jetson_clocks"


def _on_packages(facts: Facts) -> Iterator[str]:
    for package in facts.packages:
        if package.state == "loads" and package.reason is not None:
            yield f"{package.reason}: uninstall both, and install the one you want"


def _on_places(facts: Facts) -> Iterator[str]:
    for place in facts.places:
        named = f"the folder of {place.use} ({place.path or 'none'})"
        if not place.writable:
            way_out = "set FOCUS_CACHE to one that can" if place.use == "compiled models" else "run elsewhere"
            yield f"{named} cannot be written: {way_out}"
        elif place.free_bytes is not None and place.free_bytes < LITTLE_SPACE_BYTES:
            yield f"{named} has only {place.free_bytes / 1e9:.1f} GB left"


def _on_cameras(facts: Facts) -> Iterator[str]:
    for node in facts.cameras.nodes:
        if node.kind == "dangling link":
            yield f"{node.path} leads to {node.target}, which is not there: is the camera plugged in?"
        elif node.kind != "no camera" and not node.readable:
            yield f"{node.path} cannot be opened by this user: {_way_in(node)}"


def _way_in(node: CameraNode) -> str:
    if node.kind == "USB3 Vision":
        return "install deploy/udev/70-focus-cameras.rules and plug it in again"
    if node.group in (None, "root"):
        return "install deploy/udev/70-focus-cameras.rules and plug it in again"
    return f'sudo usermod -aG {node.group} "$USER", then log in again'


def _on_clock(facts: Facts) -> Iterator[str]:
    if facts.clock.synchronised is False:
        yield "the clock is not synchronised, so times differ between rigs: sudo timedatectl set-ntp true"
