"""Archives of arrays, whole and damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from focus.runtime._npz import DAMAGED, load_arrays


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_whatever_is_damaged_is_told_by_what_is_expected(tmp_path: Path, write: object) -> None:
    """A flipped byte anywhere in the file, or its end missing: an array that is not the one, or one of ``DAMAGED``."""
    path = tmp_path / "arrays.npz"
    write(path, facts=np.array("{}"), values=np.arange(40.0).reshape(5, 8))  # type: ignore[operator]
    whole = path.read_bytes()
    assert load_arrays(path)["values"].shape == (5, 8)
    told: set[type] = set()
    for place in range(len(whole)):
        for damaged in (whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :], whole[:place]):
            path.write_bytes(damaged)
            try:
                load_arrays(path)
            except DAMAGED as error:
                told.add(type(error))
    assert len(told) > 3
    path.unlink()
    with pytest.raises(OSError, match="No such file"):
        load_arrays(path)
