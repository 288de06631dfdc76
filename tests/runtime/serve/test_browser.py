"""The live page in a real Chromium."""

from __future__ import annotations

import io
from dataclasses import replace
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from focus.runtime.serve import Address, LiveServer, LiveSink
from support.browser import Visit, chromium
from support.live import PATCH, ROWS, SAMPLES, SATURATED, Feed, Raised, summary

PHONE = {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
HERE = Address("127.0.0.1", 0)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def live(tmp_path, monkeypatch):
    monkeypatch.setattr("focus.runtime.serve._scores.BIN_S", 0.0)
    monkeypatch.setattr("focus.runtime.serve._live.SILENT_S", 600.0)  # between two steps of a test
    return LiveSink(tmp_path, Raised())


@pytest.fixture
def feed(live):
    feed = Feed(live)
    feed.rows(20 * ROWS)
    return feed


@pytest.fixture
def server(live):
    with LiveServer(live, HERE) as server:
        yield server


@pytest.fixture
def visit(browser, server):
    """Opens the page; at the end nothing may have gone wrong in it, and nothing may have been asked of other hosts."""
    visits = []

    def opened(**context):
        visits.append(Visit(browser, server.url, **context))
        return visits[-1]

    yield opened
    for visit in visits:
        assert not visit.said
        assert {urlsplit(url).netloc for url in visit.asked if not url.startswith("blob:")} == {str(server.address)}
        visit.close()


def drawn(visit):
    """Waits until the newest line is on the strip and nothing glides any more."""
    visit.until("$('empty').hidden && $('strip-at').textContent")
    settled(visit)


def settled(visit):
    before = visit.pixels()
    while True:
        visit.page.wait_for_timeout(100)
        after = visit.pixels()
        if (before == after).all():
            return
        before = after


def set_range(visit, identifier, value):
    visit.page.eval_on_selector(
        f"#{identifier}", "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )
    settled(visit)


def test_waits_for_the_first_lines_then_draws(visit, live):
    page = visit()
    page.until("$('state').textContent === 'starting'")
    assert page.page.locator("#empty").is_visible()
    feed = Feed(live)
    feed.rows(20 * ROWS)
    drawn(page)
    picture = page.pixels()
    assert picture[..., 3].any() and len(np.unique(picture[..., 0])) > 50
    assert page.text("what") == f"{feed.plan.source.name} · toy"
    for plot in ("#scores canvas", "#curve canvas"):
        assert len(np.unique(page.pixels(plot).reshape(-1, 4), axis=0)) > 10


def test_the_slider_and_the_map_change_the_overlay(visit, feed):
    page = visit()
    drawn(page)
    grey = lambda picture: (picture[..., 0] == picture[..., 1]) & (picture[..., 1] == picture[..., 2])  # noqa: E731
    full = page.pixels()
    assert not grey(full).all()
    set_range(page, "opacity", 0)
    bare = page.pixels()
    assert grey(bare).all() and bare[..., 3].any()
    set_range(page, "opacity", 40)
    assert 0 < np.abs(page.pixels().astype(int) - bare).mean() < np.abs(full.astype(int) - bare).mean()
    set_range(page, "opacity", 85)
    seen = {full.tobytes()}
    for name in ("viridis", "cividis", "magma"):
        page.page.select_option("#colours", name)
        settled(page)
        seen.add(page.pixels().tobytes())
    assert len(seen) == 4
    page.page.select_option("#ground", "colour")
    # What was chosen is there again the next time.
    page.page.reload()
    drawn(page)
    assert page.page.input_value("#colours") == "magma" and page.page.input_value("#ground") == "colour"


def test_saliency_lies_where_it_was_found(visit, live):
    """The feed's saliency grows with the column of patches, and columns run downwards."""
    Feed(live).rows(30 * ROWS)
    page = visit()
    drawn(page)
    full = page.pixels().astype(int)
    set_range(page, "opacity", 0)
    changed = np.abs(full - page.pixels()).sum(axis=(1, 2))
    height = len(changed)
    assert not changed[: height // 3].any() and changed[int(height * 0.75) : int(height * 0.9)].all()


def test_new_lines_come_by_themselves(visit, feed):
    page = visit(reduced_motion="no-preference")
    drawn(page)
    before, said = page.pixels(), page.text("strip-at")
    lines = page.page.locator("#health dt", has_text="Received").locator("xpath=..").locator("span")
    assert lines.inner_text() == f"{20 * ROWS * PATCH}"
    feed.rows(7)
    page.until("$('strip-at').textContent.endsWith(argument)", f"– {(20 * ROWS + 7) * PATCH}")
    settled(page)
    assert (page.pixels() != before).any() and page.text("strip-at") != said
    page.until(
        "[...document.querySelectorAll('#health dd span')].some((value) => value.textContent === argument)",
        f"{(20 * ROWS + 7) * PATCH}",
    )


def test_a_click_shows_a_spectrum(visit, feed):
    page = visit()
    drawn(page)
    assert page.page.locator("#place-hint").is_visible() and not page.page.locator("#place-legend").is_visible()
    box = page.page.locator("#strip").bounding_box()
    scale = box["height"] / SAMPLES
    # 10 rows before the newest, in the sixth column of patches.
    place = {"x": box["width"] - 9.5 * PATCH * scale, "y": 5.5 * PATCH * scale}
    page.page.locator("#strip").click(position=place)
    page.until("$('place-at').textContent !== ''")
    assert page.text("place-at") == f"line {(20 * ROWS - 10) * PATCH}, sample {5 * PATCH}"
    assert "saliency here" in page.text("place-legend") and "healthy 0.60" in page.text("place-legend")
    assert len(np.unique(page.pixels("#place canvas").reshape(-1, 4), axis=0)) > 10
    page.page.keyboard.press("ArrowUp")
    page.until("$('place-at').textContent.endsWith(argument)", f"sample {4 * PATCH}")
    page.page.locator("#strip").click(position={**place, "y": box["height"] - 2})
    page.until("$('place-hint').textContent === 'Nothing was measured here.'")


def test_without_t_a_click_shows_the_curve_of_the_window(visit, live):
    Feed(live, with_cube=False).rows(20 * ROWS)
    page = visit()
    drawn(page)
    page.page.locator("#strip").click(position={"x": 900, "y": 30})
    page.until("$('place-legend').textContent.includes('saliency of the window around')")


def test_targets_of_a_regression(visit, live):
    Feed(live, task="regression").rows(20 * ROWS)
    page = visit()
    drawn(page)
    page.until("$('scores-legend').textContent.includes('healthy0.')")
    assert len(np.unique(page.pixels("#scores canvas").reshape(-1, 4), axis=0)) > 10
    page.page.locator("#strip").click(position={"x": 900, "y": 30})
    page.until("$('place-score').textContent === 'healthy 0.600, chlorosis 0.300, water-soaked 0.100'")


def test_numbers_on_an_axis_are_short_and_none_is_said_twice(visit):
    ticks = [0, 1.2e-8, 1.4000000000000001e-8, -0.0025, 0.25, 12.5, 100]
    found = visit().page.evaluate("async (ticks) => ticks.map((await import('./plots.js')).short)", ticks)
    assert found == ["0", "1.2e-8", "1.4e-8", "-2.5e-3", "0.25", "12.5", "100"]


def test_pause_holds_the_view_and_not_the_run(visit, feed):
    page = visit()
    drawn(page)
    page.page.click("#pause")
    page.until("$('state').textContent === 'paused'")
    held, said = page.pixels(), page.text("strip-at")
    feed.rows(12)
    page.until(
        "[...document.querySelectorAll('#health dd span')].some((value) => value.textContent === argument)",
        f"{(20 * ROWS + 12) * PATCH}",
    )
    settled(page)
    assert (page.pixels() == held).all() and page.text("strip-at") == said
    page.page.click("#pause")
    page.until("$('strip-at').textContent.endsWith(argument)", f"– {(20 * ROWS + 12) * PATCH}")


def test_scrolls_back_and_to_the_newest_again(visit, live):
    Feed(live).rows(200 * ROWS)
    page = visit()
    drawn(page)
    newest = page.pixels()
    set_range(page, "back", 0)
    assert page.text("strip-at").startswith("lines 0 –") and (page.pixels() != newest).any()
    page.page.click("#newest")
    settled(page)
    assert page.text("strip-at").endswith(f"– {200 * ROWS * PATCH:,}") and not page.page.locator("#newest").is_visible()
    box = page.page.locator("#strip").bounding_box()
    page.page.mouse.move(box["x"] + 300, box["y"] + 100)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 600, box["y"] + 100, steps=5)
    page.page.mouse.up()
    page.until("!$('newest').hidden")
    assert page.page.locator("#place-hint").is_visible()  # a stroke is no click


def test_the_camera_s_loss_is_seen_and_its_return(visit, live, feed):
    page = visit()
    drawn(page)
    live.finish(summary())
    live.camera_lost("tcp://10.0.0.9 went away; trying again until it is back")
    page.until("$('state').textContent === 'camera lost'")
    notice = page.page.locator(".notice.bad")
    assert notice.inner_text() == "Camera lost: tcp://10.0.0.9 went away; trying again until it is back."
    assert page.page.title() == "camera lost · FOCUS live"
    picture = page.pixels()
    feed.restart()
    feed.rows(6)
    page.until("$('state').textContent === 'live' && !document.querySelector('.notice')")
    page.until("$('strip-at').textContent.endsWith(argument)", f"– {(20 * ROWS + 6) * PATCH}")
    settled(page)
    assert (page.pixels() != picture).any()


def test_snapshot_cubes_are_divided_by_a_dashed_line(visit, live):
    feed = Feed(live)
    for row in range(60):
        live.add_row(replace(feed.row(row), snapshot=row // 20))
    page = visit()
    drawn(page)
    black, white = ((page.pixels()[..., :3] == value).all(axis=2) for value in (0, 255))
    dashed = (black | white).all(axis=0) & black.any(axis=0) & white.any(axis=0)
    assert np.count_nonzero(np.diff(dashed.astype(int)) == 1) == 2


def test_silence_ends_and_flags_are_said(visit, live, feed, monkeypatch):
    page = visit()
    drawn(page)
    live.monitor.up = (SATURATED,)
    page.until("document.querySelector('.notice.warn')")
    assert page.page.locator(".notice.warn").inner_text() == (
        "Do not trust the maps blindly: saturated. 3 % of the samples are saturated; shorten the exposure."
    )
    live.monitor.up = ()
    monkeypatch.setattr("focus.runtime.serve._live.SILENT_S", 0.0)
    monkeypatch.setattr("focus.runtime.serve._live.SILENT_STRIPS", 0.0)
    page.until("$('state').textContent === 'no lines'")
    live.fail("No space left on device")
    page.until("$('state').textContent === 'failed'")
    assert page.page.locator(".notice.bad").inner_text() == "The run failed: No space left on device."


def test_comes_back_by_itself_after_the_server_was_restarted(browser, live, feed, tmp_path):
    with LiveServer(live, HERE) as server:
        address = server.address
        page = Visit(browser, server.url)
        drawn(page)
    page.until("$('state').textContent === 'no connection'")
    assert "No connection to the run." in page.page.locator(".notice.bad").inner_text()
    other = LiveSink(tmp_path)
    Feed(other).rows(9)
    with LiveServer(other, address):
        page.until(
            "$('state').textContent === 'live' && $('strip-at').textContent.endsWith(argument)", f"– {9 * PATCH}"
        )
        page.until("!document.querySelector('.notice')")
        settled(page)
        # The browser names what failed in between; nothing else went wrong.
        assert [said for said in page.said if not said.startswith("error: Failed to load resource: net::ERR_")] == []
        page.close()


def test_with_a_token(browser, live, feed):
    with LiveServer(live, HERE, "correct-horse-battery") as server:
        page = Visit(browser, server.url + "?token=correct-horse-battery")
        drawn(page)
        assert page.page.url == server.url and not page.said
        page.close()


def test_on_a_phone(visit, feed):
    page = visit(**PHONE)
    drawn(page)
    page.page.locator("#strip").tap(position={"x": 250, "y": 100})
    page.until("$('place-at').textContent !== ''")
    wide = page.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide == [360, 360]
    cut = page.page.evaluate(
        "[...document.querySelectorAll('main *, header *')]"
        ".filter((part) => part.getBoundingClientRect().right > 360.5).map((part) => part.outerHTML)"
    )
    assert not cut
    low = page.page.evaluate(
        "[...document.querySelectorAll('button, select')].filter((e) => !e.hidden && e.offsetHeight < 38).length"
    )
    assert low == 0


def test_the_snapshot_is_a_picture_of_what_is_seen(visit, feed):
    page = visit()
    drawn(page)
    with page.page.expect_download() as download:
        page.page.click("#snapshot")
    assert download.value.suggested_filename.startswith("focus-") and download.value.suggested_filename.endswith(
        "Z.png"
    )
    with Image.open(io.BytesIO(download.value.path().read_bytes())) as picture:
        image = np.asarray(picture.convert("RGB"))
    strip = page.pixels()
    shown = image[64 : 64 + strip.shape[0], 16 : 16 + strip.shape[1]]
    known = strip[..., 3] == 255
    np.testing.assert_array_equal(shown[known], strip[known][:, :3])
    assert len(image) > 64 + strip.shape[0] + 100


def test_light_and_dark(visit, feed):
    page = visit(color_scheme="dark")
    drawn(page)
    ground = lambda: page.page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    dark = ground()
    page.page.click("#theme")
    assert page.page.evaluate("document.documentElement.dataset.theme") == "light" and ground() != dark
