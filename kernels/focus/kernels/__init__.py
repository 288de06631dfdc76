"""The two fused kernels: ``ingest`` (raw samples to what the network reads) and ``saliency`` (attention to maps)."""

from focus.kernels._reference import Ingested, Saliency, ingest, saliency, standardise

__all__ = ["Ingested", "Saliency", "ingest", "saliency", "standardise"]
