"""Picks the source that a URI names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from focus.runtime._errors import CubeError
from focus.runtime.cubes import open_cube, stated_scale
from focus.runtime.sources._contract import FrameSource
from focus.runtime.sources._options import CAMERA_FIELDS, FILE_FIELDS, OPTION_OF_FIELD, SourceOptions
from focus.runtime.sources._pace import Pace
from focus.runtime.sources._replay import Replay, WordFormat
from focus.runtime.sources._sim import Sim, SimOptions

#: ``replay:FILE,rate=330,loop=1``
_REPLAY_OPTIONS = re.compile(r"(.*?)((?:,(?:rate|loop)=[^,]*)*)$")
_OPTION = re.compile(r",([^=,/]+)=")


def source_from_uri(uri: str, options: SourceOptions | None = None) -> FrameSource:
    """Opens a source.

    Args:
        uri: ``replay:FILE[,rate=LINES_PER_SECOND|recorded][,loop=1]``, ``sim:key=value,...``, or a camera: a path or
            URI, see ``focus.runtime.cameras.scheme_of``.
        options: see ``SourceOptions``.
    Raises:
        ValueError: an unknown scheme, or options that do not go together.
        CubeError: the file cannot be used, or does not cover the bands that are wanted.
        CameraError: the camera cannot be used.
    """
    chosen = options or SourceOptions()
    source = _source(uri, chosen)
    if chosen.resample_to is not None:
        try:
            source.facts = chosen.resample_to.made_of(source.facts)
        except CubeError:
            source.close()
            raise
    return source


def _source(uri: str, chosen: SourceOptions) -> FrameSource:
    scheme, colon, rest = uri.partition(":")
    if colon and scheme == "replay":
        _refuse(chosen, CAMERA_FIELDS, "replay: has no camera")
        return _replay(rest, chosen, uri)
    if colon and scheme == "sim":
        raw = bool(chosen.raw)
        taken = ("raw", "exposure_ms") if raw else ("raw", "resample_to")
        others = tuple(name for name in SourceOptions.__dataclass_fields__ if name not in taken)
        _refuse(chosen, others, "sim: brings its own wavelengths and calibration")
        return Sim(SimOptions.from_text(rest), uri=uri, raw=raw, exposure_ms=chosen.exposure_ms)
    return _camera(uri, chosen)


def _camera(uri: str, options: SourceOptions) -> FrameSource:
    # Files need no camera drivers, and the drivers need this package's contract.
    from focus.runtime.cameras import SUPPORTED, open_camera, scheme_of

    scheme = scheme_of(uri)
    meant = "sim:" if uri == "sim" else f"replay:{uri}" if Path(uri).is_file() else ""
    if scheme is None and meant:
        raise ValueError(f"unknown source {uri!r}; did you mean --camera {meant}?")
    if scheme is None:
        raise ValueError(f"unknown source {uri!r}; --camera takes {SUPPORTED}")
    _refuse(options, FILE_FIELDS, f"{uri} is a camera, whose lines are taken as they come")
    return open_camera(uri, scheme, options)


def _replay(text: str, options: SourceOptions, uri: str) -> Replay:
    path, pace = _path_and_pace(text)
    if not path:
        raise ValueError("replay: needs a file, e.g. replay:leaf.hdr")
    if options.scale is not None and options.quantity != "reflectance":
        raise ValueError("--scale goes with --quantity reflectance (stored value / scale = reflectance)")
    _refuse_unknown(path)
    cube = open_cube(path, variable=options.variable, axes=options.axes, wavelengths_nm=options.wavelengths_nm)
    told = None if options.fill and cube.quantity is not None else options.quantity
    if told == "reflectance":
        if cube.quantity == "counts":
            raise ValueError(
                f"{cube.provenance.name} says that it holds raw counts, not reflectance; give --calibration FILE"
            )
        scale = stated_scale(options.scale, cube.scale, cube.values.dtype, cube.provenance.name)
        cube = cube.with_quantity("reflectance", scale)
    elif told is not None:
        cube = cube.with_quantity(told)
    if options.exposure_ms is not None:
        cube = replace(cube, exposure_ms=options.exposure_ms)
    return Replay(
        cube,
        calibration=options.calibration,
        words=WordFormat(options.bits, options.shift),
        pace=pace,
        any_camera=bool(options.any_camera),
        raw=bool(options.raw),
        uri=uri,
    )


def _path_and_pace(text: str) -> tuple[str, Pace]:
    found = _REPLAY_OPTIONS.match(text)
    path, rest = found.groups() if found else (text, "")
    given = dict(part.split("=", 1) for part in rest.split(",") if part)
    try:
        return path, Pace.from_texts(given.get("rate", "0"), given.get("loop", "0"))
    except ValueError as error:
        raise ValueError(f"replay:FILE,rate=R|recorded,loop=1 cannot be read from {text!r}: {error}") from None


def _refuse_unknown(path: str) -> None:
    """Says so where what looks like an option is no part of the file's name."""
    unknown = [name for name in _OPTION.findall(path) if name not in ("rate", "loop")]
    if unknown and not Path(path).exists():
        raise ValueError(f"replay: has no option {unknown[0]!r}; it takes rate=LINES_PER_SECOND|recorded and loop=1")


def _refuse(options: SourceOptions, names: Sequence[str], reason: str) -> None:
    given = [name for name in names if getattr(options, name) is not None]
    if given:
        raise ValueError(f"{reason}; leave out --{OPTION_OF_FIELD.get(given[0], given[0])}")
