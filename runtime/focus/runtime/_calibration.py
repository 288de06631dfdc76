"""Radiometric calibration: raw counts to reflectance, reflectance = (raw - dark) * gain."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime._files import write_atomically

MAGIC = b"FOCUSCAL"
VERSION = 1


@dataclass(frozen=True, eq=False)
class Calibration:
    """Dark and gain of one rig.

    Attributes:
        dark: float32 [C, S], counts without light; S is the rig's samples a line, or 1 for one value a band.
        gain: float32 [C, S], reflectance a count; nan where the white reference was too dark to divide by.
        wavelengths_nm: float64 [C].
        panel: reflectance of the white reference, 0..1.
        origin: where it comes from, for people: files and choices.
    Raises:
        ValueError: shapes that disagree.
    """

    dark: NDArray[np.float32]
    gain: NDArray[np.float32]
    wavelengths_nm: NDArray[np.float64]
    panel: float
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.dark.ndim != 2 or self.dark.shape != self.gain.shape or len(self.dark) != len(self.wavelengths_nm):
            raise ValueError(
                f"dark and gain must be [{len(self.wavelengths_nm)} bands, samples], "
                f"got {list(self.dark.shape)} and {list(self.gain.shape)}"
            )

    @property
    def bands(self) -> int:
        """C."""
        return len(self.gain)

    @property
    def samples(self) -> int:
        """S; 1 where the calibration holds one value a band."""
        return int(self.dark.shape[1])

    @property
    def invalid(self) -> int:
        """Number of band and sample pairs without a gain."""
        return int(np.count_nonzero(~np.isfinite(self.gain)))

    @cached_property
    def sha256(self) -> str:
        """Hash of the arrays, the wavelengths and the panel, wherever the calibration came from."""
        digest = hashlib.sha256()
        for values in (self.dark, self.gain, self.wavelengths_nm):
            digest.update(repr(values.shape).encode())
            digest.update(np.ascontiguousarray(values, f"<f{values.itemsize}").tobytes())
        digest.update(repr(self.panel).encode())
        return digest.hexdigest()

    def require(self, wavelengths_nm: NDArray[np.float64], samples: int, source: str) -> None:
        """Refuses a source with other bands or another number of samples a line.

        Raises:
            CubeError: naming what differs.
        """
        if self.bands != len(wavelengths_nm):
            raise CubeError(
                f"the calibration has {self.bands} bands, {source} has {len(wavelengths_nm)}; "
                "use the calibration of this rig"
            )
        apart = np.abs(self.wavelengths_nm - wavelengths_nm)
        worst = int(np.argmax(apart))
        if apart[worst] > 0.5:
            raise CubeError(
                f"the calibration has band {worst} at {self.wavelengths_nm[worst]:g} nm, {source} at "
                f"{wavelengths_nm[worst]:g} nm; use the calibration of this rig"
            )
        if self.samples not in (1, samples):
            raise CubeError(
                f"the calibration has {self.samples} samples a line, {source} has {samples}; "
                "use the calibration of this rig, or make one with focus-calib reference --average-samples"
            )

    def save(self, path: Path | str) -> None:
        """Writes a ``.focuscal`` file: a line with version and checksum, then an npz.

        Raises:
            OutputError: it cannot be written there.
        """
        packed = io.BytesIO()
        facts = json.dumps({"panel": self.panel, "origin": dict(self.origin)}).encode()
        np.savez_compressed(
            packed,
            dark=self.dark,
            gain=self.gain,
            wavelengths_nm=self.wavelengths_nm,
            facts=np.frombuffer(facts, np.uint8),
        )
        content = packed.getvalue()
        checksum = hashlib.sha256(content).hexdigest()
        write_atomically(Path(path), MAGIC + f" {VERSION} {checksum}\n".encode() + content)

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Reads a ``.focuscal`` file.

        Raises:
            CubeError: missing, not a calibration, of another version, or damaged.
        """
        file = Path(path)
        if not file.is_file():
            raise CubeError(f"no calibration file {file}; make one with focus-calib reference")
        head, _, content = file.read_bytes().partition(b"\n")
        words = head.split(b" ")
        if len(words) != 3 or words[0] != MAGIC:
            raise CubeError(f"{file} is not a FOCUS calibration; make one with focus-calib reference")
        if words[1] != str(VERSION).encode():
            version = words[1].decode(errors="replace")
            raise CubeError(
                f"{file} is a calibration of version {version}, this program reads {VERSION}; make it again"
            )
        if hashlib.sha256(content).hexdigest().encode() != words[2]:
            raise CubeError(f"{file} is damaged (its checksum does not match); copy or make it again")
        return cls._unpack(content, file)

    @classmethod
    def _unpack(cls, content: bytes, file: Path) -> Calibration:
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                facts = json.loads(arrays["facts"].tobytes())
                return cls(
                    np.asarray(arrays["dark"], np.float32),
                    np.asarray(arrays["gain"], np.float32),
                    np.asarray(arrays["wavelengths_nm"], np.float64),
                    float(facts["panel"]),
                    dict(facts["origin"]),
                )
        except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise CubeError(f"{file} does not hold a calibration ({error}); make it again") from None
