"""FOCUS over a frozen timm ViT: the network, and the file that it is kept in."""

from focus.exporter.model._backbone import create_backbone, load_weights, require_supported
from focus.exporter.model._checkpoint import load_checkpoint, save_checkpoint
from focus.exporter.model._focus import FocusNet, NetReading
from focus.exporter.model._heads import Auxiliary, auxiliary_heads, discriminative_heads, head_entropy, sink_loss
from focus.exporter.model._passes import computes_bf16, plain_attention, quick_passes
from focus.exporter.model._trainable import Reading, TrainableNet

__all__ = [
    "Auxiliary",
    "FocusNet",
    "NetReading",
    "Reading",
    "TrainableNet",
    "auxiliary_heads",
    "computes_bf16",
    "create_backbone",
    "discriminative_heads",
    "head_entropy",
    "load_checkpoint",
    "load_weights",
    "plain_attention",
    "quick_passes",
    "require_supported",
    "save_checkpoint",
    "sink_loss",
]
