"""The page and its endpoints."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from focus.runtime.serve._address import Address
from focus.runtime.serve._gate import Gate
from focus.runtime.serve._live import LiveSink
from focus.runtime.serve._metrics import metrics_text
from focus.runtime.serve._views import health_answer, place_view, plan_view, tick_view
from focus.runtime.serve._wire import packed_rows

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

#: HTML, CSS and JavaScript of the page.
PAGE = Path(__file__).with_name("page")

#: Seconds between two updates of the page.
TICK_S = 0.4

#: Rows of patches in one answer; who needs more asks again.
ROWS = 128


def live_app(
    live: LiveSink, address: Address, token: str | None = None, closing: Callable[[], bool] = lambda: False
) -> Starlette:
    """The application.

    Args:
        live: the run.
        address, token: see ``Gate``.
        closing: whether the server is about to stop; open streams end then.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    answers = Answers(live, closing)
    routes = [
        Route("/api/plan", answers.plan),
        Route("/api/events", answers.events),
        Route("/api/rows", answers.rows),
        Route("/api/place", answers.place),
        Route("/metrics", answers.metrics),
        Route("/healthz", answers.healthz),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Gate, address=address, token=token)])


class Answers:
    """One method an endpoint; see ``live_app``."""

    def __init__(self, live: LiveSink, closing: Callable[[], bool]) -> None:
        self._live, self._closing = live, closing

    async def plan(self, request: Request) -> Response:
        """See ``plan_view``."""
        from starlette.responses import JSONResponse

        return JSONResponse(plan_view(self._live))

    async def events(self, request: Request) -> Response:
        """Server-sent events, one ``tick_view`` each; ``?run=`` and ``?after=`` name the history that the page has, and
        its last point of the plots.
        """
        from starlette.responses import StreamingResponse

        ticks = self._ticks(request.query_params.get("run", ""), _whole(request, "after", -1))
        return StreamingResponse(ticks, media_type="text/event-stream")

    async def _ticks(self, run: str, after: int) -> AsyncIterator[str]:
        closing = False
        while not closing:
            closing = self._closing()
            if run != self._live.run:
                run, after = self._live.run, -1
            tick = tick_view(self._live, after)
            if tick["bins"]:
                after = tick["bins"][-1]["number"]
            yield f"data: {json.dumps(tick, separators=(',', ':'))}\n\n"
            if not closing:
                await asyncio.sleep(TICK_S)

    async def rows(self, request: Request) -> Response:
        """See ``packed_rows``: the rows of patches after ``?after=``, a few at a time."""
        from starlette.responses import Response

        after, live = _whole(request, "after", -1), self._live
        with live.lock:
            strip = live.strip
            found = strip.after(after, ROWS) if strip is not None else []
        width, columns = (strip.width, len(found[0].heatmap)) if strip is not None and found else (0, 0)
        return Response(packed_rows(found, width, columns), media_type="application/octet-stream")

    async def place(self, request: Request) -> Response:
        """See ``place_view``: the patch at ``?row=`` and ``?column=``."""
        from starlette.responses import JSONResponse

        found = place_view(self._live, _whole(request, "row", -1), _whole(request, "column", -1))
        if found is None:
            return JSONResponse({"error": "this place is not known any more; choose a newer one"}, 404)
        return JSONResponse(found)

    async def metrics(self, request: Request) -> Response:
        """See ``metrics_text``."""
        from starlette.responses import Response

        text, kind = metrics_text(self._live)
        return Response(text, headers={"Content-Type": kind})

    async def healthz(self, request: Request) -> Response:
        """See ``health_answer``."""
        from starlette.responses import JSONResponse

        code, answer = health_answer(self._live)
        return JSONResponse(answer, code)


def _whole(request: Request, name: str, otherwise: int) -> int:
    from starlette.exceptions import HTTPException

    text = request.query_params.get(name, str(otherwise))
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 12:
        raise HTTPException(400, f"{name} must be a whole number")
    return int(text)
