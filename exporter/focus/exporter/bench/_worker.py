"""The parent's side of a row's process."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from focus.exporter.bench._process import row_environment


class TooLong(Exception):
    """A row did not answer in time; its process has been ended."""


class Worker:
    """A row's process, alive between its rounds so that rows can take turns. It starts to load at once.

    Args:
        job: what ``focus.exporter.bench.row`` is told first.
        log: file for what the process prints.
    """

    def __init__(self, job: Mapping[str, Any], log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "focus.exporter.bench.row"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                stderr=file,
                env=row_environment(job["threads"], Path(job["folder"])),
            )
        self._fault = self._send(job)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def ready(self, limit_s: float) -> dict[str, Any]:
        """Waits until the row has loaded and checked itself; the answer's ``state`` says how that went.

        Raises:
            TooLong: not ready in time.
        """
        return self._fault or self._answer(limit_s)

    def time(self, runs: int, *, warm: bool, limit_s: float) -> dict[str, Any]:
        """Times some runs: ``times_ms`` and ``stages_ms``; a ``state`` only where it went wrong.

        Raises:
            TooLong: not done in time.
        """
        return self._ask({"do": "time", "runs": runs, "warm": warm}, limit_s)

    def end(self) -> dict[str, Any]:
        """Ends the process in peace: ``peak_mb``."""
        found = self._ask({"do": "end"}, 60.0)
        self.kill()
        return found

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _ask(self, words: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
        return self._send(words) or self._answer(limit_s)

    def _send(self, words: Mapping[str, Any]) -> dict[str, Any] | None:
        """Writes a line to the process; an answer only if that cannot be done."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return {"state": "failed", "note": "its process has ended"}
        try:
            pipe.write(json.dumps(words).encode() + b"\n")
        except BrokenPipeError:
            return self._died()
        return None

    def _answer(self, limit_s: float) -> dict[str, Any]:
        answers = self._process.stdout
        if answers is None or answers.closed:
            return {"state": "failed", "note": "its process has ended"}
        if not select.select([answers], [], [], limit_s)[0]:
            self.kill()
            raise TooLong(f"did not answer within {limit_s:.0f} s")
        line = answers.readline()
        if not line:
            return self._died()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _died(self) -> dict[str, Any]:
        """What is left to say of a process that has gone. SIGKILL from outside is what a full machine does."""
        code = self._process.wait()
        if code == -9:
            return {"state": "out of memory", "note": "the system ended its process"}
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return {"state": "failed", "note": f"ended with {code}: {lines[-1][:300] if lines else 'no message'}"}
