"""Rows of the strip as bytes that a browser reads without parsing."""

from __future__ import annotations

import json

import numpy as np

from focus.runtime.serve._strip import KeptRow


def packed_rows(rows: list[KeptRow], width: int, columns: int) -> bytes:
    """A length (uint32), that many bytes of JSON, then RGBA pixels and M (float32, nan where masked), little-endian.

    The JSON is ``{"rows": [number, ...], "segments": [...], "cubes": [...], "lines": [pixel lines of each, ...]}``,
    padded so that M lies on 4 bytes.

    Args:
        rows: see ``KeptRow``.
        width: pixels across.
        columns: patches across.
    """
    facts = {
        "rows": [row.row for row in rows],
        "segments": [row.segment for row in rows],
        "cubes": [row.cube for row in rows],
        "lines": [len(row.pixels) for row in rows],
    }
    head = json.dumps(facts).encode()
    head += b" " * (-len(head) % 4)
    pixels = np.concatenate([row.pixels for row in rows]) if rows else np.empty((0, width, 4), np.uint8)
    heatmap = np.stack([row.heatmap for row in rows]) if rows else np.empty((0, columns), np.float32)
    length = len(head).to_bytes(4, "little")
    return b"".join((length, head, pixels.tobytes(), heatmap.astype("<f4").tobytes()))
