"""``focus-eval``: holds a model's maps against the truth, beside controls."""

from __future__ import annotations

import argparse
import importlib.resources
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from focus.exporter.commands._study import add_study, run_study
from focus.exporter.commands._torchrun import is_helper, parsed, run_shared, share_of_work
from focus.runtime.commands import DONE, CommandParser, command_parser, seed_number

if TYPE_CHECKING:
    from focus.exporter.data import Simulation
    from focus.exporter.evaluate import Cache, Explainer
    from focus.runtime import Bundle

NAME = "focus-eval"

#: Seconds between two looks at what other processes have done.
POLL_S = 0.5

EXAMPLES = """\
examples:
  focus-eval run --out out/eval
      the shipped model on 120 of its simulated test windows; some minutes on two cores
  focus-eval run --ckpt model.pt --data sim:full,test=200 --out out/eval
      another checkpoint; the same command again goes on where a run was stopped
  focus-eval run --engine focus-int8.onnx --out out/eval-int8
      an exported file, as the runtime reads it; controls that need the checkpoint are left out
  torchrun --nproc-per-node 8 -m focus.exporter.commands.eval run --threads 4 --out out/eval
      windows shared by eight processes; on more machines --out is a folder that all of them see
  focus-eval study --weights dinov2.safetensors --out out/study
      all methods over seeds and splits; --dry-run lists what it would make
  focus-eval report out/eval
      tables and files of a run or a study anew, from what was measured; a study's report.html is one file
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; see ``focus-eval --help``."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_shared(NAME, lambda: _work(arguments), "and the same command goes on from it")


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser(
        NAME,
        "Holds the maps of a model against windows whose truth is known, beside maps that know nothing.",
        EXAMPLES,
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="{run,study,report}", parser_class=CommandParser)
    run = kinds.add_parser("run", help="measure, and write the report", allow_abbrev=False)
    model = run.add_mutually_exclusive_group()
    model.add_argument("--ckpt", type=Path, metavar="MODEL.pt", help="checkpoint (default: the shipped model's)")
    model.add_argument("--engine", type=Path, metavar="FILE", help="exported model, .onnx or a plan")
    run.add_argument(
        "--data",
        default="sim:vnir,test=120",
        metavar="sim:...",
        help="test= windows are measured (default: %(default)s)",
    )
    run.add_argument(
        "--seed", type=seed_number, default=1, help="of the simulation; the training's own (default: %(default)s)"
    )
    run.add_argument("--threads", type=int, metavar="N", help="threads (default: the cores this process may use)")
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="results; a stopped run goes on there")
    run.set_defaults(work=_run)
    study = kinds.add_parser("study", help="all methods over seeds and splits", allow_abbrev=False)
    add_study(study)
    study.set_defaults(work=run_study)
    report = kinds.add_parser("report", help="write the report anew", allow_abbrev=False)
    report.add_argument("folder", type=Path, metavar="DIR", help="the --out of a run or a study")
    report.set_defaults(work=lambda args: _report(args.folder))
    return parser


def _work(arguments: list[str]) -> int:
    args = parsed(build_parser(), arguments)
    if share_of_work()[1] > 1 and args.kind != "run":
        raise ValueError(f"focus-eval {args.kind} is work of one process; start it without torchrun")
    code: int = args.work(args)
    return code


def _run(args: argparse.Namespace) -> int:
    from focus.exporter.evaluate import Cache, held_out_plan

    if args.threads is not None and args.threads < 1:
        raise ValueError(f"--threads must be at least 1, got {args.threads}")
    with _opened(args) as opened:
        plan = held_out_plan(args.data, opened.bundle)
        cache = Cache(args.out)
        if is_helper():
            _wait_until(cache.claimed)
        cache.claim(_settings(args, opened, plan))
        _measure(opened, plan, cache, args.seed)
    return DONE if is_helper() else _report(args.out)


def _measure(opened: _Opened, plan: Simulation, cache: Cache, seed: int) -> None:
    from rich.console import Console

    from focus.exporter._progress import progress_bar
    from focus.exporter.evaluate import evaluate, held_out_windows

    def complete() -> bool:
        return all(cache.load(index) is not None for index in range(plan.test))

    if complete():
        return
    console = Console(quiet=is_helper())
    with progress_bar(console, "simulating") as tell:
        samples = held_out_windows(plan, opened.bundle, seed, progress=lambda done, total: tell(done, total, ""))
    with progress_bar(console, "measuring") as tell:
        explainers, sanity = opened.explainers, opened.sanity
        evaluate(
            explainers, samples, cache, seed, sanity, progress=lambda done, total: tell(done, total, ""),
            share=share_of_work(),
        )  # fmt: skip
    if not is_helper():
        _wait_until(complete)


def _wait_until(there: Callable[[], bool]) -> None:
    """For what another process does; should that one die, torchrun ends this one, too."""
    while not there():
        time.sleep(POLL_S)


def _report(folder: Path) -> int:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    tables, names = _written(folder)
    for words in tables:
        title, *rows = (tuple(map(_without_error, cells)) for cells in (words.columns, *words.rows))
        table = Table(*title, title=words.title, title_justify="left")
        for row in rows:
            table.add_row(*row)
        console.print(table)
    console.print(f"wrote {', '.join(str(folder / name) for name in names)}", markup=False, soft_wrap=True)
    return DONE


def _written(folder: Path) -> tuple[Sequence[Any], Sequence[str]]:
    """Writes the report of an evaluation or a study; its tables and the names of its files."""
    if (folder / "study.json").is_file():
        from focus.exporter.commands._torch import require_torch

        require_torch()
        from focus.exporter.study.report import FILES as STUDY_FILES
        from focus.exporter.study.report import write_study_report

        # A study's other tables are as wide as it has figures; they are for a page.
        return write_study_report(folder)[:1], STUDY_FILES
    from focus.exporter.evaluate import FILES, Cache, write_report
    from focus.runtime import FocusError

    if "run" in Cache(folder).settings():
        raise FocusError(f"{folder} is one run of a study; give the study's own folder, which holds study.json")
    return write_report(folder), FILES


def _without_error(cell: str) -> str:
    """Seven columns with their standard errors are too wide for a terminal; they are in report.md."""
    return cell.partition(" ± ")[0]


class _Opened(NamedTuple):
    """The model and its controls by name, the networks of the sanity checks, and what reads them."""

    explainers: Mapping[str, Explainer]
    sanity: Mapping[str, Explainer]
    reader: str
    bundle: Bundle


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[_Opened]:
    from focus.exporter.evaluate import EDGES, MODEL, RANDOM, Borrowed, FocusNetwork, edges_of, random_of

    def beside(model: FocusNetwork, controls: Mapping[str, Explainer]) -> dict[str, Explainer]:
        """Maps of the controls are watched with the model's answers, as they have none of their own."""
        borrowed = {name: Borrowed(model, control.explain) for name, control in controls.items()}
        return {MODEL: model, **borrowed, EDGES: edges_of(model), RANDOM: random_of(model, args.seed)}

    if args.engine is not None:
        from focus.exporter.evaluate._engine import EngineNetwork
        from focus.runtime.engines import engine_from_path

        with engine_from_path(args.engine, args.threads, batch=8) as engine:
            model = EngineNetwork(engine)
            yield _Opened(beside(model, {}), {}, f"{engine.name} {engine.precision}", engine.bundle)
        return
    from focus.exporter.commands._torch import require_torch

    require_torch()
    import torch

    from focus.exporter.evaluate._torch import TorchNetwork, randomised, untrained_prompts
    from focus.exporter.model import load_checkpoint

    if args.threads is not None:
        torch.set_num_threads(args.threads)
    net, bundle = load_checkpoint(args.ckpt or _shipped())
    controls = {"untrained prompts": untrained_prompts(net, bundle, args.seed)}
    sanity = {**controls, "nothing learnt": randomised(net, bundle, args.seed)}
    yield _Opened(beside(TorchNetwork(net, bundle), controls), sanity, "torch fp32", bundle)


def _shipped() -> Path:
    return Path(str(importlib.resources.files("focus.runtime") / "models" / "leaf-vnir.pt"))


def _settings(args: argparse.Namespace, opened: _Opened, plan: Simulation) -> dict[str, Any]:
    """All that the results depend on; what has changed is named in the refusal."""
    from focus.exporter.data import simulator_version
    from focus.runtime._files import file_sha256

    bundle = opened.bundle
    return {
        "model": bundle.name,
        "model file": file_sha256(args.engine or args.ckpt or _shipped()),
        "reader": opened.reader,
        "data": args.data,
        "seed": args.seed,
        "windows": plan.test,
        "simulator": simulator_version(),
        "trained_on": bundle.trained_on,
        "bundle": bundle.model_dump(mode="json"),
    }


if __name__ == "__main__":
    sys.exit(main())
