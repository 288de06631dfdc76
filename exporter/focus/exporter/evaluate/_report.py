"""``results.json``, ``report.md`` and ``report.png`` of an evaluation, from its windows on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from focus.exporter.evaluate._cache import Cache
from focus.exporter.evaluate._plot import write_plot
from focus.exporter.evaluate._run import cached_results
from focus.exporter.evaluate._summary import summarise
from focus.exporter.evaluate._tables import Words, markdown, tables_of
from focus.runtime import Bundle
from focus.runtime._files import write_atomically

#: Names of the files, in the order of writing.
FILES = ("results.json", "report.md", "report.png")


def write_report(folder: Path) -> list[Words]:
    """Writes the three files anew from the windows in a folder.

    Returns: the tables, for a terminal.
    Raises:
        FocusError: no evaluation, or an unfinished one.
        OutputError: the files cannot be written.
    """
    cache = Cache(folder)
    settings = cache.settings()
    bundle = Bundle.model_validate(settings.pop("bundle"))
    windows = cached_results(cache, int(settings["windows"]))
    results = summarise(windows, settings, bundle.targets)
    tables = tables_of(results)
    numbers, text, picture = (folder / name for name in FILES)
    write_atomically(numbers, (json.dumps(results, indent=1) + "\n").encode())
    write_atomically(text, _text(results, tables).encode())
    write_plot(results, windows, bundle, picture)
    return tables


def _text(results: Mapping[str, Any], tables: list[Words]) -> str:
    settings = results["settings"]
    head = (
        f"# {settings['model']} on {settings['data']}\n\n"
        f"Windows of seed {settings['seed']}, read with {settings['reader']}; the model was trained on "
        f"{settings['trained_on'] or 'unknown data'}. Figures are means over windows with their standard errors; maps "
        "are those of the predicted class. What each number means, and what it does not: docs/evaluation.md.\n\n"
        f"![scores, and three windows]({FILES[-1]})\n"
    )
    return "\n".join([head, *(markdown(table) for table in tables)])
