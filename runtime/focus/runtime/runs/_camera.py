"""A camera for days: what it sends goes into segments, and when it is lost it is opened again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any, NamedTuple

from focus.runtime._errors import BrokenOff, CameraError, FocusError, OutputError, Stopped
from focus.runtime._stop import Stop
from focus.runtime.engines import Engine
from focus.runtime.monitor import Monitor
from focus.runtime.outputs import BesideSink, MapSink, OutputOptions, Results, RunFacts, RunWriter
from focus.runtime.outputs._utc import utc_text
from focus.runtime.pipeline import LineCounts, Progress, RunSummary, Settings, Watch, entered, plan_run, stream
from focus.runtime.runs._events import Event, Kind, Listener
from focus.runtime.runs._reconnect import OpenCamera, reconnected
from focus.runtime.runs._segments import SEGMENTS, SegmentsFolder
from focus.runtime.sources import FrameSource

#: Version of the record's layout.
RECORD_VERSION = 1

SOURCE_ENDED = "the camera ended its stream"


class Segment(NamedTuple):
    """One time that the camera was there: the name of its folder, how it went, and what it left."""

    name: str
    summary: RunSummary
    results: Results


@dataclass(frozen=True)
class CameraSummary:
    """How a camera's run went.

    Attributes:
        segments: in order; none without a line.
        ended: why the run ended, for people.
        failed: whether that is a failure, and not what somebody wanted.
    """

    segments: tuple[Segment, ...]
    ended: str
    failed: bool

    @property
    def counts(self) -> LineCounts:
        """What became of the lines of all segments; what was not sent in between is not known."""
        return reduce(LineCounts.joined, (segment.summary.counts for segment in self.segments), LineCounts())

    @property
    def windows(self) -> int:
        """Windows that the network read."""
        return sum(segment.summary.windows for segment in self.segments)


class CameraRun:
    """Streams a camera through a model into segments, until it ends, somebody stops it, or lines come too fast.

    Where the camera is lost, its segment is finished, and it is opened again for as long as it takes. The engine stays
    loaded.

    Args:
        open_camera: opens the camera anew.
        engine: not entered.
        folder: where the segments go.
        settings: see ``Settings``.
        stop: asks for the end.
        sinks: get the maps beside the files; they are started and closed once a segment.
        outputs: see ``OutputOptions``.
        monitor: see ``RunWriter``; begins anew with each segment.
        listeners: are told of every event.
        progress: see ``run_pipeline``; lines and windows of all segments.
        idle: see ``Watch``.
    """

    def __init__(
        self,
        open_camera: OpenCamera,
        engine: Engine,
        folder: SegmentsFolder,
        settings: Settings | None = None,
        *,
        stop: Stop | None = None,
        sinks: Sequence[MapSink] = (),
        outputs: OutputOptions | None = None,
        monitor: Monitor | None = None,
        listeners: Sequence[Listener] = (),
        progress: Progress | None = None,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._open_camera, self._engine, self._folder = open_camera, engine, folder
        self._settings, self._stop = settings or Settings(), stop or Stop()
        self._sinks, self._outputs, self._listeners, self._progress = sinks, outputs, listeners, progress
        self._monitor = monitor
        self._done: list[Segment] = []
        self._recorded: dict[str, dict[str, Any]] = {}
        self._segment: str | None = None
        self._lost, self._watch = False, Watch(self._lose, idle)
        self._started_ns = time.time_ns()
        self._uri = ""

    def run(self, camera: FrameSource | None = None) -> CameraSummary:
        """From a camera that is open to the end.

        Args:
            camera: not yet started; None waits until it can be opened.
        Raises:
            FocusError: model or folder do not fit; nothing was written then.
            BrokenOff: something failed that is nobody's wish or input, such as a GPU; another start may mend it.
            ValueError: settings that do not fit the model.
        """
        if camera is None:
            camera = self._waited_for(self._open_camera)
            if camera is None:
                self._say("failed" if self._stop.failed else "ended", self._stop.reason or "")
                return CameraSummary((), self._stop.reason or "", self._stop.failed)
        plan_run(camera, self._engine, self._settings)
        self._uri = camera.facts.uri
        with entered(self._engine, camera):
            self._folder.begin()
            self._record("running")
            try:
                ended, failed = self._until_the_end(camera)
            except BaseException as error:
                said = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error) or type(error).__name__
                for segment in self._recorded.values():
                    if segment["state"] == "running":
                        segment.update(state="broken off", ended=said)
                with suppress(OutputError):
                    self._record("broken off", said)
                if isinstance(error, Exception):
                    raise BrokenOff(f"the run broke off: {type(error).__name__}: {error}") from error
                raise
        # On a disk that is full the record stays as it was, and the reason is still said.
        with suppress(OutputError) if failed else nullcontext():
            self._finish(ended)
        self._say("failed" if failed else "ended", ended)
        return CameraSummary(tuple(self._done), ended, failed)

    def _finish(self, ended: str) -> None:
        """The record of a run that is over; a run in which no line arrived leaves none."""
        if not self._recorded and not self._folder.earlier:
            self._folder.forget()
            return
        last = [segment["state"] for segment in self._recorded.values()][-1:]
        state = "complete" if ended == SOURCE_ENDED else "broken off" if last == ["broken off"] else "ended"
        self._record(state, ended)

    def _until_the_end(self, camera: FrameSource | None) -> tuple[str, bool]:
        """One segment after the other; returns why the run ended, and whether that is a failure."""
        while camera is not None:
            try:
                summary = self._take(camera)
            except Stopped:  # before the first line
                break
            except CameraError as error:  # it was lost before its first line
                lost: str = str(error)
            except FocusError as error:
                return str(error), True
            else:
                if self._stop.reason is not None:
                    break
                if summary.ended is None:
                    return SOURCE_ENDED, False
                if not summary.lost:
                    return summary.ended, True
                lost = summary.ended
            self._lose(lost)
            camera = self._waited_for(self._opened)
        return self._stop.reason or "", self._stop.failed

    def _waited_for(self, open_camera: OpenCamera) -> FrameSource | None:
        return reconnected(open_camera, self._stop, partial(self._say, "waiting"))

    def _opened(self) -> FrameSource:
        """The camera again.

        Raises:
            FocusError: it is not there, or is another one, which the run's choices do not fit: it is waited for.
        """
        try:
            camera = self._open_camera()
            try:
                plan_run(camera, self._engine, self._settings)
            except BaseException:
                camera.close()
                raise
        except ValueError as error:
            raise CameraError(str(error)) from None
        return camera

    def _take(self, camera: FrameSource) -> RunSummary:
        """One segment.

        Raises:
            CameraError, Stopped: no line arrived; nothing is left of the segment.
        """
        folder = self._folder.new()
        self._recorded[folder.name] = {"folder": folder.name, "state": "running"}
        self._record("running")
        try:
            self._done.append(self._streamed(camera, folder))
        except FocusError as error:
            if isinstance(error, (CameraError, Stopped)) or not self._folder.holds_data(folder):
                self._folder.drop(folder)
                del self._recorded[folder.name]
            else:
                self._recorded[folder.name] = {"folder": folder.name, "state": "broken off", "ended": str(error)}
            raise
        self._recorded[folder.name] = _of_segment(self._done[-1])
        self._record("running")
        return self._done[-1].summary

    def _streamed(self, camera: FrameSource, folder: Path) -> Segment:
        self._segment, self._lost = folder.name, False
        self._say("opened", f"{camera.facts.name} into {folder}")
        facts = RunFacts.of_engine(self._engine)
        writer = RunWriter(
            folder,
            facts,
            with_cube=self._settings.with_cube,
            options=self._outputs,
            low=self._disk_is_full,
            monitor=self._monitor,
        )
        sinks: list[MapSink] = [*self._sinks, BesideSink(writer)]
        try:
            plan = plan_run(camera, self._engine, self._settings)
            summary = stream(plan, camera, self._engine, sinks, self._progress_of_all(), self._stop, self._watch)
            return Segment(folder.name, summary, writer.results)
        finally:
            for sink in sinks:
                sink.close()
            camera.close()

    def _lose(self, reason: str) -> None:
        """Says that the camera is lost, once a loss, and before the segment is finished: its pictures take a while."""
        if not self._lost:
            self._lost = True
            self._say("lost", f"{reason}; trying again until it is back")

    def _disk_is_full(self, reason: str) -> None:
        self._stop.request(f"{reason}; all lines up to here are there", failed=True)

    def _progress_of_all(self) -> Progress | None:
        progress = self._progress
        if progress is None:
            return None
        lines = sum(segment.summary.lines for segment in self._done)
        windows = sum(segment.summary.windows + segment.summary.skipped for segment in self._done)
        return lambda more_lines, more_windows: progress(lines + more_lines, windows + more_windows)

    def _say(self, kind: Kind, message: str) -> None:
        event = Event(kind, message, self._segment)
        for listener in self._listeners:
            listener(event)

    def _record(self, state: str, ended: str | None = None) -> None:
        over = None if state == "running" else time.time_ns()
        self._folder.write(
            {
                "record_version": RECORD_VERSION,
                "state": state,
                "ended": ended,
                "utc_start": utc_text(self._started_ns),
                "utc_end": utc_text(over),
                "model": {"name": self._engine.bundle.name, "sha256": self._engine.file.sha256},
                "source": {"uri": self._uri},
                SEGMENTS: [*self._folder.earlier, *self._recorded.values()],
            }
        )


def _of_segment(segment: Segment) -> dict[str, Any]:
    summary = segment.summary
    counts = summary.counts
    return {
        "folder": segment.name,
        "state": "complete" if summary.ended is None else "ended",
        "ended": summary.ended,
        "lines": counts.lines,
        **asdict(counts),
        "windows": summary.windows,
        "flags": {name: flag["windows"] for name, flag in segment.results.monitor.get("flags", {}).items()},
        "seconds": summary.seconds,
    }
