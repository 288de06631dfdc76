"""``python -m focus.exporter.distil``: makes the frozen backbone of the shipped model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Distils a small backbone from a larger one; prints how well it does on held-out composites."""
    parser = argparse.ArgumentParser(prog="python -m focus.exporter.distil", description=main.__doc__)
    parser.add_argument("--teacher", default="vit_small_patch14_dinov2", help="timm name of the teacher (default: %(default)s)")
    parser.add_argument("--weights", type=Path, required=True, help="safetensors file with the teacher's weights")
    parser.add_argument("--student", default="focus_vit_mini_patch8", help="what to train (default: %(default)s)")
    parser.add_argument("--cubes", type=Path, help="folder of real cubes to crop from, beside the simulated scenes")
    parser.add_argument("--images", type=int, default=8000, help="composites to learn from (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--size", type=int, default=128, help="edge of the student's window in samples (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="safetensors file to write")
    args = parser.parse_args(argv)
    from focus.runtime.commands import run_command

    return run_command("focus.exporter.distil", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    import numpy as np
    from rich.progress import track
    from safetensors.torch import save

    from focus.exporter.distil._distil import DistilSettings, distil, teach
    from focus.exporter.distil._images import composite_images, real_cubes
    from focus.exporter.model import create_backbone, load_weights
    from focus.runtime import write_atomically

    student = create_backbone(args.student, (args.size, args.size))
    rows, _ = student.patch_embed.grid_size
    teacher = create_backbone(args.teacher, (14 * rows, 14 * rows)).eval()
    load_weights(teacher, args.weights)
    rng = np.random.default_rng(args.seed)
    stream = composite_images(rng, args.images, args.size, real_cubes(args.cubes) if args.cubes else [])
    # An image keeps its shape but not its brightness: half precision needs values near one.
    images = np.stack([(image / np.abs(image).max()).astype(np.float16) for image in track(stream, "composites", total=args.images)])
    with_bar = iter(track(range(0, args.images, 16), "teacher"))
    features = teach(teacher, images, 14 * rows, lambda: next(with_bar, None))
    settings = DistilSettings(epochs=args.epochs, seed=args.seed)
    report = distil(
        student, images, features, settings, lambda epoch, loss: print(f"epoch {epoch + 1}/{args.epochs}  loss {loss:.4f}", flush=True)
    )
    tensors = {name: value.half().contiguous() for name, value in student.state_dict().items()}
    write_atomically(args.out, save(tensors))
    print(f"held-out composites: cosine {report.cosine:.3f}, explained variance {report.r2:.3f}")
    print(f"wrote {args.out} (half precision, {sum(value.numel() for value in tensors.values()):,} parameters)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
