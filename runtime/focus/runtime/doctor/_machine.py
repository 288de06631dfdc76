"""The machine that is looked at: its files, and the programs that can be asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: Seconds that a program has for its answer.
TOOL_LIMIT_S = 4.0

#: Folders that a user's PATH often lacks; nvpmodel lies there.
SYSTEM_FOLDERS = ("/usr/sbin", "/sbin")


@dataclass(frozen=True)
class Machine:
    """Where files are read and programs are found; nothing here raises for what is absent.

    Attributes:
        root: folder that stands for ``/``.
        search_path: folders of programs, as in PATH; None takes PATH and the system's folders.
    """

    root: Path = Path("/")
    search_path: str | None = None

    def path(self, name: str) -> Path:
        """Where the file with the absolute path ``name`` lies."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> str | None:
        """What a small file says, without trailing zeros and blanks; None where it cannot be read."""
        try:
            return self.path(name).read_text(encoding="utf-8", errors="replace").strip("\0 \n")
        except OSError:
            return None

    def answer(self, *command: str, limit_s: float = TOOL_LIMIT_S) -> str | None:
        """What a program prints; None where it is absent, fails or takes too long."""
        program = shutil.which(command[0], path=self._folders())
        if program is None:
            return None
        try:
            done = subprocess.run(
                [program, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=limit_s,
                check=True,
                env={**os.environ, "LC_ALL": "C"},
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.decode(errors="replace").strip()

    def _folders(self) -> str:
        if self.search_path is not None:
            return self.search_path
        return os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
