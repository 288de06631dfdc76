"""The progress line of work in several steps."""

from __future__ import annotations

import io
import re

from rich.console import Console

from focus.runtime.commands._steps import Steps


def test_a_step_shows_how_long_it_has_to_go() -> None:
    drawn = io.StringIO()
    with Steps(Console(file=drawn, force_terminal=True, width=120)) as steps:
        steps.update("quantizing")
        for share in (0.25, 0.5, 0.75):
            steps.update("building: Building engine", share, 1.0)
            steps._progress.refresh()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawn.getvalue())
    assert re.search(r"building: Building engine .*0:00:00 passed, +\d\d:\d\d left", plain)
    assert re.search(r"quantizing .*--:-- left", plain)


def test_nothing_is_drawn_where_nobody_looks() -> None:
    drawn = io.StringIO()
    with Steps(Console(file=drawn)) as steps:
        steps.update("building", 0.5, 1.0)
    assert drawn.getvalue() == ""
