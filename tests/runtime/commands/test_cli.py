"""Exit codes and one-line errors of all commands."""

from __future__ import annotations

import errno

import pytest

from focus.runtime import FocusError
from focus.runtime._errors import BrokenOff
from focus.runtime.commands._cli import command_parser, run_command


def raising(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (FocusError("no such\n  leaf"), 2, "focus-x: no such leaf"),
        (ValueError("--n must be 1, got 2"), 2, "focus-x: --n must be 1, got 2"),
        (
            OSError(errno.ENOSPC, "No space left on device", "a.dat"),
            2,
            "focus-x: No space left on device (a.dat); free some space or write elsewhere",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.dat"),
            2,
            "focus-x: Permission denied (a.dat); check the path and its permissions",
        ),
        (BrokenOff("the run broke off: no GPU"), 1, "focus-x: the run broke off: no GPU"),
        (OSError(errno.EIO, "Input/output error", "a.dat"), 1, "focus-x: Input/output error (a.dat)"),
        (
            ModuleNotFoundError("No module named 'timm'", name="timm"),
            2,
            'focus-x: timm is not installed; run pip install "focus-hsi[export]"',
        ),
        (
            ModuleNotFoundError("No module named 'timm.layers'", name="timm.layers"),
            2,
            "focus-x: the installed timm is not one that FOCUS knows (No module named 'timm.layers'); run pip install "
            '--upgrade "focus-hsi[export]"',
        ),
        (
            ImportError("cannot import name 'a' from 'timm'", name="timm"),
            2,
            "focus-x: the installed timm is not one that FOCUS knows (cannot import name 'a' from 'timm'); run pip ",
        ),
        (ImportError("libGL.so.1: no such file", name=None), 1, "focus-x: ImportError: libGL.so.1"),
        (KeyError("a"), 1, "focus-x: KeyError: 'a'; set FOCUS_DEBUG=1 to see where"),
        (MemoryError(), 1, "focus-x: not enough memory"),
        (KeyboardInterrupt(), 1, "focus-x: interrupted"),
    ],
)
def test_errors_become_a_line_and_a_code(capsys, monkeypatch, error, code, line):
    monkeypatch.delenv("FOCUS_DEBUG", raising=False)
    assert run_command("focus-x", raising(error)) == code
    said = capsys.readouterr().err
    assert said.startswith(line) and said.count("\n") == 1


def test_debugging_shows_where(monkeypatch):
    monkeypatch.setenv("FOCUS_DEBUG", "1")
    with pytest.raises(KeyError):
        run_command("focus-x", raising(KeyError("a")))


def test_codes_of_the_work_and_of_the_parser(capsys):
    parser = command_parser("focus-x", "does x")
    assert run_command("focus-x", lambda: 0) == 0
    assert run_command("focus-x", lambda: 1) == 1
    assert run_command("focus-x", lambda: bool(parser.parse_args(["--version"]))) == 0
    assert capsys.readouterr().out.startswith("focus-hsi ")
    assert run_command("focus-x", lambda: bool(parser.parse_args(["what"]))) == 2
    assert capsys.readouterr().err == "focus-x: unrecognized arguments: what; see focus-x --help\n"
