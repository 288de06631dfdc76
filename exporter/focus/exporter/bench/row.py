"""The process of one row: ``python -m focus.exporter.bench.row``; a job on stdin, answers on stdout, JSON by line.

The first line is the job: ``folder``, ``peer``, ``options``, ``threads``, ``edge``, ``memory_limit_gb``. The answer
says whether the row is ready. Then ``{"do": "time", "runs": N, "warm": true}`` times runs, and ``{"do": "end"}`` asks
for the peak memory of this process, everything since its start included, and ends it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from focus.exporter.bench._answers import Check
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench._process import limit_data_gb, peak_mb
from focus.exporter.bench.peers import Peer, Unavailable

READY, WRONG, MISSING, NO_MEMORY, FAILED = "ok", "wrong", "not available", "out of memory", "failed"


def main() -> int:
    """Serves one job; always ends with an answer that says how it went."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not come between the answers

    def say(words: Mapping[str, Any]) -> None:
        answers.write(json.dumps(words) + "\n")

    try:
        _serve(json.loads(sys.stdin.readline()), say)
    except Unavailable as reason:
        say({"state": MISSING, "note": str(reason)})
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error).lower():
            say({"state": FAILED, "note": f"{type(error).__name__}: {error}"[:400]})
            raise
        say({"state": NO_MEMORY, "note": "its process may allocate no more", "peak_mb": peak_mb()})
    except Exception as error:
        say({"state": FAILED, "note": f"{type(error).__name__}: {error}"[:400]})
        raise
    return 0


def _serve(job: Mapping[str, Any], say: Callable[[Mapping[str, Any]], None]) -> None:
    peer = _peer(job)
    check = peer.check()
    facts = {
        "check": {"differences": check.differences, "limit": check.limit, "reference": check.reference},
        **peer.facts(),
    }
    fault = _fault(check, bool(job.get("edge")))
    if fault:
        say({"state": WRONG, "note": fault, **facts})
        return
    say({"state": READY, **facts})
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "end":
            say({"peak_mb": peak_mb()})
            return
        say(_time(peer, int(command["runs"]), bool(command["warm"])))


def _peer(job: Mapping[str, Any]) -> Peer:
    """Loads the row's peer; a library that is not installed makes it unavailable."""
    module, _, name = job["peer"].partition(":")
    try:
        kind: type[Peer] = getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        raise Unavailable(f"{error.name} is not installed") from None
    if job.get("memory_limit_gb"):
        limit_data_gb(job["memory_limit_gb"])
    return kind(Prepared(Path(job["folder"])), job["threads"], **job["options"])


def _fault(check: Check, edge: bool) -> str | None:
    if edge and "torch" in sys.modules:
        return "its process imports torch, which an edge device does not have"
    return None if check.passed else str(check)


def _time(peer: Peer, runs: int, warm: bool) -> dict[str, Any]:
    """Times in ms of so many runs, each over the next cube; a warm start takes one more that is not counted."""
    peer.stages.clear()
    times = []
    for number in range(runs + warm):
        peer.load(number)
        start = time.perf_counter()
        peer.run()
        times.append(1e3 * (time.perf_counter() - start))
    return {
        "times_ms": times[int(warm) :],
        "stages_ms": {name: values[int(warm) :] for name, values in peer.stages.items()},
    }


if __name__ == "__main__":
    sys.exit(main())
