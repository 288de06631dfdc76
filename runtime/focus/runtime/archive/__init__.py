"""A model over an archive of cubes, on Ray Data: a Zarr group a cube, and a manifest of what is done or failed."""

from focus.runtime.archive._cubes import ArchiveCube, cubes_of
from focus.runtime.archive._manifest import Entry, Manifest
from focus.runtime.archive._map import Pending, map_archive, pending
from focus.runtime.archive._order import Order
from focus.runtime.archive._ray import GPU_BACKENDS, cluster, entries

__all__ = [
    "GPU_BACKENDS",
    "ArchiveCube",
    "Entry",
    "Manifest",
    "Order",
    "Pending",
    "cluster",
    "cubes_of",
    "entries",
    "map_archive",
    "pending",
]
