"""How the shipped backbone was made: a small ViT that imitates a large one on composites of hyperspectral cubes
(docs/backbone.md).
"""

from focus.exporter.distil._distil import DistilSettings, distil
from focus.exporter.distil._images import composite_images

__all__ = ["DistilSettings", "composite_images", "distil"]
