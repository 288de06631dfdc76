"""focus-run on a GigE Vision camera whose plug is pulled and put back."""

from __future__ import annotations

import os

import pytest

from support.fake_gige import ADDRESS, FOLDER, FakeGige, alone, require_aravis
from support.field import Field

pytestmark = pytest.mark.peer

#: 12 bands x 64 samples, as the toy model reads them.
FEATURES = ["PixelFormat=Mono8", "Width=64", "Height=12", "AcquisitionFrameRate=50"]
GIVEN = ["--wavelengths", "450:945", "--quantity", "reflectance", "--scale", "255", "--policy", "live"]


def test_a_camera_that_is_switched_off_and_on_goes_on_in_a_new_segment(tmp_path, monkeypatch):
    require_aravis(monkeypatch)
    field = Field(tmp_path)
    with alone():
        camera = FakeGige()
        try:
            features = [item for feature in FEATURES for item in ("--set", feature)]
            paths = os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")])
            run = field.run(*GIVEN, *features, uri=f"gige://{ADDRESS}", within=("env", f"PYTHONPATH={paths}"))
            field.heard("segment-0001")
            field.windows(1)
            camera.kill()
            field.heard("trying again until it is back")
            camera.start()
            field.heard("segment-0002")
            field.windows(2)
            run.terminate()
            assert run.wait(60) == 0
        finally:
            camera.kill()
            field.close()
    record = field.record()
    assert (record["state"], record["ended"]) == ("ended", "stopped by SIGTERM")
    for part in record["segments"]:
        counts = field.record(part["folder"])["summary"]["counts"]
        assert counts["received"] > 0 and counts["received"] + counts["missing"] + counts["rejected"] == part["lines"]
