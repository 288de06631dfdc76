"""Runs ``contract.py`` against the bindings of each TensorRT version that ``make test`` unpacks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.tensorrt_stubs import bindings_folder, stub_libraries

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.mark.parametrize("version", ["10.3", "11.4"])
def test_the_build_keeps_to_the_classes_of(version: str, tmp_path: Path) -> None:
    bindings = bindings_folder(version)
    found = os.environ | {
        "PYTHONPATH": str(bindings),
        "LD_LIBRARY_PATH": str(stub_libraries(bindings, tmp_path)),
        "TENSORRT_UNDER_TEST": version,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "contract.py")]
    done = subprocess.run(command, cwd=ROOT, env=found, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    closing = done.stdout.strip().splitlines()[-1]
    passed = re.match(r"(\d+) passed in", closing)
    assert passed is not None and int(passed[1]) >= 20, closing
