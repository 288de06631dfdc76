"""Machines that are not here: folders that stand for ``/``, and programs that answer as those of a Jetson or a GPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from focus.runtime.doctor import Machine


class FakeMachine:
    """Builds a ``Machine`` in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.root, self.programs = folder / "root", folder / "bin"
        self.root.mkdir()
        self.programs.mkdir()
        # Only the shell that the programs need; none of this machine's own tools answers.
        self.machine = Machine(self.root, str(self.programs))

    def write(self, name: str, text: str = "") -> Path:
        path = self.machine.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def fake(tmp_path):
    return FakeMachine(tmp_path)
