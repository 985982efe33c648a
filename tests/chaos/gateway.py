"""What stands in AWS's place now and then: proxies, portals and other services that answer instead of Bedrock.

Each answer here is none of AWS's, whatever its status is; the daemon must not believe it, must not follow it, and must
go on.  The simulator's own faults (``watcher.simulator.faults``) are AWS's troubles; these are other people's.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from watcher.simulator import Simulator
from watcher.simulator.faults import Operation
from watcher.simulator.server import Request

_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json"
_TEXT: Final = "text/plain"
_PAGE: Final = b"<!DOCTYPE html><html><head><title>Not Found</title></head><body><h1>Not Found</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in AWS's place."""

    status: int
    content_type: str = _JSON
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


ANSWERS: Final[Mapping[str, tuple[Answer, ...]]] = {
    "html 404": (Answer(404, _HTML, _PAGE),),
    "other 404": (
        Answer(404, _TEXT, b"404 page not found\n"),
        Answer(404, _JSON, b'{"message": "Not Found"}'),
        Answer(404, _JSON, b'{"__type": "UnknownOperationException"}'),
        Answer(404, "application/xml", b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"),
        Answer(404),
    ),
    "html error": (
        Answer(403, _HTML, _PAGE.replace(b"Not Found", b"Access to this site is blocked")),
        Answer(407, _HTML, _PAGE.replace(b"Not Found", b"Proxy Authentication Required")),
        Answer(503, _TEXT, b"upstream connect error or disconnect/reset before headers"),
        Answer(403, _TEXT, b"RBAC: access denied"),
    ),
    "odd json": tuple(
        Answer(status, _JSON, body)
        for status in (400, 403, 404, 500, 502)
        for body in (b"null", b'"Forbidden"', b"[]", b"502", b'{"code": ["a"]}', b'{"__type": 7}', b"[" * 100_000)
    ),
    "odd ok": (
        *(Answer(200, _JSON, body) for body in (b"null", b"[]", b'"ok"', b"{}", b"[" * 100_000, b"\xff\xfe{}")),
        Answer(200, _HTML, b"\xef\xbb\xbf" + _PAGE),
        Answer(204),
        Answer(206, _JSON, b'{"status": "Failed"}'),
    ),
    "nothing": (Answer(200), Answer(403), Answer(500), Answer(503), Answer(504)),
    "lie": (  # a redirect to a place that says that every job has failed
        Answer(302, headers={"Location": "/liar"}),
        Answer(301, headers={"Location": "/liar"}),
        Answer(307, headers={"Location": "/liar"}),
        Answer(308, _HTML, _PAGE, {"Location": "//127.0.0.1:9/liar"}),
        Answer(302, headers={"Location": "http://[::1"}),
        Answer(302),
    ),
}
"""By the kind of trouble, what is answered; each request gets one of them."""

LOOP = "token loop"
"""Each page of a List names a next one: always the same, or one of two in turn."""

NULLS = "null rows"
"""Each page of a List is good, and has rows besides that are no jobs, as moto and others send them."""

KINDS: Final = (*ANSWERS, LOOP, NULLS)
LIST_ONLY: Final = frozenset({LOOP, NULLS})

_PATH = re.compile(r"/model-customization-jobs(?:/(?P<identifier>.+))?")
_REGION = re.compile(r"Credential=[^/]*/\d+/(?P<region>[^/]+)/bedrock/")
_ROWS: Final = "modelCustomizationJobSummaries"
_ODD_ROWS: Final = [None, 7, {}, {"jobArn": None}, {"jobName": "job-001", "status": "Failed"}, {"jobArn": "no ARN"}]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gateway(Simulator):
    """A simulator with a gateway in front of it: *in_place* of its answers, for *region* and *operation*, until then."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self._luck = random.Random(seed)
        self._trouble: tuple[str, str, str, float] = ("", "", "", 0.0)
        self.followed = 0

    def obstruct(self, kind: str, *, region: str, operation: str, seconds: float) -> None:
        """Answer in AWS's place from now on, for so many seconds.  *region* "" and *operation* "both" mean any."""
        assert kind in KINDS
        self._trouble = (kind, region, operation, time.time() + seconds)

    def clear(self) -> None:
        """End the gateway's trouble, and all faults."""
        self._trouble = ("", "", "", 0.0)
        super().clear()

    def _application(self) -> web.Application:
        @web.middleware
        async def stand_in(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._stand_in(request, handler)

        application = super()._application()
        application.middlewares.append(stand_in)
        return application

    async def _stand_in(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.endswith("/liar"):
            self.followed += 1
            return web.json_response({"status": "Failed", "failureMessage": "a lie"})
        path = _PATH.fullmatch(request.path)
        kind, region, operation, until = self._trouble
        if path is None or not kind or time.time() >= until:
            return await handler(request)
        found = _REGION.search(request.headers.get("Authorization", ""))
        asked_region = found["region"] if found else ""
        asked: Operation = "Get" if path["identifier"] else "List"
        if region not in ("", asked_region) or operation not in ("both", asked):
            return await handler(request)
        if kind in LIST_ONLY:
            return await self._twist(kind, request, handler) if asked == "List" else await handler(request)
        what = path["identifier"] or request.query_string
        self.requests.append(Request(time.time(), asked, what, asked_region, kind))
        return self._answer_with(self._luck.choice(ANSWERS[kind]))

    def _answer_with(self, answer: Answer) -> web.Response:
        headers = {"Content-Type": answer.content_type, **answer.headers}
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _twist(self, kind: str, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Return the good page, changed; the request counts as spoilt where the page is no use."""
        if kind == LOOP:
            now = request.query.get("nextToken", "")
            await asyncio.sleep(0.01)
            page: dict[str, Any] = {
                _ROWS: [],
                "nextToken": "two" if now == "one" and self._luck.random() < 0.5 else "one",
            }
            region = _REGION.search(request.headers.get("Authorization", ""))
            self.requests.append(
                Request(time.time(), "List", request.query_string, region["region"] if region else "", kind)
            )
            return web.json_response(page)
        response = await handler(request)
        if response.status != 200 or not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return response
        try:
            page = json.loads(response.body)
            rows = page[_ROWS]
        except (ValueError, KeyError, TypeError):
            return response
        odd = self._luck.sample(_ODD_ROWS, 3)
        nulls = [{**row, "customizationType": None, "endTime": row.get("endTime")} for row in rows]
        return web.json_response({**page, "nextToken": page.get("nextToken"), _ROWS: [*odd[:1], *nulls, *odd[1:]]})
