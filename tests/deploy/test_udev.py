"""The udev rules: udev reads them, and they say what they are meant to say."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from repository.tree import ROOT

from support.tools import tool

RULES = ROOT / "deploy/udev/70-focus-cameras.rules"
TOKEN = re.compile(r'([A-Z]+(?:\{[\w/]+\})?)(==|!=|\+=|-=|:=|=)"([^"]*)"')
MATCHES = {"ACTION", "KERNEL", "SUBSYSTEM", "ATTR", "ATTRS", "ENV"}
ASSIGNMENTS = {"SYMLINK", "GROUP", "MODE", "TAG", "GOTO", "LABEL", "ATTR"}


def rules(text: str) -> list[list[tuple[str, str, str]]]:
    """Rules as lists of (key, operator, value); a line that is no rule fails."""
    found = []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        tokens = [TOKEN.fullmatch(part) for part in line.split(", ")]
        assert all(tokens), f"no udev rule: {line}"
        found.append([token.groups() for token in tokens])
    return found


def offered() -> str:
    """The file with its commented rules switched on."""
    return re.sub(r"^#(?=[A-Z]+[=!{])", "", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)


def udev_says(path: Path) -> str:
    program = tool("udevadm", "udev")
    done = subprocess.run([program, "verify", str(path)], capture_output=True, text=True, check=False)
    if "Unknown command verb" not in done.stderr:
        return "" if done.returncode == 0 else done.stdout + done.stderr
    if os.geteuid() != 0:
        pytest.skip("this udevadm has no verify (it came with systemd 254); to run this test: be root")
    # Before 254 udev only reads rules where they are installed: in a mount namespace of its own, so that nothing is.
    folder = "/run/udev/rules.d"
    steps = ["mount -t tmpfs none /run", f"mkdir -p {folder}", f"cp {path} {folder}"]
    script = " && ".join([*steps, f"{program} test --action=add /sys/class/mem/null"])
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if f"{folder}/{path.name}" not in said:
        pytest.skip(f"to run this test: systemd 254, or a root that may mount ({said.strip()[-200:]})")
    return "\n".join(line for line in said.splitlines() if line.startswith(f"{folder}/{path.name}:"))


def test_udev_has_nothing_to_say(tmp_path):
    everything = tmp_path / RULES.name
    everything.write_text(offered(), encoding="utf-8")
    assert udev_says(everything) == ""


def test_udev_would_say_something(tmp_path):
    wrong = tmp_path / "71-wrong.rules"
    wrong.write_text('SUBSYSTEM=="usb", BOGUS=="1", MODE="0660"\n')
    assert "BOGUS" in udev_says(wrong)


def test_every_line_is_a_rule_of_known_keys():
    for rule in rules(offered()):
        for key, operator, _ in rule:
            known = MATCHES if operator in ("==", "!=") else ASSIGNMENTS
            assert key.partition("{")[0] in known, key


def test_jumps_have_their_label():
    values = {(key, value) for rule in rules(RULES.read_text(encoding="utf-8")) for key, _, value in rule}
    assert {value for key, value in values if key == "GOTO"} == {value for key, value in values if key == "LABEL"}


def test_a_rig_camera_gets_its_name_its_group_and_a_unit():
    named = [rule for rule in rules(offered()) if ("SYMLINK", "+=", "hsi0") in rule]
    assert len(named) == 2
    for rule in named:
        assert {("GROUP", "=", "video"), ("MODE", "=", "0660"), ("TAG", "+=", "systemd")} <= set(rule)
        assert ("SUBSYSTEM", "==", "video4linux") in rule


def test_nothing_gets_a_name_before_somebody_put_numbers_in():
    (rule,) = [one for one in rules(RULES.read_text(encoding="utf-8")) if ("SYMLINK", "+=", "hsi0") in one]
    assert ("ATTRS{idVendor}", "==", "0000") in rule


def test_no_camera_is_open_to_everybody():
    modes = [value for rule in rules(offered()) for key, _, value in rule if key == "MODE"]
    assert modes
    assert set(modes) == {"0660"}


def test_the_number_comes_before_the_rules_that_use_the_tag():
    # 73-seat-late.rules gives devices tagged uaccess to whoever sits at the machine.
    assert int(RULES.name[:2]) < 73


def test_sysctl_settings_are_numbers():
    text = (ROOT / "deploy/sysctl/70-focus-gige.conf").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"net\.core\.\w+ = \d+", line) for line in lines)
    assert len(lines) == 3
