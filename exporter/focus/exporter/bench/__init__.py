"""``focus-bench``: what FOCUS costs beside its peers, on one machine, in one run, on the same cubes."""

from focus.exporter.bench._settings import DEFAULT_MODELS, BenchSettings
from focus.exporter.bench._specs import BANDS, MODELS, ROWS, SWEEP, ModelSpec, RowSpec, SweepSpec

__all__ = ["BANDS", "DEFAULT_MODELS", "MODELS", "ROWS", "SWEEP", "BenchSettings", "ModelSpec", "RowSpec", "SweepSpec"]
