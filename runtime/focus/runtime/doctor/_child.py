"""Looks at what may hang or crash in a Python process of its own: libraries, drivers, buses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

#: Seconds that a library has to load; a cold one on a memory card takes a while.
IMPORT_LIMIT_S = 20.0


def look(module: str, name: str, limit_s: float = IMPORT_LIMIT_S) -> dict[str, Any]:
    """Runs ``main(name)`` of a module of this package in a new process.

    Args:
        module: submodule of ``focus.runtime.doctor`` whose ``main`` ends in ``tell``.
        name: what to look at.
        limit_s: seconds that it may take.
    Returns: what it found, or ``{"error": one line}``.
    """
    code = f"from focus.runtime.doctor.{module} import main; main({name!r})"
    try:
        # From "/", so that a folder of the same name beside the user is not taken for the library.
        done = subprocess.run(
            [sys.executable, "-c", code], cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no answer within {limit_s:.0f} s"}
    except OSError as error:
        return {"error": str(error)}
    return _told(done)


def tell(work: Callable[[], Mapping[str, Any]]) -> None:
    """Prints, as the last line, what ``work`` finds or why it does not; used within the new process."""
    try:
        found = dict(work())
    except Exception as error:
        found = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(found), flush=True)


def _told(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    # Libraries may print as they load; ours is the last line.
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    try:
        found = json.loads(lines[-1])
    except (IndexError, ValueError):
        return {"error": _ending(done)}
    if not isinstance(found, dict):
        return {"error": _ending(done)}
    if "error" in found:
        found["error"] = " ".join(str(found["error"]).split())[:300]
    return found


def _ending(done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode < 0:
        try:
            return f"crashed ({signal.Signals(-done.returncode).name})"
        except ValueError:
            return f"crashed (signal {-done.returncode})"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return " ".join(said[-1].split())[:300] if said else f"ended with {done.returncode} and said nothing"
