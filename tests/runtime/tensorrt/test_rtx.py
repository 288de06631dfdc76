"""Exported graphs go through NVIDIA's own parser and builder, which need no GPU (benchmarks/tensorrt_rtx.py)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.tensorrt_stubs import bindings_folder, require_passes

ROOT = Path(__file__).parents[3]
GRAPHS = ("fp32", "fp16", "fp16-node", "int8")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """The script's rows by model and graph; in a process of its own, because the parser may end the one it is in."""
    bindings_folder("rtx")
    found = tmp_path_factory.mktemp("rtx") / "rows.json"
    command = [sys.executable, "benchmarks/tensorrt_rtx.py", "--json", str(found), "--graphs", *GRAPHS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return {(row["model"], row["graph"]): row for row in json.loads(found.read_text())["rows"]}


@pytest.mark.slow
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize(("model", "blocks"), [("leaf-vnir", 6), ("vit-b16", 12)])
def test_a_graph_is_parsed_and_built(
    rows: dict[tuple[str, str], dict[str, Any]], model: str, blocks: int, graph: str
) -> None:
    row = rows[model, graph]
    kind = "HALF" if graph.startswith("fp16") else "FLOAT"
    assert row["inputs"] == {"band_means": kind, "composite": kind}
    assert row["outputs"] == {"logits": kind, "attention": kind, "sink_mass": kind}
    # Every attention of the patch lane becomes one; that of the prompts, whose probabilities are an output, does not.
    assert row["fused"] == row["attentions"] == blocks - 1
    kinds = row["kinds"]
    assert (kinds.get("ATTENTION_OUTPUT", 0) > 0) is (graph == "fp16-node")
    assert (kinds.get("QUANTIZE", 0) > blocks) is (graph == "int8")
    assert row["plan_layers"] >= 1 and row["layers"] == sum(kinds.values())


@pytest.mark.slow
def test_int8_and_fp16_plans_are_smaller(rows: dict[tuple[str, str], dict[str, Any]]) -> None:
    size = {graph: rows["vit-b16", graph]["plan_mb"] for graph in GRAPHS}
    assert size["int8"] < 0.7 * size["fp16"] < 0.4 * size["fp32"]


def test_the_build_with_a_real_parser_and_builder() -> None:
    require_passes(Path(__file__).with_name("rtx_contract.py"), bindings_folder("rtx"), least=6)
