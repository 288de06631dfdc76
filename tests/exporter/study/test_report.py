"""The report of fixed results: tables, claims that follow the numbers, and what is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from focus.exporter.evaluate import Cache, WindowResult
from focus.exporter.study.report import _examples, write_study_report
from focus.exporter.study.report._claims import claims_of
from focus.exporter.study.report._collect import Cell, collect
from focus.exporter.study.report._compare import compare, comparisons
from focus.runtime import FocusError

GROUP = "full, classification"
MACHINE = {"processor": "a processor", "cores": 2, "threads": 1, "versions": {"torch": "2.0"}, "commit": None}


def metrics(figures: dict[str, dict[str, list[float]]], accuracy: float, **more: Any) -> dict[str, Any]:
    """What a run leaves: name of the map -> figure -> values of its windows."""
    return {
        "answers": {name: {"accuracy": accuracy} for name in figures},
        "methods": {
            name: {key: [float(np.mean(values)), 0.0] for key, values in row.items()} for name, row in figures.items()
        },
        "attention": {},
        "sanity": {},
        "by_window": figures,
        "windows": {"all": 3},
        **more,
    }


def write_study(folder: Path, runs: dict[str, tuple[str, str, int, dict[str, Any] | None]]) -> Path:
    """A study's folder: name of the run -> table, row, split, and what it found or None."""
    entries = []
    for name, (table, row, split, found) in runs.items():
        place = folder / "runs" / name
        place.mkdir(parents=True)
        entries.append(
            {
                "table": table,
                "group": GROUP,
                "row": row,
                "seed": 1,
                "split": split,
                "run": f"runs/{name}",
                "trainings": [],
            }
        )
        if found is not None:
            (place / "metrics.json").write_text(json.dumps(found))
            (place / "facts.json").write_text(json.dumps({"name": name, "seconds": 90.0, "machine": MACHINE}))
    scale = {"seeds": 2, "splits": 1, "scenes": 8, "test": 4, "settings": {"epochs": 1}}
    backbone = {"name": "vit", "size": [32, 32], "weights_sha256": "0"}
    plan = {"layout": 1, "backbone": backbone, "scale": scale, "entries": entries}
    (folder / "study.json").write_text(json.dumps(plan))
    return folder


def two_runs(folder: Path, ours: float, theirs: float, **more: Any) -> Path:
    """FOCUS and one other method, two splits."""
    runs: dict[str, tuple[str, str, int, dict[str, Any] | None]] = {}
    for split in (1, 2):
        steps = np.array([-0.01, 0.0, 0.01])
        mine = {key: (ours + steps * split).tolist() for key in ("bio_5", "iou_leaf", "auprc")}
        other = {key: (theirs - steps).tolist() for key in ("bio_5", "iou_leaf", "auprc")}
        runs[f"focus-{split}"] = "benchmark", "focus", split, metrics({"FOCUS": mine}, 0.9, **more)
        runs[f"adapted-vit-{split}"] = "benchmark", "adapted-vit", split, metrics({"grad-cam": other}, 0.905)
    return write_study(folder, runs)


def verdicts(folder: Path) -> dict[str, bool | None]:
    return {claim.words: claim.holds for claim in claims_of(collect(folder))}


def test_claims_follow_the_numbers(tmp_path: Path) -> None:
    lead = verdicts(two_runs(tmp_path / "lead", 0.5, 0.3))
    assert lead["FOCUS leads every other method in BIO@5 by at least 0.15"] is True
    assert lead["FOCUS leads every other method in AUPRC by more than noise"] is True
    assert lead["FOCUS' accuracy is within one point of the best"] is True
    assert lead["the sink lowers collapse by at least 40 %"] is None
    behind = verdicts(two_runs(tmp_path / "behind", 0.3, 0.3))
    assert behind["FOCUS leads every other method in BIO@5 by at least 0.15"] is False
    assert behind["FOCUS leads every other method in AUPRC by more than noise"] is False


def test_a_lead_is_open_while_runs_are_missing(tmp_path: Path) -> None:
    folder = two_runs(tmp_path, 0.5, 0.3)
    plan = json.loads((folder / "study.json").read_text())
    plan["entries"].append({**plan["entries"][0], "row": "se-cnn", "run": "runs/never"})
    (folder / "study.json").write_text(json.dumps(plan))
    (claim,) = [one for one in claims_of(collect(folder)) if "BIO@5" in one.words]
    assert claim.holds is None and claim.found.endswith("; so far, runs are missing")


def test_sink_and_sanity_are_read_from_their_runs(tmp_path: Path) -> None:
    def sink(collapse: float) -> dict[str, Any]:
        return metrics({"FOCUS": {}}, 0.9, attention={"FOCUS": {"collapse": [collapse, 0.0]}})

    sanity = {
        "nothing learnt": {"T": [0.49, 0.0], "M": [-0.6, 0.0], "B": None},
        "untrained prompts": {"T": [0.7, 0.0], "M": [0.1, 0.0], "B": [0.1, 0.0]},
    }
    folder = write_study(
        tmp_path,
        {
            "without": ("sink", "without sink", 1, sink(0.5)),
            "with": ("sink", "sink and loss", 1, sink(0.2)),
            "with-alone": ("sink", "sink and loss", 2, sink(0.4)),
            "focus": ("benchmark", "focus", 1, metrics({"FOCUS": {"bio_5": [0.1]}}, 0.9, sanity=sanity)),
        },
    )
    found = {claim.words: claim for claim in claims_of(collect(folder))}
    claim = found["the sink lowers collapse by at least 40 %"]
    assert claim.holds is True and claim.found == "0.500 without, 0.200 with it: -60% (1 run)"
    ask = "with {} {} is another: its rank correlation is below 0.5"
    assert [found[ask.format("nothing learnt", key)].holds for key in "TMB"] == [True, False, None]
    assert found[ask.format("untrained prompts", "T")].holds is False
    assert found[ask.format("nothing learnt", "M")].found == (
        "0.600 on the mean, 0.600 to 0.600, not below in 1 of 1 run"
    )  # fmt: skip
    assert found["FOCUS leads every other method in BIO@5 by at least 0.15"].holds is None


def test_runs_are_paired_and_one_split_alone_is_open(tmp_path: Path) -> None:
    study = collect(two_runs(tmp_path, 0.5, 0.3))
    ours, theirs = (study.cells("benchmark", GROUP, name) for name in ("FOCUS", "grad-cam"))
    pair = compare(ours, theirs[1:], "bio_5")
    assert (
        pair is not None
        and (pair.splits, pair.runs) == (1, 1)
        and pair.difference == pytest.approx(0.2)
        and np.isnan(pair.p)
    )
    assert compare(ours, theirs, "pointing") is None
    study.tables["benchmark"][GROUP]["grad-cam"] = theirs[1:]
    alone = {claim.words: claim.holds for claim in claims_of(study)}
    assert alone["FOCUS leads every other method in AUPRC by more than noise"] is None


def test_rows_of_a_sweep_are_of_the_runs_that_all_have(tmp_path: Path) -> None:
    runs: dict[str, tuple[str, str, int, dict[str, Any] | None]] = {
        f"focus-{seed}": ("groups", "G = 10", seed, metrics({"FOCUS": {"bio_5": [0.1 * seed]}}, 0.9)) for seed in (1, 2)
    }
    five = metrics({"FOCUS": {"bio_5": [0.3]}}, 0.9)
    alone = collect(write_study(tmp_path / "alone", {**runs, "focus-never": ("groups", "G = 5", 1, None)}))
    assert "groups" not in alone.tables and len(alone.missing) == 1
    both = collect(write_study(tmp_path / "both", {**runs, "focus-five": ("groups", "G = 5", 1, five)}))
    found = {row: [cell.figures["bio_5"] for cell in cells] for row, cells in both.tables["groups"][GROUP].items()}
    assert found == {"G = 10": pytest.approx([0.1]), "G = 5": pytest.approx([0.3])}
    write_study_report(tmp_path / "both")
    assert "| G = 10 | 0.900 | 0.100 | 1 |" in (tmp_path / "both" / "report.md").read_text()
    write_study_report(tmp_path / "alone")
    assert "Table IV" not in (tmp_path / "alone" / "report.md").read_text()
    apart = collect(write_study(tmp_path / "apart", {**runs, "focus-five": ("groups", "G = 5", 3, five)}))
    assert "groups" not in apart.tables


def test_a_report_is_written_with_one_of_several_corruptions_and_without_what_is_no_number(tmp_path: Path) -> None:
    shares = {"FOCUS": {"ground": None, "band": 0.3}, "flat map": {"ground": 0.5, "band": None}}
    broken = metrics({"FOCUS": {"bio_5": [0.1]}}, 0.9, shortcut=shares, attention={"FOCUS": {"collapse": None}})
    folder = write_study(
        tmp_path,
        {
            "focus-noise": ("corruptions", "focus: noise 0.1", 1, metrics({"FOCUS": {"bio_5": [0.1]}}, 0.9)),
            "focus-more": ("corruptions", "focus: noise 0.3", 1, None),
            "focus-broken": ("spurious", "focus: broken", 1, broken),
        },
    )
    write_study_report(folder)
    text = (folder / "report.md").read_text()
    assert "| focus: broken | 0.900 | - | 0.300 | 1 |" in text and "| flat map | - | 0.500 | - | 1 |" in text
    assert not (folder / "corruptions.png").exists()
    for name in ("focus-noise", "focus-broken"):
        (folder / "runs" / name / "metrics.json").unlink()
    with pytest.raises(FocusError, match=r"nothing of the study in .* is finished; go on with it: focus-eval study"):
        write_study_report(folder)


def test_answers_are_compared_once_a_network(tmp_path: Path) -> None:
    """Seven ways to make maps of one network would be seven tests of the same accuracy."""
    rows = collect(two_runs(tmp_path, 0.5, 0.3)).tables["benchmark"][GROUP]
    before = comparisons(rows)
    rows["chefer"] = rows["grad-cam"]
    after = comparisons(rows)
    assert set(before["accuracy"]) == set(after["accuracy"]) == {"grad-cam"}
    assert set(after["bio_5"]) == {"grad-cam", "chefer"}


def test_the_test_is_one_that_can_tell_among_so_many_rows() -> None:
    def cells(value: float) -> list[Cell]:
        return [Cell(seed, split, {"bio_5": value + 0.01 * seed * split}, {}) for seed in (1, 2) for split in range(9)]

    for others, test in ((1, "signed-rank"), (14, "t")):
        rows = {"FOCUS": cells(0.5), **{f"map {number}": cells(0.1 * number) for number in range(others)}}
        assert {pair.test for pair in comparisons(rows)["bio_5"].values()} == {test}


def test_what_focus_does_alone_is_open_while_its_own_runs_are_missing(tmp_path: Path) -> None:
    sanity = {"nothing learnt": {"T": [0.4, 0.0], "M": [0.4, 0.0], "B": [0.6, 0.0]}}
    folder = two_runs(tmp_path, 0.5, 0.3, sanity=sanity)
    plan = json.loads((folder / "study.json").read_text())
    words = [f"with nothing learnt {key} is another: its rank correlation is below 0.5" for key in "TB"]
    for row, holds in (("se-cnn", [True, False]), ("focus", [None, False])):
        missing = [*plan["entries"], {**plan["entries"][0], "row": row, "run": "runs/never"}]
        (folder / "study.json").write_text(json.dumps({**plan, "entries": missing}))
        assert [verdicts(folder)[claim] for claim in words] == holds


def test_a_lead_beyond_noise_is_asked_of_each_other_method(tmp_path: Path) -> None:
    study = collect(two_runs(tmp_path, 0.5, 0.45))
    rows = study.tables["benchmark"][GROUP]
    # Further behind than grad-cam on the whole, but on one of the two splits alone.
    rows["chefer"] = [
        Cell(cell.seed, cell.split, {"auprc": value}, {"auprc": [value] * 3})
        for cell, value in zip(rows["grad-cam"], (0.5, 0.3), strict=True)
    ]
    (claim,) = [one for one in claims_of(study) if "AUPRC" in one.words]
    assert (
        claim.holds is False and claim.found.startswith("+0.100") and claim.found.endswith("over chefer, the nearest")
    )
    del rows["chefer"]
    (claim,) = [one for one in claims_of(study) if "AUPRC" in one.words]
    assert claim.holds is True and claim.found.endswith("over grad-cam, the nearest")


def test_seeds_of_a_split_count_as_one(tmp_path: Path) -> None:
    def cells(leads: dict[int, list[float]]) -> list[Cell]:
        return [
            Cell(seed, split, {"auprc": 0.5 + lead}, {"auprc": [0.5 + lead, 0.5 + lead, None]})
            for split, of_seeds in leads.items()
            for seed, lead in enumerate(of_seeds)
        ]

    theirs = cells({1: [0.0] * 4, 2: [0.0]})
    pair = compare(cells({1: [0.1, 0.2, 0.3, 0.2], 2: [-0.1]}), theirs, "auprc")
    assert pair is not None and (pair.splits, pair.runs, pair.ahead) == (2, 5, 1)
    assert pair.difference == pytest.approx(0.05)
    # Four runs of five are ahead, which says nothing of another split.
    assert pair.low == pytest.approx(-0.1) and pair.high > 0.15
    study = collect(two_runs(tmp_path, 0.5, 0.3))
    rows = study.tables["benchmark"][GROUP]
    rows["FOCUS"], rows["grad-cam"] = cells({1: [0.2] * 4, 2: [0.3]}), cells({1: [0.0] * 4, 2: [0.0]})
    (claim,) = [one for one in claims_of(study) if "AUPRC" in one.words]
    assert claim.holds is True
    assert claim.found == "+0.250 (95 % 0.200 to 0.300, ahead on 2 of 2 splits, 5 runs) over grad-cam, the nearest"


def test_a_lead_that_is_not_there_on_every_split_is_not_beyond_noise(tmp_path: Path) -> None:
    def cells(values: list[float]) -> list[Cell]:
        return [Cell(1, split, {"auprc": value}, {"auprc": [value] * 3}) for split, value in enumerate(values)]

    study = collect(two_runs(tmp_path, 0.5, 0.3))
    rows = {"FOCUS": cells([0.5] * 5), "chefer": cells([0.49] * 5), "rollout": cells([0.55, 0.3, 0.3, 0.3, 0.3])}
    study.tables["benchmark"][GROUP] = rows
    (claim,) = [one for one in claims_of(study) if "AUPRC" in one.words]
    assert claim.holds is False and "ahead on 4 of 5 splits" in claim.found and "over rollout" in claim.found


def test_the_title_says_which_splits_have_all_seeds(tmp_path: Path) -> None:
    folder = two_runs(tmp_path, 0.5, 0.3)
    plan = json.loads((folder / "study.json").read_text())
    for splits, words in ((3, "2 seeds x 3 splits"), (5, "5 splits, 2 seeds on the first 3")):
        plan["scale"]["splits"] = splits
        (folder / "study.json").write_text(json.dumps(plan))
        write_study_report(folder)
        assert (folder / "report.md").read_text().startswith(f"# vit at 32 x 32: {words}, 8 training")


def test_chance_and_ceiling_stand_under_table_one_and_are_no_method(tmp_path: Path) -> None:
    chance = {"bio_5": [0.04, 0.0], "ceiling_5": [1.0, 0.0], "bio_20": [0.19, 0.0], "ceiling_20": [0.65, 0.01]}
    folder = two_runs(tmp_path, 0.5, 0.3, chance=chance)
    study = collect(folder)
    assert {claim.found.rpartition(" over ")[2] for claim in claims_of(study) if "BIO@5" in claim.words} == {
        "grad-cam, the nearest"
    }
    write_study_report(folder)
    text = (folder / "report.md").read_text()
    assert "| by chance | - | 0.040 ± 0.000 | 0.190 ± 0.000 | - | - | 2 |" in text
    assert "| at best | - | 1.000 ± 0.000 | 0.650 ± 0.000 | - | - | 2 |" in text


def test_accuracy_is_compared_where_both_were_run(tmp_path: Path) -> None:
    """A run that only FOCUS has may be the hardest of all."""
    folder = two_runs(tmp_path, 0.5, 0.3)
    (folder / "runs" / "focus-2" / "metrics.json").write_text(json.dumps(metrics({"FOCUS": {"bio_5": [0.1]}}, 0.5)))
    study = collect(folder)
    study.tables["benchmark"][GROUP]["grad-cam"] = study.cells("benchmark", GROUP, "grad-cam")[:1]
    (claim,) = [one for one in claims_of(study) if "accuracy" in one.words]
    assert claim.holds is True and claim.found == "0.900; best grad-cam 0.905 (1 run)"
    behind = verdicts(two_runs(tmp_path / "behind", 0.5, 0.3))
    assert behind["FOCUS' accuracy is within one point of the best"] is True
    for seed in (1, 2):
        found = metrics({"grad-cam": {"bio_5": [0.1]}}, 0.911)
        (tmp_path / "behind" / "runs" / f"adapted-vit-{seed}" / "metrics.json").write_text(json.dumps(found))
    assert verdicts(tmp_path / "behind")["FOCUS' accuracy is within one point of the best"] is False


def test_the_report_says_what_is_missing_and_what_it_ran_on(tmp_path: Path) -> None:
    folder = two_runs(tmp_path, 0.5, 0.3)
    plan = json.loads((folder / "study.json").read_text())
    plan["entries"].append({**plan["entries"][0], "table": "sink", "row": "without sink", "run": "runs/never"})
    (folder / "study.json").write_text(json.dumps(plan))
    write_study_report(folder)
    text, page = (folder / "report.md").read_text(), (folder / "report.html").read_text()
    for content in (text, page):
        assert "sink: 1 of 1 runs (without sink x 1)" in content
        assert "a processor, 2 cores, threads: 1" in content
        assert "0.500 ± 0.000" in content and "does not hold" not in content.partition("Table I")[0]
    assert "| FOCUS | 0.900 ± 0.000 |" in text
    assert "<script" not in page and 'src="data:image/png' in page
    results = json.loads((folder / "results.json").read_text())
    assert results["missing"][0]["row"] == "without sink"
    assert results["comparisons"][GROUP]["bio_5"]["grad-cam"]["difference"] == pytest.approx(0.2)


def test_a_name_cannot_become_markup(tmp_path: Path) -> None:
    figures = {"<b>bold</b>": {"bio_5": [0.1]}}
    write_study(tmp_path, {"focus": ("benchmark", "focus", 1, metrics(figures, 0.9))})
    write_study_report(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;bold&lt;/b&gt;" in page and "<b>" not in page


def test_no_study_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FocusError, match="has no study; make one with focus-eval study --out"):
        write_study_report(tmp_path)
    (tmp_path / "study.json").write_text('{"layout": 0}')
    with pytest.raises(FocusError, match="was made by another version"):
        write_study_report(tmp_path)


def example(number: int, name: str, iou: float) -> WindowResult:
    """A lesioned window of 2 x 2 patches and two bands; the leaf of the third is all lesion, and has no order in it."""
    facts = {
        "scored": True,
        "number": number,
        "label": 0,
        "names": [name],
        "methods": {name: {"iou" if number == 2 else "iou_leaf": iou}},
        "answers": {name: {"shown": 1}},
    }
    picture, lesion = np.full((3, 8, 8), 0.2, np.float32), np.array([True, False, False, False])
    band = np.array([1.0, 2.0], np.float32)
    return WindowResult(facts, np.eye(1, 4, dtype=np.float32), band[None], picture, lesion, band)


def test_example_windows_are_drawn_whole_also_where_another_networks_window_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Figure] = []
    whole = _examples.png_of
    monkeypatch.setattr(_examples, "png_of", lambda figure: figures.append(figure) or whole(figure))
    window = {"patch": 4, "grid": [2, 2], "classes": ["healthy", "chlorosis"], "wavelengths_nm": [500.0, 600.0]}
    known = {"window": window, "windows": {"all": 5}}
    rows = {
        "focus": ("FOCUS", 5),
        "adapted-vit": ("grad-cam", 5),
        "prompt-cam": ("prompt-cam", 5),
        "se-cnn": ("se-cnn", 1),
    }
    runs = {
        row: ("benchmark", row, 1, metrics({shown: {"iou_leaf": [0.2, 0.8]}}, 0.5, **known))
        for row, (shown, _) in rows.items()
    }
    folder = write_study(tmp_path, runs)
    for row, (shown, kept) in rows.items():
        (folder / "runs" / row / "windows").mkdir()
        for number in range(kept):
            Cache(folder / "runs" / row).save(number, example(number, shown, 0.25 * number))
    write_study_report(folder)
    assert (folder / "examples-1.png").is_file()
    (figure,) = figures
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    # The worst and the three quarters: the scene, four maps and a curve each; the CNN's first window alone is there.
    assert [titles.index(f"{words}\nhealthy") for words in ("worst", "lower quarter", "middle", "upper quarter")] == [
        0, 6, 12, 18
    ]  # fmt: skip
    assert titles[4::6] == ["se-cnn, IoU 0.00\nsays chlorosis", "", "", ""]
    assert [axes.axison for axes in figure.axes] == [*[False] * 5, True] * 4
