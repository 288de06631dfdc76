"""What all commands share: exit codes, one-line errors, --version. The other rooms' commands use it too."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from focus.runtime._errors import BrokenOff, FocusError

DONE, FAILED, WRONG_INPUT = 0, 1, 2

#: Modules that only an extra brings, and that extra.
EXTRA_OF_MODULE = {
    "torch": "export",
    "torchvision": "export",
    "timm": "export",
    "onnx": "export",
    "onnxscript": "export",
    "safetensors": "export",
    "tensorboard": "export",
    "lightning_fabric": "export",
    "openvino": "openvino",
    "tensorrt": "tensorrt",
    "cuda": "gpu",
    "nncf": "quantize",
    "linuxpy": "v4l2",
    "pynmeagps": "gps",
    "serial": "gps",
    "harvesters": "gentl",
    "starlette": "serve",
    "uvicorn": "serve",
    "prometheus_client": "serve",
    "ray": "archive",
    "zarr": "archive",
}


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Ends with exit code 2."""
        self.exit(WRONG_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Keeps line breaks, and gives the options room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=110)


def seed_number(text: str) -> int:
    """Type of a --seed: a whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be 0 or a larger whole number, got {text!r}")
    return int(text)


def command_parser(name: str, description: str, examples: str = "") -> CommandParser:
    """A parser in this project's manner, with --version.

    Args:
        name: the command.
        description: one sentence or two.
        examples: lines to copy, shown last.
    """
    parser = CommandParser(
        prog=name,
        description=description,
        epilog=examples,
        formatter_class=_Help,
        allow_abbrev=False,
    )
    add_version(parser)
    return parser


def add_version(parser: argparse.ArgumentParser) -> None:
    """Adds --version."""
    try:
        number = version("focus-hsi")
    except PackageNotFoundError:
        number = "(not installed)"
    parser.add_argument("--version", action="version", version=f"focus-hsi {number}")


def run_command(name: str, work: Callable[[], int], speaks: Callable[[], bool] = lambda: True) -> int:
    """Runs a command's work; what goes wrong becomes one line on stderr and an exit code.

    Input that does not fit (``FocusError``, ``DeviceError``, ``ValueError``, a file that cannot be opened, a full disk,
    a missing extra) gives 2, everything else 1. With FOCUS_DEBUG=1 in the environment the error is raised instead.

    Args:
        name: the command, put in front of the line.
        work: does it all, parsing of arguments included, and returns the exit code.
        speaks: whether this process is the one to say what went wrong.
    """
    try:
        return work()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else DONE if end.code is None else WRONG_INPUT
    except KeyboardInterrupt:
        return _say(name, "interrupted", FAILED, speaks)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does. Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if os.environ.get("FOCUS_DEBUG"):
            raise
        return _say(name, *_explained(error), speaks)


def _explained(error: Exception) -> tuple[str, int]:
    """The line for an error, and the exit code."""
    if isinstance(error, (FocusError, ValueError)) or _of_a_gpu(error):
        return str(error), WRONG_INPUT
    if isinstance(error, BrokenOff):
        return str(error), FAILED
    if isinstance(error, ImportError):
        package, _, part = (error.name or "").partition(".")
        extra = EXTRA_OF_MODULE.get(package)
        if extra is not None and isinstance(error, ModuleNotFoundError) and not part:
            return f'{package} is not installed; run pip install "focus-hsi[{extra}]"', WRONG_INPUT
        if extra is not None:
            way_out = f'run pip install --upgrade "focus-hsi[{extra}]"'
            return f"the installed {package} is not one that FOCUS knows ({error}); {way_out}", WRONG_INPUT
    if isinstance(error, OSError):
        return _explained_os(error)
    if isinstance(error, MemoryError):
        return "not enough memory; use smaller windows, fewer threads or a larger machine", FAILED
    return f"{type(error).__name__}: {error}; set FOCUS_DEBUG=1 to see where", FAILED


def _of_a_gpu(error: Exception) -> bool:
    """Whether it is a ``DeviceError``. Those who raise it have loaded the kernels, which --help should not wait for."""
    module = sys.modules.get("focus.kernels.cuda")
    return module is not None and isinstance(error, module.DeviceError)


def _explained_os(error: OSError) -> tuple[str, int]:
    where = f" ({error.filename})" if error.filename else ""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{reason}{where}; free some space or write elsewhere", WRONG_INPUT
    if isinstance(error, (PermissionError, FileNotFoundError, NotADirectoryError, IsADirectoryError, FileExistsError)):
        return f"{reason}{where}; check the path and its permissions", WRONG_INPUT
    return f"{reason}{where}", FAILED


def _say(name: str, message: str, code: int, speaks: Callable[[], bool]) -> int:
    if speaks():
        print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return code
