"""Which cubes an archive holds."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path

from focus.runtime._errors import FocusError
from focus.runtime._table import rows_of_table
from focus.runtime.cubes import files_of
from focus.runtime.cubes._envi import DATA_SUFFIXES, header_of
from focus.runtime.cubes._open import SUFFIXES


@dataclass(frozen=True)
class ArchiveCube:
    """One cube of an archive.

    Attributes:
        name: its path within the archive, and that of its maps within the results.
        path: absolute.
        files: name, size in bytes and time of change in ns of its files; empty where it is missing.
    """

    name: str
    path: Path
    files: tuple[tuple[str, int, int], ...]


def cubes_of(archive: str) -> list[ArchiveCube]:
    """The cubes of a folder and the folders in it, of a pattern such as ``data/**/*.hdr``, of a CSV file with the
    column ``path``, or of a single file. No cube is opened.

    Args:
        archive: as given by the user; paths in a CSV file count from its folder.
    Returns: cubes in the order of their names, each name once.
    Raises:
        FocusError: nothing is there, or two cubes have the same name.
    """
    place = Path(archive)
    if place.is_dir():
        base, paths = place, _once([path for path in _walked(place) if path.suffix.lower() in SUFFIXES])
    elif place.suffix.lower() == ".csv":
        base, paths = place.parent, [place.parent / row["path"] for row in rows_of_table(place, "path")]
    elif place.is_file():
        base, paths = place.parent, [place]
    else:
        base = _fixed_part(place)
        paths = _once(_found(base, place.relative_to(base).as_posix()))
    if not paths:
        raise FocusError(
            f"no cube in {archive}; give a folder, a pattern such as 'data/**/*.hdr', or a CSV file with a column path"
        )
    cubes: dict[str, ArchiveCube] = {}
    for path in paths:
        cube = ArchiveCube(_name(path, base), _whole(path), _files(path))
        if cubes.setdefault(cube.name, cube).path != cube.path:
            raise FocusError(f"{archive}: {path} and {cubes[cube.name].path} would both be {cube.name} in the results")
    return [cubes[name] for name in sorted(cubes)]


def _walked(base: Path) -> list[Path]:
    """All files, also in folders elsewhere that links lead to; what is hidden or in a Zarr store is left out.

    Raises:
        FocusError: a folder cannot be read.
    """

    def unreadable(error: OSError) -> None:
        raise FocusError(f"cannot read {error.filename}: {error.strerror}; make it readable, or name other folders")

    found: list[Path] = []
    known: set[Path] = set()
    for folder, folders, files in os.walk(base, followlinks=True, onerror=unreadable):
        real, linked = Path(folder).resolve(), Path(folder).is_symlink() and Path(folder) != base
        if real in known or (linked and real.is_relative_to(base.resolve())):  # a folder goes by its own name
            folders.clear()
            continue
        known.add(real)
        folders[:] = sorted(filter(_counts, folders))
        found += [Path(folder, name) for name in files if _counts(name)]
    return sorted(found)


def _found(base: Path, pattern: str) -> list[Path]:
    """The files that a pattern names, with the same left out."""
    names = (Path(name) for name in glob.glob(pattern, root_dir=base, recursive=True))  # noqa: PTH207  # enters links
    return sorted(base / name for name in names if all(map(_counts, name.parts)) and not (base / name).is_dir())


def _counts(part: str) -> bool:
    return not part.startswith(".") and not part.endswith(".zarr")


def _once(paths: list[Path]) -> list[Path]:
    """Each cube once: a header goes before its data file, and a file that says what it holds before a header that only
    describes it.
    """
    named = set(paths)
    return [path for path in paths if not (_describes(path) if path.suffix.lower() == ".hdr" else _has(path, named))]


def _describes(header: Path) -> bool:
    """Whether a header is beside a file that is a cube without it, and no data of its own are there."""
    own = [path for path in map(header.with_suffix, DATA_SUFFIXES) if path.is_file() and not _says_what_it_is(path)]
    return not own and any(map(_says_what_it_is, files_of(header)))


def _says_what_it_is(path: Path) -> bool:
    return SUFFIXES.get(path.suffix.lower(), "envi") != "envi"


def _has(data: Path, named: set[Path]) -> bool:
    """Whether it is the data file of a header that is named, too."""
    return not _says_what_it_is(data) and header_of(data) in named


def _fixed_part(pattern: Path) -> Path:
    """The folders before the first one that holds a wildcard."""
    fixed = [part for part in pattern.parents if not glob.has_magic(str(part))]
    return fixed[0] if fixed else Path()


def _name(path: Path, base: Path) -> str:
    """Within the base; of a cube elsewhere, its whole path."""
    whole = _whole(path)
    try:
        return whole.relative_to(_whole(base)).as_posix()
    except ValueError:
        return whole.relative_to("/").as_posix()


def _whole(path: Path) -> Path:
    """Absolute, without dots; links stay, as a cube is called what it is called there."""
    return Path(os.path.normpath(path.absolute()))


def _files(path: Path) -> tuple[tuple[str, int, int], ...]:
    facts = ((file.name, file.stat()) for file in files_of(path))
    return tuple(sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in facts))
