"""Arbitrary bytes, statuses and headers in the place of Bedrock and SQS: nothing but a LookError, and nothing believed."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
import support_client
from hypothesis import example, given
from hypothesis import strategies as st
from support_fuzz import fuzzing
from support_jobs import arn, response
from support_sweep import Scene

from watcher.bedrock.answers import Answer
from watcher.bedrock.client import Keys, Look
from watcher.bedrock.credentials import Credentials
from watcher.bedrock.customization import KIND
from watcher.bedrock.queue import Queue
from watcher.bedrock.settings import Settings
from watcher.errors import LookError, LookFault
from watcher.model import StatusChanged, Vanished
from watcher.store import Store

environment = pytest.fixture(autouse=True)(support_client.nobodys_credentials)
waits = pytest.fixture(autouse=True)(support_client.waits)

_WORDS = (
    "ResourceNotFoundException",
    "AccessDeniedException",
    "InProgress",
    "Failed",
    "jobArn",
    "status",
    "code",
    "__type",
)
_BYTES = (
    st.binary(max_size=200)
    | st.sampled_from([b"", b"null", b"[]", b"{}", b"502", b"<html>", b"[" * 5000, b'{"a":' * 5000, b"\xef\xbb\xbf{}"])
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9) | st.sampled_from(_WORDS),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=4),
        max_leaves=6,
    ).map(lambda value: json.dumps(value).encode())
)
_HEADERS = st.dictionaries(
    st.sampled_from(["x-amzn-ErrorType", "Content-Type", "Retry-After", "Location", "x-amzn-query-error", "Date"]),
    st.sampled_from(
        ["", "ResourceNotFoundException", "a;b", ":", "#", "9" * 400, "-1", "nan", "/", "text/html", "\x80"]
    ),
    max_size=3,
)
_ANSWERS = st.tuples(st.integers(200, 599) | st.sampled_from([200, 302, 400, 403, 404, 429, 503]), _HEADERS, _BYTES)


def whole(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a response as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "Connection: close", "", ""])
    return head.encode("latin-1") + body


class Wire:
    """A server that sends *said* to whoever asks, and hangs up."""

    said = b""
    url = ""


@contextmanager
def wire() -> Iterator[Wire]:
    """Serve one on loopback."""
    made = Wire()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline(65536)) not in (b"\r\n", b"\n", b""):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.rfile.read(length)
            self.wfile.write(made.said)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """Let a client that hangs up do so."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def served() -> Iterator[Wire]:
    with wire() as one:
        yield one


async def asked(served: Wire) -> list[LookError]:
    """Ask for a job, a page, tags and messages; return what was raised."""
    settings = Settings(endpoint_url=served.url, read_timeout=5)
    look = Look(KIND, "us-east-1", Keys(Credentials(), settings))
    queue = Queue(f"{served.url}/123456789012/q", "us-east-1", Credentials(), settings)
    errors = []
    try:
        for ask in (lambda: look.get(arn(1)), lambda: look.page(0, None), lambda: look.tags(arn(1)), queue.receive):
            try:
                await ask()
            except LookError as error:
                errors.append(error)
    finally:
        await look.close()
        await queue.close()
    return errors


@fuzzing
@given(_ANSWERS)
@example((404, {"x-amzn-ErrorType": "ResourceNotFoundException"}, b"\xff"))
@example((404, {}, b'{"code": ["a"]}'))
@example((401, {"x-amzn-ErrorType": "\x80"}, b""))
def test_whatever_is_answered_only_aws_s_own_code_means_not_found(
    served: Wire, answer: tuple[int, dict[str, str], bytes]
) -> None:
    served.said = whole(*answer)
    for error in anyio.run(asked, served):
        assert error.what
        assert error.remedy
        if error.fault is LookFault.NOT_FOUND:
            assert 400 <= answer[0] < 500
            assert b"ResourceNotFoundException" in served.said
        if b"Exception" not in served.said and answer[0] in {401, 403, 404}:
            assert error.fault is LookFault.ENDPOINT


@fuzzing
@given(
    st.binary(max_size=300)
    | st.tuples(_ANSWERS, st.binary(max_size=40)).map(lambda one: whole(*one[0])[: -len(one[1]) or None])
)
def test_whatever_bytes_come_over_the_wire_nothing_but_a_look_error_is_raised(served: Wire, said: bytes) -> None:
    served.said = said
    anyio.run(asked, served)


class OverTheWire(Look):
    """A Look that is made anew for each call, in the loop of that call."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def _with(self, ask: Any) -> Any:
        look = Look(KIND, "us-east-1", Keys(Credentials(), Settings(endpoint_url=self._url, read_timeout=5)))
        try:
            return await ask(look)
        finally:
            await look.close()

    async def get(self, identifier: str) -> Answer:
        """Ask as the real one does."""
        got: Answer = await self._with(lambda look: look.get(identifier))
        return got

    async def page(self, created_after: float, token: str | None, status: str = "") -> Any:
        """Ask as the real one does."""
        return await self._with(lambda look: look.page(created_after, token, status))


@fuzzing
@given(st.lists(_ANSWERS, min_size=1, max_size=3))
def test_jobs_that_were_seen_are_neither_lost_nor_changed_by_what_aws_does_not_say(
    served: Wire, answers: list[tuple[int, dict[str, str], bytes]]
) -> None:
    """Four jobs run; whatever answers then, no event says that one has changed, unless in AWS's words."""
    with TemporaryDirectory() as directory:
        store = Store.open(Path(directory) / "fuzz.db")
        try:
            scene = Scene(store)
            scene.aws.jobs = {arn(number): response(number) for number in range(1, 5)}
            scene.watch(*range(1, 5))
            scene.turn()
            scene.group._eyes = OverTheWire(served.url)
            for answer in answers:
                served.said = whole(*answer)
                scene.turn(after=200)
            changes = [one for _, transitions in scene.told() for one in transitions]
        finally:
            store.close()
    named = any(b"ResourceNotFoundException" in whole(*answer) for answer in answers)
    assert named or not any(isinstance(one, Vanished) for one in changes)
    assert not any(isinstance(one, StatusChanged) for one in changes)
