"""focus-run that is killed, and on a disk that is full: what was written before is there and opens."""

from __future__ import annotations

import json
import random
from contextlib import closing

import pytest

from support.field import Field
from support.killed import (
    OPTIONS,
    killed_at_the_start,
    killed_run,
    require_readable,
    require_replays,
    require_what_is_there_opens,
)

#: Runs a command on a small disk of its own, and copies what it left.
SMALL_DISK = """
size=$0 out=$1 kept=$2
shift 2
mkdir -p "$out" && mount -t tmpfs -o size="$size" none "$out" || exit 77
"$@"
code=$?
cp -r "$out/." "$kept"
exit $code
"""


@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_after_a_kill_every_file_opens_and_at_most_the_last_window_is_missing(tmp_path, options):
    segment = killed_run(tmp_path, options, random.uniform(0, 1))
    require_readable(segment)
    require_replays(segment, tmp_path / "toy.onnx", tmp_path / "replayed")


@pytest.mark.parametrize("options", [OPTIONS[0], OPTIONS[3]], ids=" ".join)
def test_a_kill_while_the_files_are_made(tmp_path, options):
    segment = killed_at_the_start(tmp_path, options, random.uniform(0, 0.3))
    require_what_is_there_opens(segment)


def on_a_small_disk(folder, size, *options):
    """Exit code and what it said, of a run whose folder, copied to ``kept``, is a disk of this size."""
    with closing(Field(folder)) as field:
        field.camera(400)
        within = ("unshare", "-rm", "sh", "-c", SMALL_DISK, size, field.out, folder / "kept")
        run = field.run("--record", "--cube", "--buffer", 4000, *options, within=within)
        code = run.wait(60)
        field.readers[0].join(10)
        said = "".join(field.said)
        if code == 77 or "unshare" in said:
            pytest.skip(f"to run this test: a user who may mount in a namespace of his own ({said.strip()})")
        return code, said


def test_a_full_disk_is_one_line_and_what_was_written_is_there(tmp_path):
    code, said = on_a_small_disk(tmp_path, "900k", "--min-free", "0")
    assert code == 1
    [line] = [line for line in said.splitlines() if "cannot write" in line]
    assert line.startswith("focus-run: cannot write ")
    assert line.endswith(": No space left on device; free some space or choose another --out")
    segment = tmp_path / "kept" / "segment-0001"
    require_readable(segment)
    assert json.loads((segment / "run.json").read_text())["state"] in ("running", "broken off")


def test_the_floor_under_the_free_space_ends_a_run_with_every_file_whole(tmp_path):
    code, said = on_a_small_disk(tmp_path, "3m", "--min-free", "1.5MB")
    assert code == 1 and "--min-free is 1.5 MB; all lines up to here are there" in said
    segment = tmp_path / "kept" / "segment-0001"
    found = require_readable(segment, whole=True)
    record = json.loads((segment / "run.json").read_text())
    assert record["state"] == "ended" and "--min-free is 1.5 MB" in record["ended"]
    assert record["summary"]["lines"] == found["lines"]
    assert {path.name for path in segment.iterdir()} == set(record["files"])
    require_replays(segment, tmp_path / "toy.onnx", tmp_path / "replayed")
