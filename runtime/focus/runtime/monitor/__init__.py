"""What would make the maps lie, found while running."""

from focus.runtime.monitor._data import FLAGS, Flag, Raised, warnings_of
from focus.runtime.monitor._monitor import Monitor

__all__ = ["FLAGS", "Flag", "Monitor", "Raised", "warnings_of"]
