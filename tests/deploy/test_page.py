"""docs/jetson.md: what it tells a rig builder to type exists."""

from __future__ import annotations

import re
import shlex
from functools import cache
from importlib import import_module

import pytest
from repository.tree import ROOT, project

PAGE = (ROOT / "docs/jetson.md").read_text(encoding="utf-8")
JETSON = (ROOT / "deploy/docker/jetson.Dockerfile").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    """Command lines of the page, without comments and sudo."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [line[1:] if line[0] == "sudo" else line for line in lines if line]


@cache
def help_of(command: str) -> str:
    """What `--help` prints."""
    import contextlib
    import io

    module, _, function = project()["scripts"][command].partition(":")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        getattr(import_module(module), function)(["--help"])
    return printed.getvalue()


OURS = [line for line in commands() if line[0].rpartition("/")[2].startswith("focus-")]


@pytest.mark.parametrize("line", OURS, ids=" ".join)
def test_our_commands_have_these_options(line):
    command, *words = line
    options = [word for word in words if word.startswith("--")]
    text = help_of(command.rpartition("/")[2])
    assert not [option for option in options if option not in text]


def test_the_page_shows_every_step():
    named = {line[0].rpartition("/")[2] for line in OURS}
    assert named == {"focus-doctor", "focus-export", "focus-build", "focus-run"}


def test_files_of_the_repository_exist():
    files = {word for line in commands() for word in line if word.startswith(("deploy/", "requirements/"))}
    assert len(files) >= 6
    assert not [name for name in files if not (ROOT / name).is_file()]


def test_every_file_for_a_rig_is_installed_by_the_page():
    rig = [path for part in ("systemd", "udev", "sysctl") for path in (ROOT / "deploy" / part).iterdir()]
    assert len(rig) >= 5
    assert not [path.name for path in rig if f"deploy/{path.parent.name}/{path.name}" not in PAGE]


def test_page_and_image_take_the_same_packages():
    in_image = [set(found.split()) for found in re.findall(r'CUDA_PACKAGES="([^"]+)"', JETSON)]
    on_page = [set(re.findall(r'"([\w-]+==[\d.]+)"', line)) for line in PAGE.splitlines() if "cuda-bindings==" in line]
    assert len(on_page) == 2
    assert sorted(map(sorted, in_image)) == sorted(map(sorted, on_page))


def test_it_says_what_was_not_run():
    assert "No step of this page was run on a Jetson yet" in PAGE
