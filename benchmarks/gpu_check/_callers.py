"""Step 6: a program that has a context and a stream of its own hands in its stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec

import numpy as np

from gpu_check._gpu import opened_gpu
from gpu_check._ingest import ingest_faults, random_window
from gpu_check._saliency import random_attended, saliency_faults
from gpu_check._section import NOT_RUN, OK, WRONG, Row, Section, Tell

#: Gives a stream for as long as it is entered; left, it makes sure that the caller's own work still runs.
Caller = Callable[[int], AbstractContextManager[int]]


class Missing(Exception):
    """A library that is not there; the message says so."""


@contextmanager
def torch_stream(index: int) -> Iterator[int]:
    """A stream of torch's, in the primary context."""
    if find_spec("torch") is None:
        raise Missing("torch is not installed")
    import torch

    if not torch.cuda.is_available():
        raise Missing("torch sees no GPU")
    with torch.cuda.device(index):
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            before = torch.arange(1000, device="cuda")
        yield int(stream.cuda_stream)
        with torch.cuda.stream(stream):
            total = int((before + 1).sum())
    if total != 500500:
        raise RuntimeError(f"torch's own work on its stream gave {total}, not 500500")


@contextmanager
def pycuda_stream(index: int) -> Iterator[int]:
    """A stream of pycuda's, in a context of its own that is not the primary one."""
    if find_spec("pycuda") is None:
        raise Missing("pycuda is not installed")
    import pycuda.driver as cuda

    cuda.init()
    context = cuda.Device(index).make_context()
    try:
        stream = cuda.Stream()
        yield int(stream.handle)
        stream.synchronize()
        values = np.arange(8, dtype=np.float32)
        memory = cuda.to_device(values)
        if not np.array_equal(cuda.from_device_like(memory, values), values):
            raise RuntimeError("pycuda's own copies are wrong afterwards")
    finally:
        context.pop()
        context.detach()


CALLERS: Mapping[str, Caller] = {"torch": torch_stream, "pycuda": pycuda_stream}


def check_callers(index: int, seed: int, tell: Tell, callers: Mapping[str, Caller] = CALLERS) -> Section:
    """Runs two kernels on a stream of each library that is there, and then the library's own work again.

    Args:
        index: which GPU.
        seed: of the inputs.
        tell: gets a line now and then.
        callers: by name.
    """
    tell(f"streams of others: {', '.join(callers)}")
    rows = [_row(name, caller, index, seed) for name, caller in callers.items()]
    wrong = [row["caller"] for row in rows if row["state"] == WRONG]
    ran = [row["caller"] for row in rows if row["state"] != NOT_RUN]
    left = "; ".join(row["says"] for row in rows if row["state"] == NOT_RUN)
    note = f"wrong with {', '.join(wrong)}" if wrong else f"ran on streams of {', '.join(ran)}" if ran else left
    return Section("callers", "Streams of a caller", WRONG if wrong else OK if ran else NOT_RUN, note, rows)


def _row(name: str, caller: Caller, index: int, seed: int) -> Row:
    try:
        with caller(index) as stream, opened_gpu(index, stream) as gpu:
            if gpu.queue.handle != stream:
                return {"caller": name, "state": WRONG, "says": "another stream was used"}
            rng = np.random.default_rng(seed)
            faults = ingest_faults(gpu, random_window(rng, np.uint16, 16, (9, 40, 50)))
            attended = random_attended(rng, np.float16, (2, 3, 4, 5, 40, 30))
            faults += saliency_faults(gpu, attended, None, with_cube=True)
    except Missing as reason:
        return {"caller": name, "state": NOT_RUN, "says": str(reason)}
    except Exception as error:  # whatever the library raises is a finding
        return {"caller": name, "state": WRONG, "says": f"{type(error).__name__}: {error}"[:300]}
    return {"caller": name, "state": WRONG if faults else OK, "says": "; ".join(faults[:3]) or "as the reference"}
