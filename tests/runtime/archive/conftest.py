"""Zarr 3 needs Python 3.11, and so does focus-map; on 3.10 it says so, see test_map.py."""

import sys

collect_ignore = [] if sys.version_info >= (3, 11) else ["test_archive.py", "test_ray.py", "test_worker.py"]
