"""``focus-eval study``: all methods, over seeds and splits."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focus.runtime.commands import DONE, FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from focus.exporter.study import Entry, Scale, Store

#: Values where the option is not given; numbers of ``Scale`` and of the training.
COUNTS = {"seeds": 3, "splits": 3, "scenes": 1000, "val": 100, "test": 120, "removals": 12}

#: Networks whose maps need captum and grad-cam.
NEED_EXTRA = ("adapted-vit", "se-cnn")


def add_study(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="of the study; it goes on there")
    model = parser.add_argument_group("backbone")
    model.add_argument(
        "--backbone", default="vit_small_patch14_dinov2", metavar="NAME", help="timm name (default: %(default)s)"
    )
    model.add_argument("--weights", type=Path, required=True, metavar="FILE", help="safetensors with timm's names")
    model.add_argument("--size", default="112", help="window in samples (default: %(default)s)")
    plan = parser.add_argument_group("plan")
    plan.add_argument("--only", default="", metavar="TABLE,...", help="make these tables (default: all)")
    plan.add_argument(
        "--where",
        default="",
        metavar="WORDS",
        help="of these tables the runs on such data, e.g. 'full, classification'",
    )
    plan.add_argument("--rows", default="", metavar="ROW,...", help="of these tables these rows, e.g. 'focus,se-cnn'")
    plan.add_argument("--dry-run", action="store_true", help="list what is to be made and what it will take")
    words = {
        "seeds": "trainings of each kind of Table I on its first three splits: seeds 1..N; elsewhere the first",
        "splits": "simulations of each kind in Table I; of other tables up to three",
        "scenes": "training windows",
        "val": "validation windows",
        "test": "test windows, which are measured",
        "removals": "windows of a run on which deletion and insertion are measured",
    }
    for name, default in COUNTS.items():
        plan.add_argument(
            f"--{name}", type=int, default=default, metavar="N", help=f"{words[name]} (default: {default})"
        )
    plan.add_argument("--epochs", type=int, metavar="N", help="of every training (default: as focus-train)")
    plan.add_argument("--precision", choices=["auto", "fp32", "bf16"], default="auto", help="of the trainings")
    work = parser.add_argument_group("work")
    work.add_argument("--jobs", type=int, default=1, metavar="N", help="steps at once (default: %(default)s)")
    work.add_argument("--threads", type=int, metavar="N", help="of each job (default: the cores, shared)")


def run_study(args: argparse.Namespace) -> int:
    """Makes the study, or what is missing of it."""
    from focus.exporter.commands._torch import require_torch

    for name in (*COUNTS, "jobs", "threads", "epochs"):
        least = 0 if name == "removals" else 1
        if getattr(args, name) is not None and getattr(args, name) < least:
            raise ValueError(f"--{name} must be at least {least}, got {getattr(args, name)}")
    require_torch()
    from rich.console import Console

    from focus.exporter._progress import progress_bar
    from focus.exporter.data import parse_size
    from focus.exporter.methods import require_evaluate
    from focus.exporter.model import create_backbone
    from focus.exporter.study import execute, require_makable, steps_of, write_plan

    console = Console(highlight=False)
    store, backbone = _store(args), create_backbone(args.backbone, parse_size(args.size))
    scale = _scale(args, len(backbone.blocks))
    entries = [entry for table in _tables("") for entry in table.entries(scale)]
    chosen = _chosen(args, entries)
    require_makable(chosen, store, backbone)
    steps = steps_of(chosen)
    if any(one.network in NEED_EXTRA for entry in chosen for one in entry.run.trainings):
        require_evaluate()
    if args.dry_run:
        return _list(console, steps, store, args.jobs)
    write_plan(store, scale, entries)
    with progress_bar(console, "study", shown=console.is_terminal) as bar:
        tell = bar if console.is_terminal else _lines(steps, store, args.jobs)
        threads = args.threads or max(1, len(os.sched_getaffinity(0)) // args.jobs)
        failed = execute(steps, store, tell, jobs=args.jobs, threads=threads)
    for step, why in failed:
        print(f"{type(step).__name__.lower()} {step.name} failed: {why}", file=sys.stderr)
    console.print(f"next: focus-eval report {args.out}", markup=False, soft_wrap=True)
    return FAILED if failed else DONE


def _chosen(args: argparse.Namespace, entries: Sequence[Entry]) -> list[Entry]:
    """Those of ``--only``, ``--where`` and ``--rows``."""
    wanted = {table.name for table in _tables(args.only)}
    of_tables = [entry for entry in entries if entry.table in wanted]
    rows = {name.strip() for name in args.rows.split(",") if name.strip()}
    unknown = rows - {entry.row for entry in of_tables}
    if unknown:
        known = ", ".join(dict.fromkeys(entry.row for entry in of_tables))
        raise ValueError(f"no row {min(unknown)!r} in --rows; there are {known}")
    of_rows = [entry for entry in of_tables if not rows or entry.row in rows]
    found = [entry for entry in of_rows if args.where.casefold() in entry.group.casefold()]
    if not found:
        groups = ", ".join(f"'{group}'" for group in dict.fromkeys(entry.group for entry in of_rows))
        raise ValueError(f"no run on --where {args.where!r}; there are {groups}")
    return found


def _lines(steps: Sequence[Any], store: Store, jobs: int) -> Callable[[int, int, str], None]:
    """A line for each step and what is left by the steps so far, where there is no terminal to draw a bar on."""
    from focus.exporter.study import estimate_seconds, unmade

    last = [-1]

    def tell(done: int, total: int, words: str) -> None:
        if done != last[0]:
            estimates = estimate_seconds(steps, store)
            missing = set(unmade(steps, store))
            left = [one for step, one in zip(steps, estimates, strict=True) if step in missing]
            known = sum(one for one in left if one is not None) / 60 / jobs
            more = " or more" if None in left else ""
            print(f"{done}/{total} {words}, {known:.0f} min{more} to go", flush=True)
        last[0] = done

    return tell


def _tables(only: str) -> list[Any]:
    from focus.exporter.study import TABLES

    names = [name.strip() for name in only.split(",") if name.strip()]
    known = {table.name: table for table in TABLES}
    for name in names:
        if name not in known:
            raise ValueError(f"no table {name!r} in --only; there are {', '.join(known)}")
    return [known[name] for name in names] or list(TABLES)


def _store(args: argparse.Namespace) -> Store:
    from focus.exporter.data import parse_size
    from focus.exporter.study import Backbone, Store, require_weights

    digest = require_weights(args.weights)
    return Store(args.out, Backbone(args.backbone, parse_size(args.size), args.weights, digest))


def _scale(args: argparse.Namespace, blocks: int) -> Scale:
    from dataclasses import replace

    from focus.exporter.study import Scale
    from focus.exporter.training import TrainSettings

    settings = replace(TrainSettings(), precision=args.precision)
    if args.epochs is not None:
        settings = replace(settings, epochs=args.epochs)
    return Scale(**{name: getattr(args, name) for name in COUNTS}, settings=settings, blocks=blocks)


def _list(console: Any, steps: Sequence[Any], store: Store, jobs: int) -> int:
    from focus.exporter.study import estimate_seconds, unmade

    total, unknown = 0.0, 0
    estimates, missing = estimate_seconds(steps, store), set(unmade(steps, store))
    for step, seconds in zip(steps, estimates, strict=True):
        done = step not in missing
        words = "done" if done else "?" if seconds is None else f"{seconds:.0f} s"
        console.print(f"{type(step).__name__.lower():10}{step.name}  {words}", markup=False, soft_wrap=True)
        total += 0.0 if done or seconds is None else seconds
        unknown += not done and seconds is None
    more = f", and {unknown} of a kind that was never made here" if unknown else ""
    console.print(
        f"{len(steps)} steps; {total / 60 / jobs:.0f} min to go by those that were made{more}", soft_wrap=True
    )
    return DONE
