"""``.focuscal``: a line with version and checksum, then an npz of the arrays and a JSON text. No pickle.

Version 1 is no longer read: it knew neither exposure nor camera, which is what a calibration has to be checked by.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from focus.runtime._bundle import first_fault
from focus.runtime._errors import CubeError
from focus.runtime._files import write_atomically

if TYPE_CHECKING:
    from focus.runtime._calibration._calibration import Calibration

MAGIC = b"FOCUSCAL"
VERSION = 2

#: Type of each array; those after the first five may be absent.
ARRAYS = {
    "dark": "<f4", "gain": "<f4", "wavelengths_nm": "<f8", "panel": "<f8", "flaws": "|u1",
    "fwhm_nm": "<f8", "dark_rate": "<f4", "dark_noise": "<f4", "white_noise": "<f4",
}  # fmt: skip
NEEDED = tuple(ARRAYS)[:5]


class _Facts(BaseModel):
    """The JSON text."""

    model_config = ConfigDict(extra="forbid")

    exposure_ms: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    bits: int | None = Field(default=None, ge=1, le=32)
    shift: int | None = Field(default=None, ge=0, le=16)
    mosaic: tuple[int, ...] | None = None
    mosaic_order: tuple[int, ...] | None = None
    camera: str = ""
    serial: str = ""
    utc: str = ""
    origin: dict[str, Any] = Field(default_factory=dict)


def save(values: Mapping[str, Any], file: Path) -> None:
    """Writes the fields of a calibration.

    Raises:
        OutputError: it cannot be written there.
    """
    arrays = {name: np.asarray(values[name], kind) for name, kind in ARRAYS.items() if values[name] is not None}
    facts = _Facts(**{name: value for name, value in values.items() if name not in ARRAYS})
    arrays["facts"] = np.frombuffer(facts.model_dump_json().encode(), np.uint8)
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]  # newer stubs take any name for allow_pickle
    content = packed.getvalue()
    checksum = hashlib.sha256(content).hexdigest()
    write_atomically(file, MAGIC + f" {VERSION} {checksum}\n".encode() + content)


def load(kind: type[Calibration], file: Path) -> Calibration:
    """Reads what ``save`` wrote.

    Raises:
        CubeError: missing, not a calibration, of another version, or damaged.
    """
    if not file.is_file():
        raise CubeError(f"no calibration file {file}; make one with focus-calib reference")
    head, _, content = file.read_bytes().partition(b"\n")
    words = head.split(b" ")
    if len(words) != 3 or words[0] != MAGIC:
        raise CubeError(f"{file} is not a FOCUS calibration; make one with focus-calib reference")
    if words[1] != str(VERSION).encode():
        version = words[1].decode(errors="replace")
        raise CubeError(f"{file} is a calibration of version {version}, this program reads {VERSION}; make it again")
    if hashlib.sha256(content).hexdigest().encode() != words[2]:
        raise CubeError(f"{file} is damaged (its checksum does not match); copy or make it again")
    try:
        return kind(**_unpacked(content))
    except ValidationError as error:
        raise CubeError(f"{file} does not hold a calibration ({first_fault(error, 'facts')}); make it again") from None
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise CubeError(f"{file} does not hold a calibration ({error}); make it again") from None


def _unpacked(content: bytes) -> dict[str, Any]:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        facts = _Facts(**json.loads(stored["facts"].tobytes()))
        there = [name for name in ARRAYS if name in NEEDED or name in stored]
        arrays = {name: stored[name].astype(np.dtype(ARRAYS[name]).newbyteorder("="), copy=False) for name in there}
    return {**facts.model_dump(), **arrays}
