"""What happens to rows that are wrong, fail, or take too much."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from focus.exporter.bench import SWEEP, BenchSettings, RowSpec, SweepSpec, _sweep
from focus.exporter.bench._answers import Answer, check_answers
from focus.exporter.bench._flops import Sizes, pass_flops
from focus.exporter.bench._ratios import targets_from_rows
from focus.exporter.bench._rounds import measure_rows
from focus.exporter.bench._sweep import measure_sweep
from focus.exporter.commands.bench import main

TESTS = Path(__file__).resolve().parents[2]
VANILLA = next(spec for spec in SWEEP if spec.name == "vanilla_full_spectrum")


def rows_of(kinds, prepared, settings, monkeypatch):
    """Measures peers of ``support.wrong_peer``."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    specs = [
        RowSpec(kind, f"support.wrong_peer:{kind}", "", {}, kind == "WithTorch", "plain_vit_openvino") for kind in kinds
    ]
    return measure_rows("tiny", prepared, specs, settings, lambda words: None)


def test_rows_that_are_wrong_or_fail_are_not_timed_and_say_why(prepared, settings, monkeypatch):
    wrong, torch, raising = rows_of(["Wrong", "WithTorch", "Raising"], prepared, settings, monkeypatch)
    assert wrong["state"] == "wrong"
    assert "heatmap differs by 0.1 from the naive network in torch" in wrong["note"]
    assert torch["state"] == "wrong"
    assert "imports torch" in torch["note"]
    assert raising["state"] == "failed"
    assert "ZeroDivisionError: on purpose" in raising["note"]
    assert not any("median_ms" in row for row in (wrong, torch, raising))


def test_a_missing_library_and_a_process_that_dies_are_marked(prepared, settings):
    absent = RowSpec("absent", "no_such_library:Peer", "", {}, False, "copy")
    dying = RowSpec("dying", "focus.exporter.bench.peers.stages:Copy", "", {"unknown": 1}, False, "copy")
    absent_row, dying_row = measure_rows("tiny", prepared, [absent, dying], settings, lambda words: None)
    assert (absent_row["state"], absent_row["note"]) == ("not available", "no_such_library is not installed")
    assert dying_row["state"] == "failed"
    assert "unexpected keyword argument" in dying_row["note"]


def test_a_point_without_memory_is_marked(prepared, settings, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    greedy = SweepSpec("vanilla_full_spectrum", "support.wrong_peer:Greedy", "")
    (row,) = measure_sweep(greedy, prepared, replace(settings, memory_limit_gb=1.0), lambda words: None)
    assert row["state"] == "out of memory"
    assert "median_ms" not in row


def test_points_that_would_take_too_long_are_estimated_from_one_block(prepared, settings, monkeypatch):
    sizes = Sizes(patches=16, width=160, blocks=6)
    asked = []

    def point(spec, folder, bands, blocks, settings):
        asked.append((bands, blocks))
        flops = pass_flops(spec.name, bands, sizes) * (1 if blocks is None else blocks / sizes.blocks)
        return {"state": "ok", "median_ms": 1e-6 * flops, "peak_mb": 100.0, "check": {}}

    monkeypatch.setattr(_sweep, "_point", point)
    seconds = [1e-9 * pass_flops(VANILLA.name, bands, sizes) for bands in (4, 8, 24)]
    settings = replace(settings, bands=(24, 4, 8), pass_limit_s=(seconds[1] + seconds[2]) / 2)
    first, second, last = measure_sweep(VANILLA, prepared, settings, lambda words: None)
    assert asked == [(4, None), (8, None), (24, 1)]
    assert first["state"] == second["state"] == "ok"
    assert last["state"] == "over the time limit"
    assert "median_ms" not in last
    assert last["estimated_ms"] == pytest.approx(1e3 * seconds[2])
    assert last["peak_mb"] == 100.0
    assert "one of 6 blocks" in last["note"]


def test_the_estimate_grows_as_the_networks_do():
    sizes = Sizes(patches=256, width=768, blocks=12)
    few, many = (pass_flops("vanilla_full_spectrum", bands, sizes) for bands in (8, 204))
    assert many / few > (204 / 8) ** 1.5
    assert pass_flops("torch_focus", 8, sizes) == pass_flops("torch_focus", 204, sizes)
    assert pass_flops("vanilla_full_spectrum", 1, sizes) == pass_flops("torch_focus", 204, sizes)


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (Answer(np.array([1.0, 2.0]), np.array([3.0])), True),
        (Answer(np.array([1.0, 2.01]), np.array([3.0])), False),
        (Answer(np.array([1.0, np.nan]), np.array([3.0])), False),
        (Answer(np.array([1.0, 2.0]), None), False),
        (Answer(np.array([1.0, 2.0]), np.array([[3.0]])), False),
    ],
)
def test_answers_pass_only_if_all_of_them_are_right(found, passed):
    wanted = Answer(np.array([1.0, 2.0]), np.array([3.0]))
    assert check_answers([wanted, found], [wanted, wanted], 1e-3, "the truth").passed is passed


def test_no_answer_is_no_pass():
    check = check_answers([Answer(None)], [Answer(None)], 1.0, "the truth")
    assert not check.passed
    assert str(check) == "gave no result to compare with the truth"


def test_estimates_count_as_what_vanilla_takes():
    rows = [
        {"name": "focus_openvino", "model": "m", "median_ms": 50.0, "peak_mb": 500.0},
        {"name": "vanilla_full_spectrum", "model": "m", "bands": 8, "median_ms": 100.0, "peak_mb": 600.0},
        {"name": "vanilla_full_spectrum", "model": "m", "bands": 204, "estimated_ms": 5000.0, "peak_mb": 5000.0},
    ]
    values = {target.name: target for target in targets_from_rows(rows, "m")}
    assert values["time_saved_against_vanilla"].value == pytest.approx(0.99)
    assert values["memory_saved_against_vanilla"].value == pytest.approx(0.9)
    assert values["memory_saved_against_vanilla"].met is True
    assert values["naive_over_focus"].value is None
    assert values["naive_over_focus"].met is None


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--rows", "fast"], "--rows has no fast; there are plain_vit_openvino, naive_ort"),
        (["--models", "vit-h14"], "--models has no vit-h14; there are vit-s14, vit-b16"),
        (["--threads", "0"], "--threads must be at least 1, got 0"),
        (["--rounds", "0"], "rounds must be at least 1, got 0"),
        (["--models", "vit-b16", "--weights", "x.safetensors"], "--weights needs vit-s14 among --models"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_measured(words, says, capsys, tmp_path):
    assert main([*words, "--json", str(tmp_path / "bench.json")]) == 2
    assert says in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_quick_leaves_out_what_takes_long(tmp_path):
    from focus.exporter.commands.bench import _settings, build_parser

    plain = BenchSettings(tmp_path, 1)
    quick = _settings(build_parser().parse_args(["--quick"]), plain)
    assert quick.bands == ()
    assert "focus_run_long" not in quick.rows
    assert quick.rounds < plain.rounds
