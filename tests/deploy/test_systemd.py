"""The systemd unit: systemd reads it without a word, and its command really runs and talks to systemd."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from repository.tree import ROOT

from focus.runtime.commands.run import _parser
from focus.runtime.serve import TOKEN_VARIABLE
from support.tools import tool

FOLDER = ROOT / "deploy/systemd"
UNIT = FOLDER / "focus-run.service"
SETTINGS = FOLDER / "focus-run.env"


class Repeated(dict):
    """Values of a key that stands several times come one a line."""

    def __setitem__(self, key, value):
        if key in self and isinstance(value, list):
            self[key].extend(value)
        else:
            super().__setitem__(key, value)


@pytest.fixture(scope="module")
def service():
    unit = configparser.RawConfigParser(strict=False, dict_type=Repeated, comment_prefixes="#", delimiters="=")
    unit.optionxform = str
    unit.read(UNIT, encoding="utf-8")
    return unit["Service"]


def settings() -> dict[str, str]:
    lines = SETTINGS.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def verified(path: Path) -> str:
    program = tool("systemd-analyze", "systemd")
    done = subprocess.run([program, "verify", str(path)], capture_output=True, text=True, timeout=60, check=False)
    # Containers lack units that are named here; whether those exist is not a matter of this file.
    lines = (done.stdout + done.stderr).splitlines()
    return "\n".join(line for line in lines if UNIT.name in line)


def test_systemd_has_nothing_to_say():
    assert verified(UNIT) == ""


def test_systemd_would_say_something(tmp_path):
    wrong = tmp_path / UNIT.name
    wrong.write_text(UNIT.read_text(encoding="utf-8").replace("WatchdogSec=2min", "WatchdogSec=2 ages\nWatchDog=1"))
    said = verified(wrong)
    assert "Failed to parse sec value" in said
    assert "WatchDog" in said


def test_it_is_watched_restarted_and_nobody(service):
    assert (service["Type"], service["User"], service["Restart"]) == ("notify", "focus", "on-failure")
    assert service["WatchdogSec"] == "2min"
    assert service["SuccessExitStatus"] == "143"
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp"):
        assert service[name] == "yes"


def test_what_would_hide_gpu_or_camera_or_stop_compilers_is_not_set(service):
    assert not {"PrivateDevices", "DeviceAllow", "DevicePolicy", "ProtectClock", "MemoryDenyWriteExecute"} & set(
        service
    )


def test_all_that_is_written_is_where_the_service_may_write(service):
    environment = service["Environment"].splitlines()
    places = [line.partition("=")[2] for line in environment if "CACHE" in line or "CONFIG" in line]
    assert len(places) == 4
    assert all(place.startswith("%C/focus") for place in places)
    assert service["CacheDirectory"] == service["StateDirectory"] == "focus"
    assert settings()["FOCUS_RESULTS"].startswith("/var/lib/focus/")
    assert service["ReadWritePaths"] == "-/data/focus"  # the page's place, which need not be there


def test_the_settings_are_all_that_the_command_uses(service):
    # focus-run reads the token itself: a command line can be seen by every user of the machine.
    assert set(re.findall(r"FOCUS_\w+", service["ExecStart"])) | {TOKEN_VARIABLE} == set(settings())


def command_of(service) -> str:
    """What systemd hands to the shell, with this environment's focus-run."""
    shell, option, command = shlex.split(service["ExecStart"])
    assert (shell, option) == ("/bin/sh", "-c")
    command = command.replace("$$", "$").replace("%%", "%")
    assert "/opt/focus/bin/focus-run" in command
    return command.replace("/opt/focus/bin/focus-run", f"{shlex.quote(sys.executable)} -c {shlex.quote(RUN)}")


RUN = "import sys; from focus.runtime.commands.run import main; sys.exit(main(sys.argv[1:]))"


def test_the_command_runs_as_the_settings_say_and_tells_systemd(service, tmp_path):
    address = f"/tmp/focus-unit-{os.getpid()}"
    environment = {
        **os.environ, **settings(), "NOTIFY_SOCKET": address, "FOCUS_CACHE": str(tmp_path / "cache"),
        "FOCUS_RESULTS": str(tmp_path / "runs"), "FOCUS_CAMERA": "sim:leaves=1,samples=256",
        "FOCUS_OPTIONS": "--backend onnxruntime --quiet",
    }  # fmt: skip
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        systemd.settimeout(60)
        try:
            done = subprocess.run(["/bin/sh", "-c", command_of(service)], env=environment, timeout=120, check=False)
            assert done.returncode == 0
            assert systemd.recv(4096).startswith(b"READY=1\nWATCHDOG=1")
        finally:
            Path(address).unlink()
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z", run.name)
    assert (run / "run.json").is_file()


def test_an_engine_and_options_become_arguments(service, tmp_path):
    show = tmp_path / "show"
    show.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    show.chmod(0o755)
    command = shlex.split(service["ExecStart"])[2].replace("$$", "$").replace("%%", "%")
    command = command.replace("/opt/focus/bin/focus-run", str(show))
    given = {"FOCUS_CAMERA": "replay:a b.hdr", "FOCUS_ENGINE": "/srv/my model.plan", "FOCUS_RESULTS": "/r"}
    given["FOCUS_OPTIONS"] = "--resample --cube"
    said = subprocess.run(
        ["/bin/sh", "-c", command], env={**os.environ, **given}, capture_output=True, text=True, check=True
    )
    words = said.stdout.splitlines()
    parsed = _parser().parse_args(words)
    assert (parsed.camera, str(parsed.engine), parsed.resample, parsed.cube) == (
        "replay:a b.hdr", "/srv/my model.plan", True, True,
    )  # fmt: skip


def test_the_user_can_be_made(tmp_path):
    program = tool("systemd-sysusers", "systemd")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text("video:x:44:\n")
    users = (FOLDER / "focus.sysusers.conf").read_text(encoding="utf-8")
    command = [program, f"--root={tmp_path}", "-"]
    done = subprocess.run(command, input=users, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^focus:.*:/var/lib/focus:", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)
    assert "video:x:44:focus" in (tmp_path / "etc/group").read_text()
