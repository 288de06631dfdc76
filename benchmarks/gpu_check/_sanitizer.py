"""Step 3: NVIDIA's compute-sanitizer over the kernels, on few shapes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from gpu_check._section import NOT_RUN, OK, WRONG, Row, Section, Tell

#: What it looks for: accesses out of bounds, races in shared memory, memory read before it was written, barriers.
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")

#: Exit code where the sanitizer found something.
FOUND = 77

HERE = Path(__file__).parent


def sanitize(index: int, seed: int, limit_s: float, tell: Tell) -> Section:
    """Runs the kernels' check under each tool, in a process of its own.

    Args:
        index: which GPU.
        seed: of the inputs.
        limit_s: for all tools together.
        tell: gets a line now and then.
    """
    title = "compute-sanitizer"
    program = sanitizer_path()
    if program is None:
        return Section(
            "sanitizer", title, NOT_RUN, "compute-sanitizer is not installed (it comes with the CUDA toolkit)"
        )
    rows = []
    for tool in TOOLS:
        tell(f"sanitizer: {tool}")
        rows.append(_run(program, tool, index, seed, limit_s / len(TOOLS)))
    wrong = [row["tool"] for row in rows if row["state"] == WRONG]
    if wrong:
        return Section("sanitizer", title, WRONG, f"{', '.join(wrong)} found errors", rows)
    ran = [row["tool"] for row in rows if row["state"] == OK]
    left = "" if len(ran) == len(TOOLS) else f"; {len(TOOLS) - len(ran)} of {len(TOOLS)} tools did not run"
    note = f"nothing found by {', '.join(ran)}{left}" if ran else "no tool ran"
    return Section("sanitizer", title, OK if ran else NOT_RUN, note, rows)


def sanitizer_path() -> Path | None:
    """On PATH, or in a folder of the CUDA toolkit."""
    found = shutil.which("compute-sanitizer")
    if found is not None:
        return Path(found)
    homes = [Path(os.environ[name]) for name in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(name)]
    homes += sorted(Path("/usr/local").glob("cuda*"), reverse=True)
    places = [home / part / "compute-sanitizer" for home in homes for part in ("bin", "compute-sanitizer")]
    return next((place for place in places if place.is_file()), None)


def _run(program: Path, tool: str, index: int, seed: int, limit_s: float) -> Row:
    check = [sys.executable, str(HERE), "--only", "kernels", "--quick", "--seed", str(seed), "--gpu", str(index)]
    command = [str(program), "--tool", tool, "--error-exitcode", str(FOUND), *check]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=max(limit_s, 1.0), check=False
        )
    except subprocess.TimeoutExpired:
        return {"tool": tool, "state": NOT_RUN, "says": f"not through in {limit_s:.0f} s"}
    except OSError as error:
        return {"tool": tool, "state": NOT_RUN, "says": str(error)}
    lines = [line.strip("= ") for line in done.stdout.splitlines() if line.strip("= ")]
    summary = next((line for line in reversed(lines) if "ERROR SUMMARY" in line or "RACECHECK SUMMARY" in line), None)
    if summary is None:  # it never came to the kernels, e.g. because it does not know the device
        return {"tool": tool, "state": NOT_RUN, "says": lines[-1][:200] if lines else f"ended with {done.returncode}"}
    if done.returncode == 0:
        return {"tool": tool, "state": OK, "says": summary}
    first = next((line for line in lines if line.startswith(("Invalid", "Error", "Uninitialized", "Barrier"))), "")
    return {"tool": tool, "state": WRONG, "says": f"{first or lines[-1]}; {summary}"[:300]}
