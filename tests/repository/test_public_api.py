import difflib
import importlib

import pytest
from repository import public_api


def test_public_names_are_the_pinned_ones():
    pinned = public_api.PINNED.read_text(encoding="utf-8")
    current = public_api.render()
    change = "\n".join(
        difflib.unified_diff(pinned.splitlines(), current.splitlines(), "pinned", "current", lineterm="")
    )
    assert not change, f"the public API changed; if that is meant, run python tests/repository/public_api.py\n{change}"


@pytest.mark.parametrize("package", public_api.PACKAGES)
def test_public_names_exist_once_and_are_public(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", [])
    assert names, f"{package} exports nothing"
    assert len(names) == len(set(names)), f"{package}.__all__ names something twice"
    assert not [name for name in names if name.startswith("_") or not hasattr(module, name)]
