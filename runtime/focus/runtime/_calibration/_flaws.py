"""Why a detector's element has no gain. All of it is known before a run, so ingest sees no more than a gain of nan."""

from __future__ import annotations

from types import MappingProxyType

#: The white reference is hardly brighter than the dark there: too little light, or too little response, to divide by.
LOW_DENOMINATOR = 1

#: Names of the bits of ``Calibration.flaws``; all but the first are bad pixels.
FLAWS = MappingProxyType(
    {
        "low denominator": LOW_DENOMINATOR,
        "hot": 2,
        "noisy": 4,
        "odd response": 8,
        "saturated white": 16,
        "listed": 32,
        "not measured": 64,
    }
)
