"""Simulated leaves, with the truth about them."""

from focus.runtime.simulate._mixture import Counts, Mixture, Scene, Strip, best_bands
from focus.runtime.simulate._scenes import simulate_leaf_scene, simulate_strip
from focus.runtime.simulate._sensor import Sensor, full_range, vnir_204
from focus.runtime.simulate._tissue import CLASS_NAMES, LESIONS, Lesion, Traits, classes_seen

__all__ = [
    "CLASS_NAMES",
    "LESIONS",
    "Counts",
    "Lesion",
    "Mixture",
    "Scene",
    "Sensor",
    "Strip",
    "Traits",
    "best_bands",
    "classes_seen",
    "full_range",
    "simulate_leaf_scene",
    "simulate_strip",
    "vnir_204",
]
