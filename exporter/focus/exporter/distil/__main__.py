"""``python -m focus.exporter.distil``: makes the frozen backbone of the shipped model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from focus.runtime.commands import CommandParser, command_parser, run_command

NAME = "python -m focus.exporter.distil"

EXAMPLES = """\
example:
  python -m focus.exporter.distil --weights dinov2-small.safetensors --cubes cubes/ --out mini.safetensors
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see ``--help``."""
    return run_command(NAME, lambda: _run(build_parser().parse_args(argv)))


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser(
        NAME,
        "Distils a small backbone from a larger one on composites; prints how well it does on held-out ones.",
        EXAMPLES,
    )
    add = parser.add_argument
    add(
        "--teacher",
        default="vit_small_patch14_dinov2",
        metavar="NAME",
        help="timm name of the teacher (default: %(default)s)",
    )
    add("--weights", type=Path, required=True, metavar="FILE", help="safetensors file with the teacher's weights")
    add("--student", default="focus_vit_mini_patch8", metavar="NAME", help="what to train (default: %(default)s)")
    add("--cubes", type=Path, metavar="DIR", help="folder of real cubes to crop from, beside the simulated scenes")
    add("--images", type=int, default=5000, metavar="N", help="composites to learn from (default: %(default)s)")
    add("--epochs", type=int, default=12, metavar="N", help="passes over them (default: %(default)s)")
    add(
        "--size",
        type=int,
        default=128,
        metavar="N",
        help="edge of the student's window in samples (default: %(default)s)",
    )
    add("--seed", type=int, default=0, metavar="N", help="decides everything random (default: %(default)s)")
    add("--workers", type=int, default=2, metavar="N", help="processes that draw scenes (default: %(default)s)")
    add("--out", type=Path, required=True, metavar="FILE", help="safetensors file to write")
    return parser


def _run(args: argparse.Namespace) -> int:
    from rich.console import Console
    from safetensors.torch import save

    from focus.exporter.distil._distil import DistilSettings, distil, teach
    from focus.exporter.distil._images import composite_images, real_cubes
    from focus.exporter.model import create_backbone, load_weights
    from focus.exporter.training import progress_bar
    from focus.runtime._files import write_atomically

    settings = DistilSettings(epochs=args.epochs, seed=args.seed)
    least = settings.held_out + settings.batch
    if args.images < least:
        raise ValueError(f"--images must be at least {least} ({settings.held_out} are held out), got {args.images}")
    console = Console(stderr=True)
    student = create_backbone(args.student, (args.size, args.size))
    rows, _ = student.patch_embed.grid_size
    teacher = create_backbone(args.teacher, (14 * rows, 14 * rows)).eval()
    load_weights(teacher, args.weights)
    cubes = real_cubes(args.cubes) if args.cubes else []
    with progress_bar(console, "composites") as tell:
        images = composite_images(
            args.seed,
            args.images,
            args.size,
            cubes,
            workers=args.workers,
            progress=lambda done, total: tell(done, total, ""),
        )
    with progress_bar(console, "teacher") as tell:
        features = teach(teacher, images, 14 * rows, lambda done, total: tell(done, total, ""))
    with progress_bar(console, "student") as tell:
        report = distil(student, images, features, settings, tell)
    tensors = {name: value.half().contiguous() for name, value in student.state_dict().items()}
    write_atomically(args.out, save(tensors))
    print(f"held-out composites: cosine {report.cosine:.3f}, explained variance {report.r2:.3f}")
    print(f"wrote {args.out} (half precision, {sum(value.numel() for value in tensors.values()):,} parameters)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
