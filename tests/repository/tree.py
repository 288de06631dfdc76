"""What the repository tests look at: its files, its source roots and its pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "focus.runtime": ROOT / "runtime/focus/runtime",
    "focus.kernels": ROOT / "kernels/focus/kernels",
    "focus.calib": ROOT / "calib/focus/calib",
    "focus.exporter": ROOT / "exporter/focus/exporter",
}
EDGE_PACKAGES = ["focus.runtime", "focus.kernels", "focus.calib"]


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that is committed or would be by ``git add .``; in an unpacked archive every file outside caches."""
    if not (ROOT / ".git").exists():
        return tuple(sorted(path for path in ROOT.rglob("*") if path.is_file() and not _is_product(path)))
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(path for name in sorted(set(listed.split("\0"))) if name and (path := ROOT / name).is_file())


def _is_product(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return parts[0] in {"out", "dist"} or any(
        part == "__pycache__" or part.startswith(".venv") or part.endswith(("_cache", ".egg-info")) for part in parts
    )


def source_files(package: str) -> list[Path]:
    """Files of one of the four packages."""
    return [path for path in repository_files() if PACKAGES[package] in path.parents]


def module_names(package: str) -> list[str]:
    """Dotted names of all modules of one of the four packages."""
    source_root = PACKAGES[package].parents[1]
    paths = [path.relative_to(source_root).with_suffix("") for path in source_files(package) if path.suffix == ".py"]
    return [".".join(path.parts[:-1] if path.name == "__init__" else path.parts) for path in paths]


@cache
def project() -> dict[str, Any]:
    """The ``[project]`` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a fresh interpreter, away from the repository's folder."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=120, check=False)
