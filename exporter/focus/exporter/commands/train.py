"""``focus-train``: data and a frozen backbone in, ``model.pt`` out."""

from __future__ import annotations

import argparse
import importlib.resources
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from focus.exporter.commands._torchrun import is_helper, parsed, run_shared
from focus.runtime.commands import CommandParser, command_parser, seed_number

if TYPE_CHECKING:
    from rich.console import Console
    from timm.models.vision_transformer import VisionTransformer

    from focus.exporter.data import WindowSet
    from focus.exporter.training import Mode, TrainSettings

DEFAULT_BACKBONE = "focus_vit_mini_patch8"

_EXAMPLES = """examples:
  simulated leaves, 204 bands, 400-1000 nm
    focus-train --data sim:vnir --out model.pt
  64 bands, 400-2500 nm; a second run starts at once
    focus-train --data sim:full,scenes=1000 --cache cache --out model.pt
  regression of traits of simulated leaves
    focus-train --data sim:vnir,task=chl+ewt --out traits.pt
  cubes on disk: a CSV file with the columns path, label, and optionally split and group
    focus-train --data leaves.csv --out model.pt
  regression of a column; stored values are reflectance x 10000; every cube is cut into windows
    focus-train --data leaves.csv --targets water --quantity reflectance --scale 10000 --tile --out water.pt
  leaves of HyperLeaf2024, split by plot
    focus-train --data hyperleaf:HyperLeaf2024,target=Gsw+PhiPS2 --size 48x352 --out hyperleaf.pt
  another frozen backbone
    focus-train --data leaves.csv --backbone vit_small_patch14_dinov2 --weights dinov2.safetensors --size 112
  go on with a training that was killed
    focus-train --data leaves.csv --out model.pt --resume
  four GPUs; more machines, and going on with another number: docs/many-machines.md
    torchrun --nproc-per-node 4 -m focus.exporter.commands.train --data leaves.csv --out model.pt
"""


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser(
        "focus-train",
        "Trains FOCUS: a spectral adapter, a [SINK] token and one prompt a class and band group over a frozen vision "
        "transformer.",
        _EXAMPLES,
    )
    add_data_arguments(parser.add_argument_group("data"))
    _add_model(parser.add_argument_group("model"))
    _add_training(parser.add_argument_group("training"))
    return parser


def add_data_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options that name a data set; the same ones in every command that reads a training's data."""
    group.add_argument(
        "--data", required=True, metavar="DATA",
        help="sim:vnir or sim:full, with options scenes=, val=, test=, bands=, classes=, spurious=NM, intact=1, "
        "task=class|chl+ewt+...; hyperleaf:DIR,target=cultivar|Gsw+..., tomato-bls:DIR,sensor=visnir|swir|joined, "
        "jasper-ridge:FILE.mat,task=abundance|class (docs/data.md); or a CSV manifest with the columns path, label "
        "(or --targets), and optionally split and group",
    )  # fmt: skip
    group.add_argument(
        "--targets", default="", metavar="A,B", help="regression of these manifest columns instead of classes"
    )
    group.add_argument("--quantity", choices=["reflectance"], help="what the cubes hold, where the files do not say")
    group.add_argument(
        "--scale", type=float, help="stored value / SCALE = reflectance, with --quantity (default: 1, but for integers)"
    )
    group.add_argument("--tile", action="store_true", help="cut each cube into windows, instead of one centre crop")
    group.add_argument(
        "--resample-to", metavar="BANDS", help="FIRST (the first cube's bands) or START:STOP:COUNT in nm"
    )
    group.add_argument(
        "--i-know-it-leaks",
        action="store_true",
        help="take a split that puts one plot, plant or place into training and test; its figures flatter",
    )
    group.add_argument("--cache", type=Path, metavar="DIR", help="keep the ingested windows here for the next run")


def _add_model(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--backbone", default=DEFAULT_BACKBONE, metavar="NAME", help="timm name of a plain ViT (default: %(default)s)"
    )
    source = group.add_mutually_exclusive_group()
    source.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="the backbone's weights: safetensors with timm's names, or a model.pt",
    )
    source.add_argument("--pretrained", action="store_true", help="take timm's weights from the model hub")
    source.add_argument("--random-backbone", action="store_true", help="no weights: for trying things out only")
    group.add_argument(
        "--size",
        default="128",
        help="window in samples, N or LINESxSAMPLES, multiples of the patch (default: %(default)s)",
    )
    group.add_argument("--groups", type=int, help="band groups (default: 10, or one a band where there are fewer)")
    group.add_argument(
        "--read-blocks",
        type=int,
        default=1,
        metavar="R",
        help="last blocks that the prompts pass (default: %(default)s)",
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--out", type=Path, default=Path("model.pt"), help="checkpoint to write (default: %(default)s)")
    group.add_argument("--epochs", type=int, default=12, help="passes over the training windows (default: %(default)s)")
    group.add_argument(
        "--batch", type=int, default=16, help="windows a step, over all processes (default: %(default)s)"
    )
    group.add_argument("--lr", type=float, default=6e-3, help="highest learning rate (default: %(default)s)")
    group.add_argument("--weight-decay", type=float, default=0.05, help="of the adapter (default: %(default)s)")
    group.add_argument(
        "--whitening",
        type=float,
        default=0.003,
        metavar="F",
        help="learn differences of spectra down to this share of the brightest one's variance nearly as fast as that; "
        "1000 leaves steps as they come, for a single scene (default: %(default)s)",
    )
    group.add_argument(
        "--hidden",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="of the patches, not seen by a prompt in a step: so that it looks at all that tells of its class "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--one-vs-rest",
        type=float,
        default=0.25,
        metavar="W",
        help="weight of the loss of each class by itself, beside that of all together (default: %(default)s)",
    )
    group.add_argument("--sink-weight", type=float, default=0.01, help="weight of the sink loss (default: %(default)s)")
    group.add_argument(
        "--seed", type=seed_number, default=1, help="of start and order, and of data (default: %(default)s)"
    )
    group.add_argument(
        "--data-seed",
        type=seed_number,
        metavar="N",
        help="of the data alone: other simulated leaves, or another split (default: --seed)",
    )
    group.add_argument(
        "--precision",
        choices=["auto", "fp32", "bf16"],
        default="auto",
        help="auto: bf16 where it is computed in hardware",
    )
    group.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    mode = group.add_mutually_exclusive_group()
    mode.add_argument(
        "--resume", action="store_true", help="continue a training that was killed; same options as before"
    )
    mode.add_argument("--overwrite", action="store_true", help="replace an earlier training")


def main(argv: list[str] | None = None) -> int:
    """Trains a model; 0 done, 1 failed while running, 2 wrong usage or input."""
    return run_shared("focus-train", lambda: _run(parsed(build_parser(), argv)), "and --resume goes on from it")


def _run(args: argparse.Namespace) -> int:
    import torch
    from rich.console import Console

    from focus.exporter.data import parse_size
    from focus.exporter.training import make_fabric, progress_bar, report_table, require_free, train

    if args.threads is not None:
        if args.threads < 1:
            raise ValueError(f"--threads must be at least 1, got {args.threads}")
        torch.set_num_threads(args.threads)
    mode: Mode = "resume" if args.resume else "overwrite" if args.overwrite else "new"
    settings, console = _settings(args), Console(quiet=is_helper())
    if not is_helper():
        require_free(args.out, mode)
    fabric = make_fabric(settings.precision)
    torch.manual_seed(settings.seed)
    backbone = _backbone(args, parse_size(args.size))
    # The first process of a machine fills the cache, from which its others read.
    with fabric.rank_zero_first(local=True) if args.cache else nullcontext():
        windows = windows_from_options(args, backbone, console)
    if args.groups is None:
        settings = replace(settings, groups=min(settings.groups, windows.bands))
    say = partial(console.print, markup=False, soft_wrap=True)
    say(_summary(windows, args.backbone))
    if fabric.world_size > 1:
        say(f"shared by {fabric.world_size} processes")
    with progress_bar(console, "training") as tell:
        outcome = train(
            windows, backbone, args.backbone, settings, args.out,
            mode=mode, tell=tell, say=say, fabric=fabric,
        )  # fmt: skip
    console.print(report_table(outcome.report))
    size = outcome.out.stat().st_size / 1e6 if outcome.out.exists() else 0.0
    say(f"wrote {outcome.out} ({size:.1f} MB), {outcome.report_path}, and metrics in {outcome.folder}")
    say(f"next: focus-export --ckpt {outcome.out} --onnx {outcome.out.with_suffix('.onnx')}")
    return 0


def _settings(args: argparse.Namespace) -> TrainSettings:
    from focus.exporter.training import TrainSettings

    of_steps = ("epochs", "batch", "lr", "weight_decay", "whitening", "hidden", "one_vs_rest", "sink_weight")
    names = ("groups", "read_blocks", *of_steps, "precision", "seed")
    given = {name: getattr(args, name) for name in names}
    return TrainSettings(**{name: value for name, value in given.items() if value is not None})


def _backbone(args: argparse.Namespace, size: tuple[int, int]) -> VisionTransformer:
    from focus.exporter.model import create_backbone, load_weights
    from focus.runtime import FocusError

    weights = args.weights
    if weights is None and not args.pretrained and not args.random_backbone:
        weights = _shipped_weights()
        if args.backbone != DEFAULT_BACKBONE or weights is None:
            raise FocusError(
                f"--backbone {args.backbone} needs weights: --weights FILE (safetensors with timm's names), "
                "--pretrained (timm's hub), or --random-backbone to try things out"
            )
    backbone = create_backbone(args.backbone, size, pretrained=args.pretrained)
    if weights is not None:
        load_weights(backbone, weights)
    return backbone


def _shipped_weights() -> Path | None:
    """The shipped model's checkpoint, whose frozen backbone a new model can share."""
    path = Path(str(importlib.resources.files("focus.runtime") / "models" / "leaf-vnir.pt"))
    return path if path.is_file() else None


def windows_from_options(args: argparse.Namespace, backbone: VisionTransformer, console: Console) -> WindowSet:
    """Reads the data set of ``add_data_arguments``, ``--size`` and the seed of the data, with a progress line."""
    from focus.exporter.data import FolderOptions, open_windows, parse_size
    from focus.exporter.training import progress_bar

    targets = tuple(name.strip() for name in args.targets.split(",") if name.strip())
    options = FolderOptions(targets, args.quantity, args.scale, args.tile, args.resample_to, leaks=args.i_know_it_leaks)
    patch = int(backbone.patch_embed.patch_size[0])
    with progress_bar(console, "reading the data") as tell:
        found = open_windows(
            args.data, patch, parse_size(args.size), data_seed(args), options=options, cache=args.cache,
            progress=lambda done, total: tell(done, total, ""),
        )  # fmt: skip
    for note in found.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    return found


def data_seed(args: argparse.Namespace) -> int:
    """The seed of the data: ``--data-seed``, where the command has it and it is given, else ``--seed``."""
    own: int | None = getattr(args, "data_seed", None)
    seed: int = args.seed if own is None else own
    return seed


def _summary(windows: WindowSet, backbone: str) -> str:
    counts = ", ".join(f"{len(windows.of(split))} {split}" for split in ("train", "val", "test"))
    low, high = windows.wavelengths_nm[0], windows.wavelengths_nm[-1]
    lines, samples = windows.size
    names = ", ".join(windows.target_names)
    return (
        f"{windows.task} of {names}: {counts} windows of {lines} x {samples} samples, {windows.bands} bands "
        f"{low:.0f}-{high:.0f} nm; backbone {backbone}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
