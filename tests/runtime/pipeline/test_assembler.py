"""Lines into strips: nothing is closed up, nothing is held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus.runtime import FocusError
from focus.runtime.pipeline import Capture
from support.scenes import Scripted, cube

PATCH = 4


def capture(source, least_rows=1, places=1, **options):
    facts = source.facts
    memory = [np.zeros((PATCH, facts.bands, facts.samples), facts.dtype) for _ in range(places)]
    return Capture(source, PATCH, least_rows, memory, **options)


def assembled(source, least_rows=1):
    assembler, strips = capture(source, least_rows), []
    for strip in assembler.strips():
        strips.append(replace(strip, raw=strip.raw.copy()))
        strip.release()
    raw = np.concatenate([strip.raw for strip in strips], axis=1)
    arrived = np.concatenate([strip.arrived for strip in strips])
    return assembler.counts, strips, raw, arrived


@given(
    st.integers(1, 23), st.integers(1, 13), st.integers(1, 5), st.sets(st.integers(1, 21)), st.sets(st.integers(0, 22))
)
@settings(deadline=None, max_examples=60)
def test_every_line_has_its_place(lines, samples, least_rows, lost, damaged):
    scene = cube(lines, samples)
    lost = {line for line in lost if line < lines - 1}
    damaged = {line for line in damaged if line < lines} - lost - {0}
    sent = [line for line in range(lines) if line not in lost]
    counts, strips, raw, arrived = assembled(Scripted(scene, sent, damaged), least_rows)

    assert (counts.received, counts.missing, counts.rejected) == (len(sent) - len(damaged), len(lost), len(damaged))
    assert counts.lines == lines == sum(strip.lines for strip in strips)
    assert len(strips) == max(-(-lines // PATCH), least_rows)
    assert raw.shape == (12, len(strips) * PATCH, samples)
    good = sorted(set(sent) - damaged)
    assert list(np.flatnonzero(arrived)) == good
    np.testing.assert_array_equal(raw[:, good], scene.values[:, good])


def test_sequence_numbers_and_times_go_with_the_strips():
    _, strips, _, _ = assembled(Scripted(cube(10, 8), [100, 101, 104, 105, 106, 107, 108, 109], first=100))
    assert [strip.first_sequence for strip in strips] == [100, 104, 108]
    assert strips[0].times == (10**18 + 100 * 10**6, 10**18 + 101 * 10**6)
    assert strips[2].times == (10**18 + 108 * 10**6, 10**18 + 109 * 10**6)


def test_a_line_is_written_once_into_memory_that_stays():
    source, places = Scripted(cube(9, 8), range(9)), []
    for strip in capture(source).strips():
        places.append(strip.raw.__array_interface__["data"][0])
        strip.release()
    assert len(places) == 3 and len(set(places)) == 1


def test_refuses_a_source_that_goes_back_or_says_nothing():
    with pytest.raises(FocusError, match="cube went back from line 3 to 3; restart the camera"):
        assembled(Scripted(cube(8, 8), [2, 3, 3]))
    with pytest.raises(FocusError, match="cube sent no usable line"):
        assembled(Scripted(cube(8, 8), []))
    with pytest.raises(FocusError, match="cube sent no usable line"):
        assembled(Scripted(cube(8, 8), [0, 1], damaged=[0, 1]))
