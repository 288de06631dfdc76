"""Looks at everything at once and gives the verdict."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from focus.runtime.doctor._abilities import abilities_of
from focus.runtime.doctor._advice import advice_for
from focus.runtime.doctor._cameras import camera_facts
from focus.runtime.doctor._clock import clock_facts
from focus.runtime.doctor._gpus import gpu_facts
from focus.runtime.doctor._jetson import jetson_facts
from focus.runtime.doctor._machine import Machine
from focus.runtime.doctor._packages import package_facts
from focus.runtime.doctor._places import place_facts
from focus.runtime.doctor._processor import processor_facts
from focus.runtime.doctor._python import python_facts
from focus.runtime.doctor._report import SCHEMA, Facts, Report


def examine(machine: Machine | None = None) -> Report:
    """Looks at this machine; whatever cannot be looked at is named in ``unknown`` and nothing is raised.

    Args:
        machine: where files are read and programs are found; None takes this machine.
    """
    here = machine or Machine()
    return examine_with(
        {
            "python": lambda: python_facts(here),
            "processor": lambda: processor_facts(here),
            "packages": package_facts,
            "gpu": lambda: gpu_facts(here),
            "jetson": lambda: jetson_facts(here),
            "cameras": lambda: camera_facts(here),
            "places": place_facts,
            "clock": lambda: clock_facts(here),
        }
    )


def examine_with(looks: dict[str, Callable[[], Any]]) -> Report:
    """The same with the looks handed in, by the name of their field in ``Facts``."""
    found: dict[str, Any] = {}
    unknown = []
    with ThreadPoolExecutor(len(looks)) as pool:
        running = {topic: pool.submit(look) for topic, look in looks.items()}
        for topic, result in running.items():
            try:
                found[topic] = result.result()
            except Exception as error:  # a doctor that falls ill over one organ says nothing on the others
                unknown.append(f"{topic}: {type(error).__name__}: {error}")
    facts = Facts(**found)
    return Report(SCHEMA, facts, abilities_of(facts), advice_for(facts), tuple(unknown))
