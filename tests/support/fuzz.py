"""Feeds the stream's reader with damaged streams: python -m support.fuzz [--inputs N] [--seed N] [--atheris]

Every input is either read, or ends in an error of ours; what is called intact is what was sent. Anything else stops it,
with the input as hexadecimal digits. With --atheris (pip install atheris) inputs grow from those that reached new code.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from focus.runtime._errors import FocusError
from support.stream_inputs import DAMAGES, HEADER, LINE, a_stream, damaged, read_all


def check(data: bytes) -> bool:
    """Reads one input; gives whether it ended as a stream should.

    Raises:
        AssertionError: a line is called intact that was never sent.
    """
    frames, error = read_all(data)
    for head, intact, line in frames:
        assert not intact or line == (LINE + LINE.dtype.type(head.sequence % 2**16)).tobytes()
    assert error is None or isinstance(error, FocusError)
    return error is None


def random_inputs(count: int, seed: int) -> dict[str, int]:
    """Reads so many random inputs; gives how many ended well and how many in an error."""
    source = random.Random(seed)
    whole, ends = a_stream(), {"read to the end": 0, "ended in an error": 0}
    for _ in range(count):
        data = _input(source, whole)
        try:
            good = check(data)
        except BaseException:
            print(f"input: {data.hex()}", file=sys.stderr)
            raise
        ends["read to the end" if good else "ended in an error"] += 1
    return ends


def _input(source: random.Random, whole: bytes) -> bytes:
    if source.random() < 0.1:
        return HEADER.to_bytes() * source.randrange(2) + source.randbytes(source.randrange(600))
    changes = [
        (source.choice(DAMAGES), source.randrange(len(whole)), source.randrange(256))
        for _ in range(source.randrange(1, 6))
    ]
    return damaged(whole, changes)


def guided_inputs(count: int, seed: int) -> None:
    """The same, guided by what code an input reaches; ends the process."""
    import atheris

    def one(data: bytes) -> None:
        check(data)

    atheris.instrument_all()
    with tempfile.TemporaryDirectory() as corpus:
        for number in range(3):
            (Path(corpus) / str(number)).write_bytes(a_stream(number))
        atheris.Setup([sys.argv[0], f"-runs={count}", f"-seed={seed + 1}", "-max_len=2048", corpus], one)
        atheris.Fuzz()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="support.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument("--atheris", action="store_true")
    args = parser.parse_args(argv)
    if args.atheris:
        guided_inputs(args.inputs, args.seed)
    start = time.monotonic()
    ends = random_inputs(args.inputs, args.seed)
    print(f"{args.inputs} inputs in {time.monotonic() - start:.0f} s: {ends}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
