import importlib

import pytest
from repository.tree import project, run_python

COMMANDS = project()["scripts"]

# What the README and the documents tell users to type.
DOCUMENTED = {
    "focus-run": ["--engine", "--camera", "--out", "--cube", "--resample", "--overwrite", "inspect"],
    "focus-doctor": ["--json"],
    "focus-train": ["--out", "--epochs", "--lr", "--seed", "--overwrite"],
    "focus-export": ["--ckpt", "--onnx", "--precision", "--standalone", "--opset"],
    "focus-eval": ["run", "report", "--engine", "--ckpt", "--data", "--out"],
    "focus-bench": ["--json", "--rows", "--models", "--quick", "--threads", "--weights"],
    "focus-calib": ["reference", "show", "quantize"],
    "focus-map": ["ARCHIVE", "--engine", "--out", "--workers", "--address", "--dry-run", "--retry-failed", "--cube"],
    "focus-build": ["--onnx", "--engine", "--precision", "--batch", "--workspace", "--data", "--keep-anyway"],
}

HELP = """
import importlib, sys
module, _, function = sys.argv[1].partition(":")
try:
    code = getattr(importlib.import_module(module), function)(sys.argv[2:])
except SystemExit as leaving:
    code = leaving.code
heavy = {"torch", "timm", "onnx", "onnxruntime", "matplotlib", "ray", "zarr"} & set(sys.modules)
if heavy:
    print(f"loaded for --help: {sorted(heavy)}; import them inside the command", file=sys.stderr)
sys.exit(code or len(heavy))
"""


def test_every_command_is_documented():
    assert set(COMMANDS) == set(DOCUMENTED)


@pytest.mark.parametrize("command", COMMANDS)
def test_entry_point_is_a_function(command):
    module, _, function = COMMANDS[command].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_options_and_loads_nothing_heavy(command):
    done = run_python(HELP, COMMANDS[command], "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.lower().startswith("usage:")
    missing = [option for option in DOCUMENTED[command] if option not in done.stdout]
    assert not missing, f"{command} --help does not name {missing}:\n{done.stdout}"


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_option_is_wrong_usage(command):
    done = run_python(HELP, COMMANDS[command], "--no-such-option")
    assert done.returncode == 2, done.stderr
    assert command in done.stderr
    assert not done.stdout
    assert "Traceback" not in done.stderr
