"""``focus-run`` on a camera: segments, until somebody stops it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from focus.runtime.commands._cli import DONE, FAILED
from focus.runtime.commands._run_options import files_read
from focus.runtime.commands._summary import unplaced

if TYPE_CHECKING:
    from focus.runtime._service import Service
    from focus.runtime.commands._progress import RunProgress
    from focus.runtime.commands._run_options import RunParts
    from focus.runtime.engines import Engine
    from focus.runtime.monitor import Flag
    from focus.runtime.runs import CameraSummary, Event, Listener, Segment, SegmentsFolder
    from focus.runtime.runs._reconnect import OpenCamera
    from focus.runtime.serve import LiveSink
    from focus.runtime.sources import FrameSource


def run_camera(parts: RunParts, camera: FrameSource | None, open_camera: OpenCamera) -> int:
    """Runs it; returns the exit code.

    Args:
        parts: of the run.
        camera: open; None where it is to be waited for.
        open_camera: opens it again.
    Raises:
        FocusError: camera, model or folder do not fit.
        ValueError: choices that do not fit.
    """
    from focus.runtime._service import service
    from focus.runtime._stop import Stop
    from focus.runtime.commands._progress import RunProgress
    from focus.runtime.runs import CameraRun, SegmentsFolder

    args, live = parts.args, parts.served.live
    folder = SegmentsFolder(args.out, append=args.append, overwrite=args.overwrite, read=files_read(args, camera))
    stop = Stop()
    with service(stop) as supervisor, nullcontext() if args.quiet else RunProgress(None) as progress:

        def report(lines: int, windows: int) -> None:
            supervisor.progress(lines, windows)
            if progress is not None:
                progress.update(lines, windows)

        told = _Told(supervisor, progress)
        parts.monitor.listeners.append(told.flagged)
        listeners: list[Listener] = [told, parts.log.happened]
        if live is not None:
            listeners.append(partial(_show, live))
        summary = CameraRun(
            open_camera,
            parts.engine,
            folder,
            parts.settings,
            stop=stop,
            sinks=parts.sinks,
            outputs=parts.outputs,
            monitor=parts.monitor,
            listeners=listeners,
            progress=report,
            idle=partial(supervisor.alive, "waiting for lines"),
        ).run(camera)
    if args.quiet:  # flags were told when they came up
        for line in unplaced([segment.results.positions for segment in summary.segments]):
            _to_stderr(f"focus-run: warning: {line}")
    else:
        _print_summary(parts.engine, summary, folder)
    if summary.failed:
        print(f"focus-run: {summary.ended}", file=sys.stderr)
    return FAILED if summary.failed else DONE


def _show(live: LiveSink, event: Event) -> None:
    """Tells the page that the camera is away, or that all is over."""
    if event.kind in ("lost", "waiting"):
        live.camera_lost(event.message)
    elif event.kind == "ended":
        live.end(event.message)
    elif event.kind == "failed":
        live.fail(event.message)


class _Told:
    """Says what happens, once, on stderr and to systemd. Where it is to be quiet, only what is wrong."""

    def __init__(self, supervisor: Service, progress: RunProgress | None) -> None:
        self._supervisor, self._quiet = supervisor, progress is None
        self._say: Callable[[str], None] = _to_stderr if progress is None else progress.say
        self._last = ""

    def __call__(self, event: Event) -> None:
        wrong = event.kind in ("lost", "waiting")
        if wrong:
            self._supervisor.alive(event.message)
        # A camera that is away for the night is tried thousands of times.
        if event.message != self._last and event.kind not in ("ended", "failed") and (wrong or not self._quiet):
            self._say(f"focus-run: {event.message}")
        self._last = event.message

    def flagged(self, flag: Flag, up: bool) -> None:
        """Listens to the monitor; ``_say`` may be called from its thread."""
        self._say(f"focus-run: warning: {flag.name}: {flag.message}" if up else f"focus-run: {flag.name} is over")


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def _print_summary(engine: Engine, summary: CameraSummary, folder: SegmentsFolder) -> None:
    from focus.runtime.commands._summary import counted, print_rows, warnings_of_runs

    print_rows(
        [
            ("model", f"{engine.bundle.name}, {engine.name} {engine.precision}"),
            *([] if summary.failed else [("ended", summary.ended)]),  # a failure is said on stderr, once
            ("lines", counted(summary.counts)),
            ("windows", str(summary.windows)),
            *(_of_segment(segment, summary.ended) for segment in summary.segments[-10:]),
        ],
        warnings_of_runs([segment.results for segment in summary.segments]),
    )
    if summary.segments:
        last = folder.target / summary.segments[-1].name
        count = len(summary.segments)
        print(f"{count} segment{'s' if count > 1 else ''} in {folder.target}/; look at {last / 'overview.png'} first")


def _of_segment(segment: Segment, told: str) -> tuple[str, str]:
    """A row of the summary; why the segment ended only where that is not ``told`` of the run already."""
    part = segment.summary
    ended = "" if part.ended == told else f"; {part.ended or 'the end'}"
    return segment.name, f"{part.lines} lines, {part.windows} windows, {part.seconds:.0f} s{ended}"
