"""Where the camera was: positions and attitudes from GPS and IMU, by time."""

from focus.runtime.positions._fix import FIELDS, Fix
from focus.runtime.positions._open import track_from_place
from focus.runtime.positions._track import Track

__all__ = ["FIELDS", "Fix", "Track", "track_from_place"]
