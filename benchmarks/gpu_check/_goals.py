"""What issue and documents ask of an H100."""

from __future__ import annotations

from collections.abc import Mapping

from focus.exporter.bench._ratios import Target

#: Name of a figure, what it says, its limit, and whether it is the least.
GOALS = (
    ("batch_1_ms", "one cube, raw counts in the camera's buffer to maps on the host, p50 in ms", 1.5, False),
    ("naive_over_ours", "naive pipeline / ours, one cube out of ordinary memory", 5.0, True),
    ("ingest_over_copy", "ingest / a copy of as many bytes, cubes beyond the L2 cache", 1.25, False),
    ("saliency_over_copy", "saliency of a full batch / a copy of as many bytes", 1.25, False),
    ("window_over_copy", "window of a full batch / a copy of as many bytes", 1.25, False),
    ("batch_share_of_matrix_rate", "a full batch that is on the GPU, share of the measured matrix rate", 0.5, True),
)


def targets(figures: Mapping[str, float]) -> list[Target]:
    """The goals beside what was measured."""
    return [Target(name, says, limit, figures.get(name), least) for name, says, limit, least in GOALS]
