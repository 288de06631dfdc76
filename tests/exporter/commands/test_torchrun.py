"""Who of many processes speaks, and that each of them ends. The store is torchrun's own, the processes are real."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

from torch.distributed import TCPStore

SCRIPT = """
import sys, time
from datetime import timedelta
from focus.exporter.commands._torchrun import run_shared
from focus.runtime import FocusError

def work():
    import os
    from torch.distributed import TCPStore
    if sys.argv[1] == "waits":
        store = TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
        print("waiting", flush=True)
        store.wait(["what nobody sets"], timedelta(minutes=5))
    if sys.argv[1] == "sleeps":
        print("waiting", flush=True)
        time.sleep(300)
    if sys.argv[1] == "lost":
        raise RuntimeError("[gloo/transport/tcp/pair.cc:545] Connection closed by peer")
    if sys.argv[1] == "fails":
        raise FocusError("no manifest leaves.csv")
    return 0

sys.exit(run_shared("focus-train", work, "and --resume goes on from it"))
"""

LOST = (
    "another process of this run died, or the run was stopped; what is written is whole, and --resume goes on from it\n"
)


class Machine:
    """Processes as torchrun starts them, with a store to agree in."""

    def __init__(self) -> None:
        self.store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)

    def start(self, does: str, rank: int = 0) -> subprocess.Popen[str]:
        environment = {
            **os.environ, "TORCHELASTIC_RUN_ID": "test", "RANK": str(rank), "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.store.port),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }  # fmt: skip
        command = [sys.executable, "-c", SCRIPT, does]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said = process.communicate(timeout=120)[1]
    return process.returncode, said


def test_the_first_that_fails_says_why_and_where_and_the_others_are_quiet() -> None:
    machine = Machine()
    where = f"focus-train (process 1 on {socket.gethostname()}): "
    assert ended(machine.start("fails", rank=1)) == (2, where + "no manifest leaves.csv\n")
    others = [machine.start("lost"), machine.start("fails")]
    assert [ended(process) for process in others] == [(1, ""), (2, "")]


def test_a_process_that_loses_the_others_says_so_if_nobody_else_did() -> None:
    machine = Machine()
    assert ended(machine.start("lost")) == (1, f"focus-train: {LOST}")


def test_it_says_so_as_well_where_torchrun_is_gone_too() -> None:
    machine = Machine()
    process = machine.start("sleeps")
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    del machine.store
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (1, f"focus-train: {LOST}")


def test_a_process_that_waits_in_torch_itself_ends_with_torchrun() -> None:
    machine = Machine()
    process = machine.start("waits")
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (1, f"focus-train: {LOST}")
