import pytest
from repository.tree import EDGE_PACKAGES, module_names, run_python

# Top-level modules of everything that only an extra installs.
EXTRAS = ["torch", "torchvision", "timm", "onnx", "onnxscript", "safetensors", "tensorboard", "lightning_fabric"]
EXTRAS += ["openvino", "nncf", "tensorrt", "cuda", "linuxpy", "harvesters", "starlette", "uvicorn", "prometheus_client"]
EXTRAS += ["pynmeagps", "serial", "ray", "zarr"]

IMPORT_ALL = """
import importlib, sys
absent = set(sys.argv[1].split())
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent or name.startswith("focus.exporter"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
for name in sys.argv[2:]:
    importlib.import_module(name)
"""

LOADED = """
import importlib, sys
importlib.import_module(sys.argv[1])
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("package", EDGE_PACKAGES)
def test_every_edge_module_imports_without_the_extras(package):
    names = module_names(package)
    assert package in names
    done = run_python(IMPORT_ALL, " ".join(EXTRAS), *names)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [
        ("focus.runtime", {"torch", "timm", "matplotlib", "onnx"}),
        ("focus.kernels", {"torch", "timm", "matplotlib", "onnx", "onnxruntime", "spectral", "h5py"}),
        ("focus.calib", {"torch", "timm", "matplotlib", "onnx"}),
    ],
)
def test_importing_an_edge_package_loads_only_what_it_always_needs(package, unwanted):
    done = run_python(LOADED, package)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "focus" in loaded
    assert not loaded & unwanted, f"import {package} loads {sorted(loaded & unwanted)}; import them where they are used"
