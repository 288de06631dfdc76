"""focus-doctor: the table, the JSON document, and exit code 0 whatever is absent."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from focus.runtime import doctor
from focus.runtime.commands.doctor import main
from focus.runtime.doctor import Facts
from focus.runtime.doctor._cameras import CameraFacts, CameraNode
from focus.runtime.doctor._examine import examine_with
from focus.runtime.doctor._gpus import Gpu, GpuFacts
from focus.runtime.doctor._jetson import JetsonFacts
from focus.runtime.doctor._packages import PackageFacts
from focus.runtime.doctor._places import PlaceFacts

PAGE = Path(__file__).resolve().parents[3] / "docs" / "doctor.md"

RICH = {
    "gpu": GpuFacts(True, (Gpu("Orin", "8.7", 8 * 2**30, True),), None, "12.6"),
    "jetson": JetsonFacts(True, "NVIDIA Jetson Orin Nano", "36.4.3", "6", None, None),
    "cameras": CameraFacts((CameraNode("/dev/hsi0", "V4L2", "video0", "Line [camera]", True, "video"),)),
    "packages": (PackageFacts("tensorrt", "broken", "10.3", reason="libnvinfer.so.10 is not there"),),
    "places": (PlaceFacts("results", "/data", 10**12, False),),
}


@pytest.fixture
def told(monkeypatch, capsys):
    """What the command prints for given facts."""

    def tell(found, *arguments):
        report = examine_with({topic: (lambda value=value: value) for topic, value in found.items()})
        monkeypatch.setattr(doctor, "examine", lambda: report)
        assert main(list(arguments)) == 0
        printed = capsys.readouterr()
        assert not printed.err
        return printed.out

    return tell


def test_this_machine_as_json(capsys):
    assert main(["--json"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert not printed.err
    assert list(document) == ["schema", "facts", "abilities", "advice", "unknown"]
    assert document["schema"] == 1
    assert list(document["facts"]) == [field.name for field in fields(Facts)]
    assert document["unknown"] == []
    assert document["facts"]["processor"]["usable_cores"] >= 1
    works = {one["name"]: one["works"] for one in document["abilities"]}
    assert works["onnxruntime"] is True


def test_this_machine_as_a_table(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "what of FOCUS works here" in printed
    assert re.search(r"onnxruntime +\d+\.\d+", printed)
    assert "\x1b" not in printed


def test_a_jetson_as_a_table(told):
    printed = told(RICH)
    for words in (
        "NVIDIA Jetson Orin Nano, L4T 36.4.3, JetPack 6",
        "not known (try sudo nvpmodel -q)",
        "Orin, compute capability 8.7, 8.0 GiB shared",
        "/dev/hsi0 -> video0: V4L2, Line [camera]",
        "10.3 does not load: libnvinfer.so.10 is not there",
        "cannot be written",
        'pip install "focus-hsi[openvino]"    # openvino',
    ):
        assert words in printed


def test_commands_are_not_folded(told):
    lines = told(RICH).splitlines()
    assert any(line.startswith("pip uninstall --yes onnxruntime && pip install") for line in lines)


def test_nothing_at_all(told):
    printed = told({"packages": ()})
    assert "not found (not looked at)" in printed
    assert json.loads(told({"packages": ()}, "--json"))["facts"]["gpu"]["gpus"] == []


def test_the_page_names_every_field():
    text = PAGE.read_text(encoding="utf-8")
    values = [
        value
        for one in examine_with(
            {topic: (lambda value=value: value) for topic, value in RICH.items()}
        ).facts.__dict__.values()
        for value in (one if isinstance(one, tuple) else (one,))
    ]
    values += [Gpu(""), CameraNode("", "V4L2")]
    names = {field.name for value in values if is_dataclass(value) for field in fields(value)}
    assert len(names) > 30
    assert not [name for name in sorted(names) if f"`{name}`" not in text]
