"""The figures that the project is held to."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from focus.exporter.bench._rounds import Row

Lookup = Callable[[str, str], float | None]


@dataclass(frozen=True)
class Target:
    """A figure, and where it has to get.

    Attributes:
        name: in JSON.
        says: for people, with the unit.
        limit: at most this, or at least this where ``least``.
        value: None where a row that it needs was not measured.
    """

    name: str
    says: str
    limit: float
    value: float | None
    least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether it is met; None where there is no value."""
        if self.value is None:
            return None
        return (operator.ge if self.least else operator.le)(self.value, self.limit)

    def as_json(self) -> dict[str, object]:
        """For the file."""
        wanted = "at least" if self.least else "at most"
        return {
            "name": self.name,
            "says": self.says,
            "wanted": f"{wanted} {self.limit:g}",
            "value": self.value,
            "met": self.met,
        }


def targets_from_rows(rows: Sequence[Row], model: str) -> list[Target]:
    """The figures of one model, from the rows of this run.

    Args:
        rows: of all models.
        model: whose; the sweep's and ``focus-run``'s rows must be its own.
    """
    own = [row for row in rows if row["model"] == model]

    def of(name: str, key: str = "median_ms") -> float | None:
        found = [row.get(key) for row in own if row["name"] == name and "bands" not in row]
        return found[0] if found else None

    def most_bands(name: str, *keys: str) -> float | None:
        points = [row for row in own if row["name"] == name and "bands" in row]
        last = max(points, key=lambda row: row["bands"], default={})
        return next((last[key] for key in keys if last.get(key) is not None), None)

    focus, plain = of("focus_openvino"), of("plain_vit_openvino")
    focus_mb, long_mb = of("focus_openvino", "peak_mb"), of("focus_run_long", "peak_mb")
    growth = _over(long_mb, of("focus_run_long", "short_peak_mb"))
    vanilla_ms = most_bands("vanilla_full_spectrum", "median_ms", "estimated_ms")
    vanilla_mb = most_bands("vanilla_full_spectrum", "peak_mb")
    at_most = [
        ("raw_to_maps_over_plain_vit", "raw counts to maps / plain ViT", 1.10, _over(focus, plain)),
        ("graph_over_plain_vit", "the network alone / plain ViT", 0.95, _over(of("focus_graph"), plain)),
        ("ingest_over_copy", "ingest / plain copy of the cube", 2.0, _over(of("ingest"), of("copy"))),
        ("saliency_ms", "saliency, M and B, in ms", 0.5, of("saliency")),
        ("start_to_first_map_s", "start to first map in s, warm caches", 4.0, of("focus_run", "first_map_s")),
        ("focus_run_peak_mb", "focus-run, peak memory in MB", 1000.0, of("focus_run", "peak_mb")),
        ("long_run_peak_mb", "the same after many cubes, in MB", 1000.0, long_mb),
        ("long_run_peak_over_short", "peak memory, many cubes / few", 1.05, growth),
    ]
    at_least = [
        ("naive_over_focus", "naive pipeline / ours", 4.0, _over(of("naive_ort"), focus)),
        ("gradcam_over_focus", "Grad-CAM / ours", 10.0, _over(of("gradcam"), focus)),
        ("time_saved_against_vanilla", "share of vanilla's time saved", 0.95, _saved(focus, vanilla_ms)),
        ("memory_saved_against_vanilla", "share of vanilla's memory saved", 0.85, _saved(focus_mb, vanilla_mb)),
    ]
    return [*(Target(*facts) for facts in at_most), *(Target(*facts, least=True) for facts in at_least)]


def other_ratios(rows: Sequence[Row], model: str) -> dict[str, float | None]:
    """Ratios without a target, for the record."""
    own = {row["name"]: row.get("median_ms") for row in rows if row["model"] == model and "bands" not in row}
    focus, plain = own.get("focus_openvino"), own.get("plain_vit_openvino")
    return {
        "torch_over_focus": _over(own.get("torch_focus"), focus),
        "ort_over_focus": _over(own.get("focus_ort"), focus),
        "focus_over_int8": _over(focus, own.get("focus_int8")),
        "naive_over_int8": _over(own.get("naive_ort"), own.get("focus_int8")),
        "gradcam_over_int8": _over(own.get("gradcam"), own.get("focus_int8")),
        "int8_over_plain_vit": _over(own.get("focus_int8"), plain),
        "saliency_over_copy": _over(own.get("saliency"), own.get("saliency_copy")),
    }


def _over(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or not lower else upper / lower


def _saved(ours: float | None, theirs: float | None) -> float | None:
    ratio = _over(ours, theirs)
    return None if ratio is None else 1.0 - ratio
