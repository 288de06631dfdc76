"""A process that holds one engine and reads one cube after the other."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import socket
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from focus.runtime._errors import FocusError
from focus.runtime.archive._cubes import ArchiveCube
from focus.runtime.archive._manifest import Entry
from focus.runtime.archive._order import Order
from focus.runtime.archive._zarr import ENTRY, MADE_WITH, ZarrSink, finished, put_in_place
from focus.runtime.engines import engine_from_path
from focus.runtime.monitor import Monitor
from focus.runtime.outputs import RunFacts
from focus.runtime.outputs._run_record import what_was_run
from focus.runtime.outputs._utc import utc_text
from focus.runtime.pipeline import plan_run, stream
from focus.runtime.sources import source_from_uri

#: Seconds before a cube is tried again in the same worker.
PAUSE_S = 1.0


class MapWorker:
    """What Ray Data starts once a worker, and calls for every cube.

    Args:
        order: what to do.
    Raises:
        FocusError: this machine has another model file than the one that was ordered.
    """

    def __init__(self, order: Order) -> None:
        self._order, self._host = order, socket.gethostname()
        settings = order.settings
        self._engine = engine_from_path(order.engine, settings.threads, backend=order.backend, batch=settings.batch)
        if self._engine.file.sha256 != order.engine_sha256:
            raise FocusError(f"{order.engine} on {self._host} is another file than where focus-map was started")
        self._engine.__enter__()  # as long as the process lives

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A column of cubes as JSON -> a column of entries as JSON."""
        cubes = [cube_from_json(text) for text in batch["cube"]]
        return {"entry": [self.entry_of(cube).to_json() for cube in cubes]}

    def entry_of(self, cube: ArchiveCube) -> Entry:
        """Reads a cube, and writes its maps; what goes wrong is in the entry."""
        order = self._order
        done = finished(order, cube.name, cube.files)  # by a worker that died before it could say so
        if done is not None:
            return done
        while (begun := self._begin(cube)) <= order.tries:
            try:
                return self._map(cube, begun)
            except (FocusError, ValueError) as error:  # the same the next time
                return self._failed(cube, begun, str(error))
            except Exception as error:
                if begun == order.tries:
                    return self._failed(cube, begun, f"{type(error).__name__}: {error}")
            time.sleep(PAUSE_S)
        return self._failed(
            cube, order.tries, f"its worker died {order.tries} times; is there memory enough for it on {self._host}?"
        )

    def _begin(self, cube: ArchiveCube) -> int:
        """Notes on the disk, which outlives this process, that the cube is begun; returns how often it was."""
        notes = self._order.parts / f"{_digest(cube.name)}.tries"
        with notes.open("a+") as file:
            file.write(f"{self._host} {os.getpid()} {utc_text(time.time_ns())}\n")
            file.seek(0)
            return len(file.readlines())

    def _map(self, cube: ArchiveCube, begun: int) -> Entry:
        order, engine, sink, monitor = self._order, self._engine, ZarrSink(), Monitor()
        facts = RunFacts.of_engine(engine)
        source = source_from_uri(f"replay:{cube.path}", order.source.for_one_of_many(cube.path))
        try:
            plan = plan_run(source, engine, order.settings)
            summary = stream(plan, source, engine, [monitor, sink])
        finally:
            monitor.close()
            source.close()
        if summary.ended is not None:
            raise FocusError(summary.ended)
        run = what_was_run(plan, facts, hashed=True)
        entry = Entry(
            cube.name, "done", cube.files, run["source"]["sha256"], None, begun, summary.windows, summary.seconds,
            tuple(monitor.raised()), self._host, utc_text(time.time_ns()),
        )  # fmt: skip
        part = order.parts / f"{_digest(cube.name)}.{secrets.token_hex(4)}"
        try:
            made_with = {ENTRY: asdict(entry), MADE_WITH: dict(order.made_with)}
            sink.write(part, {**run, "monitor": monitor.to_json(), **made_with})
            put_in_place(part, order.out / cube.name)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return entry

    def _failed(self, cube: ArchiveCube, begun: int, error: str) -> Entry:
        line = " ".join(error.split())
        now = utc_text(time.time_ns())
        return Entry(cube.name, "failed", cube.files, error=line, tries=begun, host=self._host, utc=now)


def cube_to_json(cube: ArchiveCube) -> str:
    """For the way to a worker."""
    return json.dumps({**asdict(cube), "path": str(cube.path)})


def cube_from_json(text: str) -> ArchiveCube:
    """The reverse."""
    facts = json.loads(text)
    files = tuple((name, size, changed) for name, size, changed in facts["files"])
    return ArchiveCube(facts["name"], Path(facts["path"]), files)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
