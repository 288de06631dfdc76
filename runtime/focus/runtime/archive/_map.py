"""The archive, from its list of cubes to the last line of the manifest."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from focus.runtime._errors import OutputError
from focus.runtime.archive._cubes import ArchiveCube
from focus.runtime.archive._manifest import Entry, Manifest
from focus.runtime.archive._order import Order
from focus.runtime.archive._zarr import finished


@dataclass(frozen=True)
class Pending:
    """What there is to do.

    Attributes:
        cubes: to read.
        done: how many are done.
        failed: those that failed before, and are not tried again.
    """

    cubes: tuple[ArchiveCube, ...]
    done: int
    failed: tuple[Entry, ...]


def pending(cubes: Sequence[ArchiveCube], order: Order, manifest: Manifest, retry_failed: bool = False) -> Pending:
    """Which cubes are left: new ones, those whose files changed, and with ``retry_failed`` those that failed.

    No cube is opened. Maps that a run left whole without a line in the manifest, because it was killed in between, get
    their line here.

    Raises:
        OutputError: the manifest cannot be written.
    """
    left, done, failed = [], 0, []
    for cube in cubes:
        entry = manifest.entries.get(cube.name)
        if (entry is None or entry.state == "failed") and (found := finished(order, cube.name, cube.files)) is not None:
            manifest.add(found)
            entry = found
        same = entry is not None and entry.files == cube.files
        if entry is not None and same and entry.state == "failed" and not retry_failed:
            failed.append(entry)
        elif entry is not None and same and entry.state == "done" and (order.out / cube.name / "zarr.json").is_file():
            done += 1
        else:
            left.append(cube)
    return Pending(tuple(left), done, tuple(failed))


def map_archive(
    cubes: Sequence[ArchiveCube],
    order: Order,
    manifest: Manifest,
    share: Callable[[Sequence[ArchiveCube]], Iterable[Entry]],
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[Entry]:
    """Reads cubes, and writes into the manifest what becomes of each.

    Args:
        cubes: what is left, see ``pending``.
        manifest: entered.
        share: reads cubes, in any order; see ``entries``.
        tell: called with cubes over and in all.
    Returns: an entry a cube.
    Raises:
        OutputError: nothing can be written there; BrokenOff: no worker can be started.
    """
    over: list[Entry] = []
    try:
        # What is in the parts is of workers that were killed: notes and halves of groups.
        shutil.rmtree(order.parts, ignore_errors=True)
        order.parts.mkdir(parents=True)
        _make_groups(cubes, order)
        for entry in share(cubes):
            manifest.add(entry)
            if entry.state == "failed":  # what is in the store is of files that are no more
                shutil.rmtree(order.out / entry.cube, ignore_errors=True)
            over.append(entry)
            tell(len(over), len(cubes))
    except OSError as error:
        raise OutputError(f"cannot write {order.out}: {error.strerror}; choose another --out") from None
    finally:
        shutil.rmtree(order.parts, ignore_errors=True)
    return over


def _make_groups(cubes: Sequence[ArchiveCube], order: Order) -> None:
    """The store, and a group for each folder of the archive; version 3 of Zarr wants every one of them said."""
    import zarr

    root = zarr.open_group(str(order.out), mode="a", zarr_format=3)
    folders = {str(folder) for cube in cubes for folder in PurePosixPath(cube.name).parents}
    for folder in sorted(folders - {"."}):
        root.require_group(folder)
