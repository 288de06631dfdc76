"""A whole rig under the eye of a browser: the camera is killed and started again, then the run is ended."""

from __future__ import annotations

import signal
import socket
import urllib.request

import pytest

from support.browser import Visit, chromium
from support.field import Field


@pytest.fixture
def field(tmp_path):
    found = Field(tmp_path)
    yield found
    found.close()


def test_a_camera_goes_and_comes_back_and_the_run_ends(field):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    first = field.camera()
    run = field.run("--serve", f"127.0.0.1:{port}", "--cube")
    field.heard(f"live page: http://127.0.0.1:{port}/")
    with chromium() as browser:
        page = Visit(browser, f"http://127.0.0.1:{port}/")
        page.until("$('state').textContent === 'live' && $('empty').hidden")
        received = "Number([...document.querySelectorAll('#health div')][6].querySelector('span').textContent)"
        page.until(f"{received} > 100")
        first.kill()
        page.until("$('state').textContent === 'camera lost'")
        notice = page.page.locator(".notice.bad").inner_text()
        assert notice.startswith("Camera lost: ") and "closed in the middle of the stream" in notice
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
        assert "focus_camera_up 0.0" in metrics and "focus_camera_losses_total 1.0" in metrics
        before = page.page.evaluate(received)
        field.camera()
        page.until(f"$('state').textContent === 'live' && {received} > argument", before + 40)
        page.page.locator("#strip").click(position={"x": 1190, "y": 100})
        page.until("$('place-at').textContent.startsWith('segment 2, line')")
        run.send_signal(signal.SIGTERM)
        page.until("$('state').textContent === 'ended' || $('state').textContent === 'no connection'")
        assert run.wait(60) == 0
        page.until("$('state').textContent === 'no connection'")
        assert not [said for said in page.said if not said.startswith("error: Failed to load resource: net::ERR_")]
        page.close()
    assert [part["folder"] for part in field.record()["segments"]] == ["segment-0001", "segment-0002"]
