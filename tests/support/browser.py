"""A real Chromium, and what a test asks of a page in it."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from support.tools import tool

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip

#: All pixels of a canvas, as the browser holds them.
PIXELS = """canvas => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
    return [btoa(text), width, height];
}"""


@contextmanager
def chromium():
    """A browser; the test is skipped where there is none."""
    from playwright.sync_api import sync_playwright

    path = tool("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """A page in a window of its own.

    Args:
        browser: see ``chromium``.
        url: where it is.
        context: of the window, e.g. ``viewport``.
    Attributes:
        page: Playwright's.
        said: what it wrote on the console, errors among it.
        asked: addresses that it asked for.
    """

    def __init__(self, browser, url, **context):
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **context}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(url)

    def until(self, condition, *arguments):
        """Waits for an expression in JavaScript to be true; ``$`` finds an element by its id."""
        script = f"argument => {{ const $ = (id) => document.getElementById(id); return ({condition}); }}"
        self.page.wait_for_function(script, arg=arguments[0] if arguments else None)

    def text(self, identifier):
        return self.page.locator(f"#{identifier}").inner_text()

    def pixels(self, selector="#strip"):
        """uint8 [h, w, 4] of a canvas."""
        import base64

        data, width, height = self.page.eval_on_selector(selector, PIXELS)
        return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)

    def close(self):
        self.context.close()
