"""What this machine has, and what of FOCUS will work on it: the work of ``focus-doctor``."""

from focus.runtime.doctor._examine import examine
from focus.runtime.doctor._machine import Machine
from focus.runtime.doctor._report import Ability, Facts, Report

__all__ = ["Ability", "Facts", "Machine", "Report", "examine"]
