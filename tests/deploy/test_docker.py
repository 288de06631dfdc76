"""Dockerfiles: hadolint finds nothing, and they agree with the repository."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import pytest
from repository.tree import ROOT, project, repository_files

DOCKERFILES = sorted((ROOT / "deploy/docker").glob("*.Dockerfile"))
#: From the extra dev.
HADOLINT = Path(sys.executable).with_name("hadolint")


def instructions(path: Path) -> list[tuple[str, str]]:
    """Instructions as (KEYWORD, rest), comments left out and continued lines joined."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def of(path: Path, keyword: str) -> list[str]:
    return [rest for word, rest in instructions(path) if word == keyword]


def arguments(path: Path) -> dict[str, str]:
    return {name: value.strip('"') for name, _, value in (rest.partition("=") for rest in of(path, "ARG"))}


each = pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)


def test_there_is_one_for_each_platform():
    assert [path.name for path in DOCKERFILES] == ["gpu.Dockerfile", "jetson.Dockerfile"]


@each
def test_hadolint_finds_nothing(dockerfile):
    done = subprocess.run([HADOLINT, "--no-color", str(dockerfile)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_hadolint_would_find_something(tmp_path):
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM debian:latest\nRUN apt-get install foo\n")
    assert subprocess.run([HADOLINT, str(bad)], capture_output=True, check=False).returncode != 0


@each
def test_every_base_is_pinned(dockerfile):
    values = arguments(dockerfile)
    stages = set()
    for base in of(dockerfile, "FROM"):
        image, _, stage = base.partition(" AS ")
        image = re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], image)
        assert image in stages or re.search(r"[:@](?!latest$)[\w.:-]+$", image), f"{image} has no tag"
        stages.add(stage)


@each
def test_bases_that_the_comments_offer_are_pinned_too(dockerfile):
    offered = re.findall(r"--build-arg BASE=(\S+)", dockerfile.read_text(encoding="utf-8"))
    assert all(re.search(r":(?!latest)[\w.-]+$", image) for image in offered)


@each
def test_copied_files_exist_and_reach_the_builder(dockerfile):
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for copied in of(dockerfile, "COPY"):
        *sources, _ = copied.split()
        for source in sources:
            assert (ROOT / source).exists(), f"COPY {source}: no such file"
            assert source == "." or any(fnmatch.fnmatch(source, pattern) for pattern in kept)


def test_the_builder_gets_all_that_a_wheel_is_made_of():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    needed = {
        "pyproject.toml",
        project()["readme"],
        *project()["license-files"],
        "exporter",
        "runtime",
        "kernels",
        "calib",
    }
    assert needed <= kept
    assert all((ROOT / name).exists() for name in kept)


@each
def test_named_extras_and_commands_exist(dockerfile):
    extras = {extra for extra in arguments(dockerfile).get("EXTRAS", "").split(",") if extra}
    assert extras <= set(project()["optional-dependencies"])
    (command,) = of(dockerfile, "CMD")
    assert command.strip('[]"') in project()["scripts"]


@each
def test_packages_that_are_named_are_pinned(dockerfile):
    text = dockerfile.read_text(encoding="utf-8")
    named = " ".join(re.findall(r'CUDA_PACKAGES="([^"]+)"', text)).split()
    named += re.findall(r"onnxruntime-gpu\S*", " ".join(of(dockerfile, "RUN")))
    assert named
    assert all(re.fullmatch(r"[a-z0-9-]+==[\d.]+", package) for package in named)


@each
def test_it_runs_as_a_user_of_its_own_with_its_data_outside(dockerfile):
    assert of(dockerfile, "USER")[-1] == "990"
    assert of(dockerfile, "VOLUME") == of(dockerfile, "WORKDIR")[-1:] == ["/data"]
    assert re.search(r"useradd --uid 990 .*--groups video", " ".join(of(dockerfile, "RUN")))


def test_deploy_is_in_the_repository():
    names = {path.relative_to(ROOT).as_posix() for path in repository_files()}
    assert {f"deploy/docker/{path.name}" for path in DOCKERFILES} <= names
