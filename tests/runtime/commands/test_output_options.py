"""What the options about files mean."""

from __future__ import annotations

import argparse

import pytest

from focus.runtime.commands._output_options import add_output_arguments, output_options
from focus.runtime.outputs import OutputOptions


def options(*arguments):
    parser = argparse.ArgumentParser()
    add_output_arguments(parser.add_argument_group("files"))
    with output_options(parser.parse_args(arguments)) as chosen:
        return chosen


def test_what_holds_where_nothing_was_chosen():
    assert options() == OutputOptions("envi", False, None, None)
    assert options().resolved(endless=True) == OutputOptions("envi", False, 5.0, 10**9)
    assert options().resolved(endless=False) == OutputOptions("envi", False, "never", 0)


def test_what_was_chosen_stays():
    chosen = options("--format", "bigtiff", "--record", "--fsync", "window", "--min-free", "0")
    assert chosen == chosen.resolved(endless=True) == OutputOptions("bigtiff", True, "window", 0)
    assert options("--fsync", "0.5").fsync == 0.5


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GB", 10**9), ("1.5 gb", 15 * 10**8), ("500MB", 5 * 10**8), ("2GiB", 2 * 2**30), ("3k", 3000),
        ("4096", 4096), ("7 B", 7), ("2T", 2 * 10**12), ("0", 0),
    ],
)  # fmt: skip
def test_sizes(text, size):
    assert options("--min-free", text).min_free == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1 PB", "1GB left", "1e3"])
def test_sizes_that_are_none(text):
    with pytest.raises(ValueError, match="--min-free must be a size such as 1GB, 500MB or 0, got"):
        options(f"--min-free={text}")


@pytest.mark.parametrize("text", ["", "always", "0", "-1", "nan", "1e9"])
def test_times_that_are_none(text):
    with pytest.raises(ValueError, match=r"--fsync must be never, window, or seconds from 0\.01 to 86400, got"):
        options(f"--fsync={text}")
