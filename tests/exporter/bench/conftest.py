from __future__ import annotations

from pathlib import Path

import pytest

from focus.exporter.bench import BenchSettings, ModelSpec

#: The smallest ViT that every row runs on; three groups, because the simulated sensor covers three ranges.
TINY = ModelSpec("tiny", "Tiny", "focus_vit_mini_patch8", 32, bands=24, classes=3, groups=3)


@pytest.fixture(scope="session")
def settings(tmp_path_factory) -> BenchSettings:
    return BenchSettings(
        tmp_path_factory.mktemp("bench"),
        threads=1,
        models=(TINY,),
        rounds=1,
        seconds=0.01,
        least_runs=2,
        most_runs=3,
        cubes=2,
        bands=(8,),
        starts=1,
        long_cubes=25,
    )


@pytest.fixture(scope="session")
def prepared(settings) -> Path:
    """The tiny model's folder, with everything that the rows share."""
    from focus.exporter.bench._prepare import prepare

    return prepare(TINY, settings.cubes, settings.work / TINY.name).folder
