"""``python benchmarks/monitor_check``: the monitor's false alarms on healthy scenes, and what it says of faults."""

from monitor_check._faults import Altered, Watched, brighter, drifted, overexposed, reversed_bands, watch

__all__ = ["Altered", "Watched", "brighter", "drifted", "overexposed", "reversed_bands", "watch"]
