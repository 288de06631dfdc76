"""``--data NAME:PATH,option=value,...`` of a data set with a layout of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from focus.runtime import FocusError


def parse_spec(spec: str, defaults: Mapping[str, str]) -> tuple[Path, dict[str, str]]:
    """The path and its options; what comes before the first ``,name=`` is the path, commas and all.

    Args:
        spec: as the user gave it.
        defaults: options that there are, and what they are where the spec does not say.
    Raises:
        FocusError: names the part that is not understood.
    """
    name, _, rest = spec.partition(":")
    parts = rest.split(",")
    first = next((place for place, part in enumerate(parts) if place > 0 and "=" in part), len(parts))
    path, found = ",".join(parts[:first]), dict(defaults)
    if not path:
        raise FocusError(f"--data {spec} names no path; write {name}:PATH")
    for part in parts[first:]:
        option, _, value = part.partition("=")
        if option not in defaults:
            known = ", ".join(f"{each}=" for each in defaults)
            raise FocusError(f"no option {option!r} in --data {spec}; there are {known}")
        found[option] = value
    return Path(path), found


def number_of(found: Mapping[str, str], option: str, spec: str) -> float:
    """A positive number.

    Raises:
        FocusError: it is none.
    """
    try:
        value = float(found[option])
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise FocusError(f"{option} must be a number above 0 in --data {spec}, got {found[option]!r}")
    return value
