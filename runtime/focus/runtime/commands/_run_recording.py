"""``focus-run`` on a recording: one folder, whole or not there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.commands._cli import DONE
from focus.runtime.commands._run_options import files_read

if TYPE_CHECKING:
    from focus.runtime.commands._run_options import RunParts
    from focus.runtime.engines import Engine
    from focus.runtime.outputs import Results, RunFolder
    from focus.runtime.pipeline import Progress, RunSummary
    from focus.runtime.sources import FrameSource


def run_recording(parts: RunParts, source: FrameSource) -> int:
    """Runs it; returns the exit code.

    Raises:
        FocusError: source, model or folder do not fit.
        ValueError: choices that do not fit.
    """
    from focus.runtime._service import service
    from focus.runtime.outputs import RunFolder

    args, engine = parts.args, parts.engine
    if args.append:
        raise ValueError("--append goes with cameras; a recording's folder is made anew, replace it with --overwrite")
    folder = RunFolder(args.out, overwrite=args.overwrite, read=files_read(args, source))
    with service() as supervisor:
        if args.quiet:
            summary, results = _into(folder, source, parts, supervisor.progress)
            _log_end(parts, summary)
            _print_warnings(results)
            return DONE
        from focus.runtime.commands._progress import RunProgress

        with RunProgress(source.facts.lines) as progress:

            def report(lines: int, windows: int) -> None:
                supervisor.progress(lines, windows)
                progress.update(lines, windows)

            summary, results = _into(folder, source, parts, report)
    _log_end(parts, summary)
    _print_summary(engine, summary, results, folder.target)
    return DONE


def _log_end(parts: RunParts, summary: RunSummary) -> None:
    from focus.runtime.runs import Event

    parts.log.happened(Event("ended", f"{summary.lines} lines, {summary.windows} windows into {parts.args.out}"))


def _into(folder: RunFolder, source: FrameSource, parts: RunParts, progress: Progress) -> tuple[RunSummary, Results]:
    from focus.runtime.runs import run_to_folder

    return run_to_folder(
        source, parts.engine, folder, parts.settings, progress, parts.sinks, parts.outputs, parts.monitor
    )


def _print_warnings(results: Results) -> None:
    """Where nothing else is printed."""
    from focus.runtime.commands._summary import warnings_of_runs

    for line in warnings_of_runs([results]):
        print(f"focus-run: warning: {line}", file=sys.stderr)


def _print_summary(engine: Engine, summary: RunSummary, results: Results, out: Path) -> None:
    from focus.runtime.commands._summary import counted, print_rows, warnings_of_runs

    rows = [
        ("model", f"{engine.bundle.name}, {engine.name} {engine.precision}"),
        ("scene", f"{summary.lines} lines x {summary.samples} samples, {summary.valid_share:.1%} valid"),
        ("lines", counted(summary.counts)),
    ]
    if summary.ended is not None:
        rows.insert(1, ("ended", summary.ended))
    skipped = f", {summary.skipped} empty ones skipped" if summary.skipped else ""
    rows.append(
        ("windows", f"{summary.windows}{skipped}, {summary.windows_per_second:.1f} cubes/s, {summary.seconds:.1f} s")
    )
    for name, score in summary.mean_scores.items():
        of_class = summary.class_counts.get(name)
        rows.append((name, f"mean {score:.4g}" if of_class is None else f"{of_class} windows, mean score {score:.2f}"))
    if results.lesion_iou:
        rows.append(("lesion IoU", ", ".join(f"{name} {value:.2f}" for name, value in results.lesion_iou.items())))
    print_rows(rows, warnings_of_runs([results]))
    print(f"wrote {len(results.files)} files to {out}/; look at {out / 'overview.png'} first")
