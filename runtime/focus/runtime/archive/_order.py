"""What a worker is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focus.runtime.pipeline import Settings
from focus.runtime.sources import SourceOptions


@dataclass(frozen=True, eq=False)
class Order:
    """The same for all cubes of an archive. Paths are absolute and mean the same on every machine.

    Attributes:
        engine: the model's file; engine_sha256: its hash, which every machine must find.
        backend: see ``engine_from_path``.
        settings, source: see ``Settings``, ``SourceOptions``.
        out: the Zarr store.
        made_with: what all maps depend on, for people and for a later run; JSON values only.
        tries: how often a cube is begun before it counts as failed, where its worker dies or the machine fails.
    """

    engine: Path
    engine_sha256: str
    backend: str
    settings: Settings
    source: SourceOptions
    out: Path
    made_with: Mapping[str, Any]
    tries: int = 3

    @property
    def parts(self) -> Path:
        """Where groups are written until they are whole: beside the store, on the same disk."""
        return self.out.with_name(f".{self.out.name}.parts")

    @property
    def manifest(self) -> Path:
        """The manifest's file."""
        return self.out.with_suffix(".jsonl")
