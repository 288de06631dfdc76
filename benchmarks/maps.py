"""Ways to make maps of one network's reading, against the truth of simulated leaves: which heads, what a band weighs,
and what it is compared with. No training: the network is the same in every row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from focus.exporter.data import open_windows
from focus.exporter.model import load_checkpoint
from focus.exporter.training import progress_bar
from focus.exporter.training._batches import Batches
from focus.exporter.training._report import make_report
from focus.exporter.training._statistics import statistics_of_bundle
from focus.runtime import Bundle, FocusError
from focus.runtime.commands import CommandParser, command_parser, run_command

DESCRIPTION = "Compares ways to make maps of one trained network with the truth of simulated leaves."

#: What T is made of -> what of the reading is left out.
WEIGHTS = {
    "mean_g Abar ||Phi|| |x^|": ("band_share", "group_share", "reference", "brightness"),
    "P w |x^|": ("reference", "brightness"),
    "P w |x^ - r|": ("brightness",),
    "P w |(I - U^T U)(x^ - r)|": (),
}

EXAMPLES = """\
example:
  python benchmarks/maps.py --ckpt leaf-vnir.pt --data sim:vnir,scenes=4,val=1,test=300 --seed 7 --cache DIR
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see ``--help``."""
    return run_command("benchmarks/maps.py", lambda: _run(_parser().parse_args(argv)))


def _parser() -> CommandParser:
    parser = command_parser("benchmarks/maps.py", DESCRIPTION, EXAMPLES)
    parser.add_argument("--ckpt", type=Path, required=True, metavar="MODEL.pt", help="checkpoint from focus-train")
    parser.add_argument("--data", required=True, metavar="sim:...", help="the test= windows are measured")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keeps the windows for the next run")
    parser.add_argument("--seed", type=int, default=7, help="of the windows (default: %(default)s)")
    return parser


def _run(args: argparse.Namespace) -> int:
    net, bundle = load_checkpoint(args.ckpt)
    console = Console()
    with progress_bar(console, "reading the data") as tell:
        windows = open_windows(
            args.data,
            patch=bundle.backbone.patch,
            size=bundle.window,
            seed=args.seed,
            cache=args.cache,
            progress=lambda done, total: tell(done, total, ""),
        )
    if windows.truth is None:
        raise FocusError(f"--data {args.data} has no truth to compare with; give a simulation")
    batches = Batches(windows, statistics_of_bundle(bundle), torch.device("cpu"))
    chance: tuple[float, ...] = ()
    table = Table("heads", "T", "IoU", "AUPRC", "BIO@5", "BIO@20")
    for words, heads in head_sets(bundle).items():
        for weights, left_out in WEIGHTS.items():
            shown = shown_by(bundle, heads, left_out)
            found = make_report(net, batches, shown, 32, best_epoch=0, epochs=0).explanation
            if found is None:
                raise FocusError(f"no window of --data {args.data} has a lesion that fills half a patch")
            chance = (found.prevalence, found.bio_random_5, found.bio_random_20)
            figures = (found.iou, found.auprc, found.bio_at_5, found.bio_at_20)
            table.add_row(words, weights, *(f"{figure:.3f}" for figure in figures))
    table.add_section()
    table.add_row("chance", "", "", *(f"{figure:.3f}" for figure in chance))
    console.print(table)
    return 0


def head_sets(bundle: Bundle) -> dict[str, tuple[int, ...]]:
    """The heads of the last block: those that the bundle shows, the others, and all."""
    every = tuple(range(bundle.backbone.heads))
    shown = bundle.reading.heads
    others = tuple(head for head in every if head not in shown)
    return {"shown": shown, "others": others, "all": every} if others else {"all": every}


def shown_by(bundle: Bundle, heads: tuple[int, ...], left_out: Sequence[str]) -> Bundle:
    """The bundle with other maps."""
    facts = bundle.model_dump(exclude={"reading": set(left_out)})
    facts["reading"]["heads"] = heads
    return Bundle.model_validate(facts)


if __name__ == "__main__":
    sys.exit(main())
