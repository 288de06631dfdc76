"""Runs the contracts against the bindings of each TensorRT version that ``make test`` unpacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.tensorrt_stubs import bindings_folder, require_passes, stub_libraries

HERE = Path(__file__).parent


@pytest.mark.parametrize("version", ["10.3", "11.4"])
@pytest.mark.parametrize(("contract", "least"), [("contract.py", 20), ("engine_contract.py", 9)])
def test_build_and_engine_keep_to_the_classes_of(version: str, contract: str, least: int, tmp_path: Path) -> None:
    bindings = bindings_folder(version)
    libraries = stub_libraries(bindings, tmp_path)
    environment = {"LD_LIBRARY_PATH": str(libraries), "TENSORRT_UNDER_TEST": version}
    require_passes(HERE / contract, bindings, least, **environment)
