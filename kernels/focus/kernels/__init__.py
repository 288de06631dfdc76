"""The two fused kernels: ``ingest`` (raw samples to what the network reads) and ``saliency`` (attention to maps)."""

from focus.kernels._ingest import ingest, prepare
from focus.kernels._lines import LineIngest
from focus.kernels._maps import contrast, saliency, standardise, upsample
from focus.kernels._results import Ingested, Quality, Saliency

__all__ = [
    "Ingested",
    "LineIngest",
    "Quality",
    "Saliency",
    "contrast",
    "ingest",
    "prepare",
    "saliency",
    "standardise",
    "upsample",
]
