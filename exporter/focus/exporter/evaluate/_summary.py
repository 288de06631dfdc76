"""From windows to figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from focus.exporter.evaluate._window import WindowResult
from focus.exporter.metrics import accuracy, average_precision, mean_squared_error, r_squared
from focus.runtime._bundle import Target


def summarise(
    results: Sequence[WindowResult], settings: Mapping[str, Any], targets: Sequence[Target] = ()
) -> dict[str, Any]:
    """``results.json``: means over the windows that count, with their standard errors.

    Args:
        results: of every window, at least one.
        settings: what they are of.
        targets: the bundle's, of a regression.
    Returns: JSON values. ``windows`` counts them: in all, lesioned, of those left out because no patch is half lesion,
        and scored; ``answers`` (accuracy, or MSE and R2 of each target), ``attention`` and ``sanity`` are over all,
        ``chance`` and ``methods`` over the scored ones. A figure is [mean, standard error], or None where no window
        has it; pooled AUPRC is one number.
    """
    facts = [result.facts for result in results]
    scored = [result for result in results if result.facts["scored"]]
    lesioned = sum(fact["lesioned"] for fact in facts)
    return {
        "settings": dict(settings),
        "windows": {
            "all": len(facts),
            "lesioned": lesioned,
            "without_patch": lesioned - len(scored),
            "scored": len(scored),
        },
        "answers": {name: _answers(facts, name, targets) for name in facts[0]["names"]},
        "attention": {name: _means(fact["attention"][name] for fact in facts) for name in facts[0]["attention"]},
        "sanity": {
            name: {**_means(fact["sanity"][name] for fact in facts), "flat": _missing(facts, name)}
            for name in facts[0]["sanity"]
        },
        "chance": _means(result.facts["chance"] for result in scored),
        "methods": {
            name: _means(result.facts["methods"][name] for result in scored) | _pooled(scored, name)
            for name in (facts[0]["names"] if scored else [])
        },
    }


def _answers(facts: Sequence[Mapping[str, Any]], name: str, targets: Sequence[Target]) -> dict[str, Any]:
    """Accuracy, or MSE (in the unit's square) and R2 of each target."""
    logits = np.array([fact["answers"][name]["logits"] for fact in facts])
    if facts[0]["values"] is None:
        return {"accuracy": accuracy(logits, np.array([fact["label"] for fact in facts]))}
    mean, deviation = np.array([target.mean for target in targets]), np.array([target.deviation for target in targets])
    found, wanted = logits * deviation + mean, np.array([fact["values"] for fact in facts])
    errors, shares = mean_squared_error(found, wanted), r_squared(found, wanted)
    return {
        target.name: {"mse": float(error), "r2": float(share)}
        for target, error, share in zip(targets, errors, shares, strict=True)
    }


def _pooled(scored: Sequence[WindowResult], name: str) -> dict[str, float]:
    """AUPRC over the patches of all windows at once: whether a value of M means the same in every window."""
    row = scored[0].facts["names"].index(name)
    values = np.concatenate([result.heatmaps[row] for result in scored])
    return {"auprc_pooled": average_precision(values, np.concatenate([result.lesion for result in scored]))}


def _missing(facts: Sequence[Mapping[str, Any]], name: str) -> int:
    """Windows whose M is constant, so that it has no rank correlation."""
    return sum(fact["sanity"][name]["M"] is None for fact in facts)


def _means(rows: Iterable[Mapping[str, float | None]]) -> dict[str, list[float] | None]:
    columns: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row.items():
            columns.setdefault(key, [])
            if value is not None:
                columns[key].append(value)
    return {key: _mean(values) if values else None for key, values in columns.items()}


def _mean(values: Sequence[float]) -> list[float]:
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return [float(np.mean(values)), float(error)]
