"""``focus-map``: runs a model over an archive of cubes, on all cores of a machine or on many machines."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from focus.runtime.commands._cli import DONE, FAILED, CommandParser, command_parser, run_command
from focus.runtime.commands._run_options import add_map_arguments, add_speed_arguments, settings_of
from focus.runtime.commands._source_options import add_source_arguments, source_options

if TYPE_CHECKING:
    from focus.runtime.archive import ArchiveCube, Entry, Manifest, Order, Pending
    from focus.runtime.engines import Engine
    from focus.runtime.pipeline import Settings

NAME = "focus-map"

EXAMPLES = """\
examples:
  focus-map /data/leaves --engine focus.onnx --out maps.zarr
      every cube in the folder and the folders in it, on all cores of this machine
  focus-map '/data/2026-*/**/*.hdr' --engine focus.onnx --out maps.zarr --cube --resample
      those that a pattern names, with T, resampled to the model's bands
  focus-map cubes.csv --engine focus.onnx --out maps.zarr --dry-run
      what there is to do; the CSV file has a column path
  focus-map /data/leaves --engine focus.onnx --out maps.zarr --address auto --workers 64
      on a Ray cluster (ray start), all of whose machines see the same files
  focus-map /data/leaves --engine focus.onnx --out maps.zarr --retry-failed
      goes on where a run was stopped, and tries what failed once more

maps.zarr has a Zarr group a cube, whole or not there; maps.jsonl a line for each cube that is done or failed.
exit codes: 0 all done, 1 some failed or a failure while running, 2 wrong usage or input
"""

#: Threads of an engine, where nobody says it: more of them read faster together than one of many threads.
THREADS = 4

#: Failures that are printed; the manifest holds all.
SHOWN_FAILURES = 10

#: Cubes that are named with a flag.
SHOWN_CUBES = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; see ``focus-map --help``."""
    return run_command(NAME, lambda: _run(build_parser().parse_args(sys.argv[1:] if argv is None else list(argv))))


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser(NAME, "Runs a trained model over an archive of cubes, in many processes.", EXAMPLES)
    add = parser.add_argument
    add("archive", metavar="ARCHIVE", help="a folder, a pattern in quotes, a CSV file with a column path, or one cube")
    add("--engine", type=Path, metavar="FILE", help="model of focus-export, or plan (default: the shipped one)")
    add("--out", type=Path, required=True, metavar="STORE.zarr", help="results; the same command goes on there")
    add("--dry-run", action="store_true", help="say what there is to do, and do nothing")
    add("--retry-failed", action="store_true", help="try again what failed before")
    group = parser.add_argument_group("processes")
    group.add_argument(
        "--workers", type=int, metavar="N", help="engines at once (default: as many as there are cores for)"
    )
    group.add_argument("--address", metavar="HOST:PORT", help="a Ray cluster, or auto (default: this machine alone)")
    group.add_argument(
        "--tries", type=int, default=3, metavar="N", help="how often a cube is begun whose worker dies (default: 3)"
    )
    add_map_arguments(parser.add_argument_group("maps"))
    add_source_arguments(parser.add_argument_group("what the cubes do not say"))
    add_speed_arguments(parser.add_argument_group("speed of each worker"))
    return parser


def _run(args: argparse.Namespace) -> int:
    for name in ("ray", "zarr"):
        _require(name)
    from focus.runtime.archive import Manifest, cubes_of, pending

    for name in ("workers", "tries"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise ValueError(f"--{name} must be at least 1, got {getattr(args, name)}")
    cubes = cubes_of(args.archive)
    order = _order(args)
    with Manifest(order.manifest, order.made_with, write=not args.dry_run) as manifest:
        left = pending(cubes, order, manifest, args.retry_failed)
        print(f"{len(cubes)} cubes: {len(left.cubes)} to read, {left.done} done, {len(left.failed)} failed before")
        if args.dry_run:
            return DONE
        over = _map(args, left.cubes, order, manifest) if left.cubes else []
    names = {cube.name for cube in cubes}
    _print_flags([entry for entry in manifest.entries.values() if entry.cube in names and entry.state == "done"])
    return _summarise(left, over, args.out)


def _require(name: str) -> None:
    """Before anything is read: a missing extra, or a Python that it has no packages for."""
    if find_spec(name) is None:
        if sys.version_info < (3, 11):
            raise ValueError("focus-map needs Python 3.11 or newer, as Zarr 3 does")
        raise ModuleNotFoundError(name=name)


def _order(args: argparse.Namespace) -> Order:
    from focus.runtime._processor import usable_cores
    from focus.runtime.archive import Order
    from focus.runtime.cubes._tables import table_from_option
    from focus.runtime.engines import engine_from_path

    table_from_option(args.wavelengths, None)  # what is wrong with it is said before the first cube
    if _is_file(args.wavelengths):
        args.wavelengths = str(Path(args.wavelengths).absolute())
    args.policy = args.buffer = None
    args.threads = args.threads or min(THREADS, usable_cores())
    settings = settings_of(args)
    engine = engine_from_path(args.engine, args.threads, backend=args.backend, batch=args.batch)
    _require_fitting(settings, engine)
    out = args.out.absolute()
    if out.suffix != ".zarr":
        raise ValueError(f"--out must end in .zarr, got {args.out}")
    return Order(
        engine.file.path.absolute(), engine.file.sha256, engine.name, settings, source_options(args, engine.bundle),
        out, _made_with(args, engine, asdict(settings)), args.tries,
    )  # fmt: skip


def _is_file(wavelengths: str | None) -> bool:
    return wavelengths is not None and Path(wavelengths).is_file()


def _require_fitting(settings: Settings, engine: Engine) -> None:
    """What no cube could be read with is said before the first one."""
    from focus.runtime.pipeline import WindowCutter
    from focus.runtime.pipeline._read import shown_index

    bundle = engine.bundle
    shown_index(bundle, settings.shown)
    WindowCutter(bundle, bundle.backbone.columns, settings.overlap, settings.stride)


def _made_with(args: argparse.Namespace, engine: Engine, settings: dict[str, Any]) -> dict[str, Any]:
    """All that the maps depend on, beside the cubes; what has changed is named in the refusal."""
    from focus.runtime._files import file_sha256

    names = (
        "exposure_ms",
        "any_camera",
        "quantity",
        "scale",
        "bits",
        "shift",
        "resample",
        "variable",
        "axes",
    )
    maps = {name: settings[name] for name in ("shown", "overlap", "stride", "with_cube")}
    return {
        "engine": engine.file.sha256,
        "backend": engine.name,
        "maps": maps,
        "options": {name: getattr(args, name) for name in names},
        "wavelengths": file_sha256(Path(args.wavelengths)) if _is_file(args.wavelengths) else args.wavelengths,
        "calibration": file_sha256(args.calibration) if args.calibration else None,
    }


def _map(args: argparse.Namespace, cubes: Sequence[ArchiveCube], order: Order, manifest: Manifest) -> list[Entry]:
    from focus.runtime.archive import GPU_BACKENDS, cluster, entries, map_archive
    from focus.runtime.commands._steps import Steps

    signal.signal(signal.SIGTERM, _interrupt)
    with cluster(args.address) as resources, Steps() as steps:
        cores, threads = int(resources.get("CPU", 0)), order.settings.threads or 1
        workers = args.workers or max(1, cores // threads)
        if order.backend in GPU_BACKENDS:
            gpus = int(resources.get("GPU", 0))
            if gpus < 1:
                raise ValueError(
                    f"{order.backend} needs a GPU, and Ray knows of none here; start it with ray start --head "
                    "--num-gpus 1 and give --address auto, or choose --backend onnxruntime"
                )
            workers = args.workers or min(workers, gpus)
        if workers * threads > cores:
            raise ValueError(
                f"{workers} workers of {threads} threads need {workers * threads} cores, there are {cores}; give fewer "
                "--workers, or fewer --threads of each"
            )
        steps.update("reading cubes", 0, len(cubes))

        def tell(done: int, total: int) -> None:
            steps.update("reading cubes", done, total)

        return map_archive(cubes, order, manifest, lambda left: entries(left, order, workers), tell)


def _interrupt(number: int, frame: Any) -> NoReturn:
    """SIGTERM ends the workers, too, as Ctrl-C does."""
    raise KeyboardInterrupt


def _print_flags(done: Sequence[Entry]) -> None:
    """What would make maps lie, over all that are there."""
    from focus.runtime.monitor import FLAGS

    for name in FLAGS:
        raised = [entry.cube for entry in done if name in entry.flags]
        if raised:
            shown = ", ".join(raised[:SHOWN_CUBES]) + (", ..." if len(raised) > SHOWN_CUBES else "")
            print(
                f"warning: {name} in {len(raised)} of {len(done)} cubes ({shown}); the attribute monitor of each says "
                "more, docs/monitor.md what it means",
                file=sys.stderr,
            )


def _summarise(left: Pending, over: Sequence[Entry], out: Path) -> int:
    manifest = out.with_suffix(".jsonl")
    failed = [*left.failed, *(entry for entry in over if entry.state == "failed")]
    for entry in failed[:SHOWN_FAILURES]:
        print(f"failed: {entry.cube}: {entry.error}", file=sys.stderr)
    if len(failed) > SHOWN_FAILURES:
        print(f"... and {len(failed) - SHOWN_FAILURES} more, see {manifest}", file=sys.stderr)
    done = left.done + sum(entry.state == "done" for entry in over)
    windows = sum(entry.windows for entry in over)
    again = sum(entry.tries > 1 for entry in over)
    if again:
        print(f"begun more than once, as a worker died or its machine failed: {again}")
    retry = "; --retry-failed tries them again" if failed else ""
    print(f"{done} done, {len(failed)} failed{retry}; {windows} windows read now; {out}, {manifest}")
    return FAILED if failed else DONE


if __name__ == "__main__":
    sys.exit(main())
