"""How many rows of patches a run has memory for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from focus.runtime.pipeline import Plan, Settings
from focus.runtime.sources import Replay
from support.scenes import cube
from support.toy_model import Toy

#: Rows of patches, 4 lines each, of lines of 12 bands, float32.
CAMERA = replace(Replay(cube(4, 18)).facts, lines=None)


def places(facts, **settings):
    return Plan(Toy().bundle(), facts, None, Settings(**settings), 5, None).places


@pytest.mark.parametrize(
    ("facts", "settings", "expected"),
    [
        (replace(CAMERA, lines=4), {}, 4),
        (CAMERA, {"buffer": 1}, 2 + 1),
        (CAMERA, {"buffer": 9}, 2 + 3),
        (CAMERA, {}, 2 + 1024 // 4),  # short lines: no more than so many
        (replace(CAMERA, samples=2**27 // 48 // 200), {}, 2 + 200 // 4),  # what 128 MiB hold
        (replace(CAMERA, samples=2**22), {}, 2 + 16),  # lines of 192 MiB: no fewer than so many
        (replace(CAMERA, cube_lines=2049), {}, 2 + 2 * 513),  # two whole cubes
    ],
)
def test_rows_of_patches_that_there_is_memory_for(facts, settings, expected):
    assert CAMERA.dtype == np.float32 and CAMERA.bands == 12
    assert places(facts, **settings) == expected


@pytest.mark.parametrize(
    ("recording", "policy", "expected"),
    [
        (True, None, "wait"),
        (True, "record", "record"),
        (True, "live", "live"),
        (False, None, "record"),
        (False, "live", "live"),
        (False, "record", "record"),
    ],
)
def test_a_recording_waits_unless_something_else_is_asked_for(recording, policy, expected):
    facts = replace(CAMERA, lines=4 if recording else None)
    assert Plan(Toy().bundle(), facts, None, Settings(policy=policy), 5, None).policy == expected
