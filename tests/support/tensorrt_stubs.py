"""TensorRT's Python classes without TensorRT: its bindings import once libraries of the right names offer the functions
that they link to. Nothing in those libraries works; the classes, their methods and enumerations are the real ones.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from repository.tree import ROOT

from support.tools import tool

#: Where scripts/tensorrt.sh unpacks them.
SHARE = Path(sys.prefix) / "share" / "focus"


#: What makes the libraries that the bindings link to, and the packages that hold it.
TOOLS = (("gcc", "gcc"), ("nm", "binutils"), ("readelf", "binutils"))


def bindings_folder(name: str) -> Path:
    """The folder of a package that ``make test`` has unpacked; skips the test where there is no wheel of it.

    Args:
        name: ``10.3``, ``11.4`` or ``rtx``.
    """
    folder = SHARE / f"tensorrt-{name}"
    if not folder.is_dir():
        pytest.fail(f"{folder} is missing; run scripts/tensorrt.sh {sys.prefix}")
    if not any(folder.iterdir()):
        here = f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.machine()}"
        pytest.skip(f"there is no wheel of TensorRT {name} for {here}; to run this test: Python 3.10 to 3.12 on x86_64")
    return folder


def stub_libraries(bindings: Path, folder: Path) -> Path:
    """Makes the libraries that the bindings ask for.

    Args:
        bindings: from ``bindings_folder``.
        folder: to write them to.
    Returns: ``folder``, for LD_LIBRARY_PATH.
    """
    gcc, nm, readelf = (tool(program, package) for program, package in TOOLS)
    module = bindings / "tensorrt_bindings" / "tensorrt.so"
    wanted = [name for name in re.findall(r"\[(lib\S+)\]", _said(readelf, "-d", module)) if name.startswith("libnv")]
    symbols = [line.split()[-1] for line in _said(nm, "-D", "--undefined-only", module).splitlines()]
    ours = [name for name in symbols if re.fullmatch(r"(create|get|init)\w*(_INTERNAL|Registry|Version|Plugins)", name)]
    assert len(wanted) == 3 and "createInferBuilder_INTERNAL" in ours
    source = folder / "stubs.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in ours))
    for library in wanted:
        _said(gcc, "-shared", "-fPIC", f"-Wl,-soname,{library}", "-o", folder / library, source)
    return folder


def require_passes(contract: Path, bindings: Path, least: int, **environment: str) -> None:
    """Runs a file of tests in a process of its own, in which ``tensorrt`` is what lies in a folder.

    Args:
        contract: the file.
        bindings: from ``bindings_folder``.
        least: how many tests it must hold at least; none of them may be skipped.
        environment: further variables.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(contract)]
    variables = {**os.environ, "PYTHONPATH": str(bindings), **environment}
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    closing = done.stdout.strip().splitlines()[-1]
    passed = re.match(r"(\d+) passed in", closing)
    assert passed is not None and int(passed[1]) >= least, closing


def _said(*command: object) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout
