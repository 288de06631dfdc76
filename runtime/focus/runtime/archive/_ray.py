"""Ray: processes on this machine or on many, and cubes shared over them."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout

from focus.runtime._errors import BrokenOff, FocusError
from focus.runtime.archive._cubes import ArchiveCube
from focus.runtime.archive._manifest import Entry
from focus.runtime.archive._order import Order
from focus.runtime.archive._worker import MapWorker, cube_to_json

#: Cubes that are planned at once; Ray keeps a few objects for each.
WAVE = 4096

#: Memory for Ray's objects on this machine: names of cubes and lines of the manifest.
OBJECT_BYTES = 128 * 2**20

#: Seconds for a first word from a cluster.
PATIENCE_S = 5.0

#: Backends whose engine has a GPU of its own.
GPU_BACKENDS = ("tensorrt", "onnxruntime-cuda")


@contextmanager
def cluster(address: str | None) -> Iterator[dict[str, float]]:
    """A cluster of this machine alone, which ends with the ``with`` block, or one that runs already.

    Args:
        address: of a cluster that ``ray start`` made; None makes one.
    Returns: what it has: ``CPU``, ``GPU``.
    Raises:
        FocusError: there is none at that address.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # else Ray tells its makers
    # Its core calls it an error that a worker can be started again (ray-project/ray#53727).
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray

    _require_listening(address)
    folder = None if address else tempfile.mkdtemp(prefix="focus-ray-")
    local = {"object_store_memory": OBJECT_BYTES, "include_dashboard": False, "_temp_dir": folder}
    try:
        try:
            with _without_stderr():  # on which the core says how much it is going to say
                ray.init(
                    address=address or "local", log_to_driver=False, logging_level=logging.ERROR,
                    **({} if address else local),
                )  # fmt: skip
        except (ConnectionError, ValueError, TimeoutError, RuntimeError) as error:
            if address is None:
                raise
            raise FocusError(
                f"the Ray cluster at {address} does not take us in ({error}); it must be of the same Ray and Python, "
                "and where it has a token (Ray's default) RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH must name it here"
            ) from None
        # Workers that died are told of on standard output; what came of their cubes is in the manifest.
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # noqa: PTH123  # a device
            yield ray.cluster_resources()
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _require_listening(address: str | None) -> None:
    """Ray would try for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon or not port.isdigit() or "/" in host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE_S).close()
    except (OSError, OverflowError) as error:
        raise FocusError(f"no Ray cluster at {address} ({error}); start one with ray start --head") from None


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Leaves out what is written to the descriptor itself, past Python."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # a device
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def entries(cubes: Sequence[ArchiveCube], order: Order, workers: int) -> Iterator[Entry]:
    """What becomes of the cubes, in the order in which they are over.

    A worker that dies is started again and its cube goes to another one, as often as it takes: ``MapWorker`` counts.

    Args:
        cubes: to read; order: how.
        workers: engines at once; each has the threads of ``order.settings``, and a GPU where its backend wants one.
    Raises:
        BrokenOff: no worker can be started.
    """
    import ray

    _quieten()
    gpus = 1 if order.backend in GPU_BACKENDS else 0
    for first in range(0, len(cubes), WAVE):
        wave = [{"cube": cube_to_json(cube)} for cube in cubes[first : first + WAVE]]
        # A block a cube: what is over is told at once, and only the cube of a worker that dies is read again.
        mapped = ray.data.from_items(wave, override_num_blocks=len(wave)).map_batches(
            MapWorker,
            batch_size=1,
            # A cube that waits behind a long one could be read by another worker.
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(wave)), max_tasks_in_flight_per_actor=1),
            fn_constructor_args=(order,),
            num_cpus=order.settings.threads,
            num_gpus=gpus,
        )
        try:
            for batch in mapped.iter_batches(batch_size=None, prefetch_batches=0):
                yield from (Entry.from_json(json.loads(text)) for text in batch["entry"])
        except ray.exceptions.RayError as error:
            reason = " ".join(str(error).split())[-300:]
            raise BrokenOff(f"the workers cannot be kept up: {reason}; what is done is kept") from None


def _quieten() -> None:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
