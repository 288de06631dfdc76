"""Runs ``engine_contract.py`` against the bindings of each TensorRT version that ``make test`` unpacks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.tensorrt_stubs import bindings_folder, stub_libraries

HERE = Path(__file__).parent


@pytest.mark.parametrize("version", ["10.3", "11.4"])
def test_the_engine_keeps_to_the_classes_of(version: str, tmp_path: Path) -> None:
    bindings = bindings_folder(version)
    found = os.environ | {
        "PYTHONPATH": str(bindings),
        "LD_LIBRARY_PATH": str(stub_libraries(bindings, tmp_path)),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(HERE / "engine_contract.py")]
    done = subprocess.run(
        command, cwd=HERE.parents[2], env=found, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.match(r"(\d+) passed in", done.stdout.strip().splitlines()[-1])
    assert passed is not None and int(passed[1]) >= 9
