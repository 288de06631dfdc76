"""Small cube files, and the real ones where they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.shared import shared_file

CODES = {"u1": 1, "i2": 2, "i4": 3, "f4": 4, "f8": 5, "u2": 12, "u4": 13, "i8": 14, "u8": 15}
STORED_AXES = {"bil": (1, 0, 2), "bip": (1, 2, 0), "bsq": (0, 1, 2)}


@pytest.fixture(scope="session")
def real_file() -> Callable[[str], Path]:
    """The path of a real cube; the test is skipped where it is absent."""
    return lambda name: shared_file(f"data/{name}")


@pytest.fixture(scope="session")
def write_envi() -> Callable[..., Path]:
    """Writes values [C, H, W] as an ENVI pair, returns the header; keywords replace its fields, None drops one."""

    def write(
        header: Path,
        values: np.ndarray[Any, Any],
        *,
        interleave: str = "bil",
        big_endian: bool = False,
        offset: int = 0,
        suffix: str = ".raw",
        **fields: Any,
    ) -> Path:
        bands, lines, samples = values.shape
        kind = values.dtype.str[1:]
        stated = {
            "samples": samples,
            "lines": lines,
            "bands": bands,
            "header offset": offset,
            "data type": CODES[kind],
            "interleave": interleave,
            "byte order": int(big_endian),
            "wavelength units": "nm",
            "wavelength": np.linspace(400, 1000, bands),
        }
        stated.update({key.replace("_", " "): value for key, value in fields.items()})
        lines_of_text = ["ENVI"]
        for key, value in stated.items():
            if value is None:
                continue
            text = "{" + ", ".join(repr(float(item)) for item in value) + "}" if np.ndim(value) else str(value)
            lines_of_text.append(f"{key} = {text}")
        header.write_text("\n".join(lines_of_text) + "\n")
        stored = values.transpose(STORED_AXES.get(interleave, (0, 1, 2))).astype((">" if big_endian else "<") + kind)
        header.with_suffix(suffix).write_bytes(b"\x7f" * offset + stored.tobytes())
        return header

    return write


@pytest.fixture
def values() -> np.ndarray[Any, Any]:
    """A cube whose lengths all differ, so that no mixed-up axis goes unseen."""
    return np.random.default_rng(7).integers(1, 4000, (6, 4, 5)).astype(np.uint16)


@pytest.fixture
def centres() -> np.ndarray[Any, Any]:
    """Wavelengths of `values`."""
    return np.linspace(450.0, 900.0, 6)
