"""The verdict on cameras: which of them can be read here, and what would make the rest work."""

from __future__ import annotations

from collections.abc import Iterator

from focus.runtime.doctor._report import Ability, Facts

#: Debian's packages of Aravis, and what builds PyGObject against them (docs/cameras.md).
ARAVIS_REMEDY = (
    "sudo apt-get install libaravis-0.8-0 gir1.2-aravis-0.8 libgirepository1.0-dev libcairo2-dev gcc pkg-config"
    ' && pip install "PyGObject<3.51"'
)


def camera_abilities(facts: Facts) -> Iterator[Ability]:
    """One ability for each way in which cameras come."""
    seen = _seen(facts, "byte stream")
    yield Ability("streams", "read framed lines from a FIFO or socket", True, f"needs nothing{seen}")
    yield _through(facts, "v4l2", "read V4L2 cameras such as /dev/hsi0", "linuxpy", _seen(facts, "V4L2"))
    yield _aravis(facts)
    yield _through(facts, "gentl", "read cameras through a maker's GenTL producer", "harvesters", "")


def _through(facts: Facts, extra: str, does: str, library: str, seen: str) -> Ability:
    package = facts.package(library)
    if package.state in ("loads", "installed"):
        return Ability(extra, does, True, f"{package.name} {package.version}{seen}")
    return Ability(extra, does, False, f"{library} is not installed{seen}", f'pip install "focus-hsi[{extra}]"')


def _aravis(facts: Facts) -> Ability:
    does, reason = "read GigE Vision and USB3 Vision cameras", facts.cameras.aravis_reason
    seen = _seen(facts, "USB3 Vision")
    if reason is None:
        listed = facts.cameras.aravis
        return Ability("aravis", does, True, f"Aravis lists {', '.join(listed) if listed else 'none at the moment'}")
    return Ability("aravis", does, False, f"{reason}{seen}", ARAVIS_REMEDY)


def _seen(facts: Facts, kind: str) -> str:
    paths = [node.path for node in facts.cameras.nodes if node.kind == kind]
    return f"; seen here: {', '.join(paths)}" if paths else ""
