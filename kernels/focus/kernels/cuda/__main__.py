"""``python -m focus.kernels.cuda``: compiles the kernels ahead of time, for a wheel to carry (`make cubins`)."""

from __future__ import annotations

import shutil

from focus.kernels.cuda._compile import ARCHITECTURES, SHIPPED, compiled, nvrtc_version, source_hash


def main() -> None:
    """Writes a cubin for every architecture, and removes those of earlier sources."""
    folder = SHIPPED / f"{source_hash()[:16]}-cuda{nvrtc_version()[0]}"
    shutil.rmtree(SHIPPED, ignore_errors=True)
    folder.mkdir(parents=True)
    for architecture in ARCHITECTURES:
        image = compiled(architecture).image
        (folder / f"kernels-{architecture}.cubin").write_bytes(image)
        print(f"sm_{architecture:<4} {len(image) / 1e3:6.0f} kB", flush=True)
    print(f"wrote {folder}, with NVRTC {'.'.join(map(str, nvrtc_version()))}")


if __name__ == "__main__":
    main()
