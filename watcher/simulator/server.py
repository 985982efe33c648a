"""The simulated Bedrock: plays scripts, answers Get and List as AWS does, and goes wrong when told to.

Source of the protocol: botocore's service model (bedrock, 2023-04-20; rest-json).  Loopback only: it checks no
signature.  Its methods may be called from any thread.

Not its business: what AWS would say (``jobs``, ``timeline``), what can go wrong (``faults``), the control API
(``control``).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import struct
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import msgspec
from aiohttp import web

from watcher import clock as wall
from watcher.errors import UsageError, WatchError
from watcher.model import CUSTOMIZATION
from watcher.simulator import faults
from watcher.simulator.control import routes
from watcher.simulator.documents import Document
from watcher.simulator.drill import Drill, shortened
from watcher.simulator.events import EventQueue
from watcher.simulator.faults import Asked, Fault, Faults, Kind, Operation
from watcher.simulator.jobs import Caller, Job, Jobs
from watcher.simulator.listing import parse
from watcher.simulator.listing import token as next_token
from watcher.simulator.plays import PLAYS, Play
from watcher.simulator.refusals import Refusal, expired_token, not_found
from watcher.simulator.services import services
from watcher.simulator.timeline import Script, begin

REMEMBERED = 10_000
"""How many requests the log holds; the counters hold all."""

_ODD_ROWS: list[object] = [None, 5, {"status": "InProgress"}, {"jobArn": None, "status": None}]

_SAME_TOKEN = next_token((0, "the end"))

_NO_LINGER = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s: close() sends RST, not FIN (socket(7))


class Request(msgspec.Struct, frozen=True):
    """One request that came: *at* epoch seconds; *what* is a Get's identifier or a List's query; *fault* spoilt it."""

    at: float
    operation: Operation
    what: str
    region: str
    fault: str


class Simulator:
    """A Bedrock of one's own.  *clock* returns epoch seconds.

    *revoked* holds access keys and session tokens that are over: who signs with one is told so.
    *drill* makes the jobs those of a fire drill; *events* is the queue that gets their state changes.
    """

    def __init__(self, *, clock: Callable[[], float] = wall.now, drill: Drill | None = None) -> None:
        self.clock, self.drill, self.events = clock, drill, EventQueue()
        self._jobs = {kind: Jobs(play) for kind, play in PLAYS.items()}
        self.requests: deque[Request] = deque(maxlen=REMEMBERED)
        self.counts: Counter[str] = Counter()
        self.revoked: set[str] = set()
        self._faults = Faults()

    @property
    def jobs(self) -> list[Job]:
        """All jobs: by kind, and of each kind in the order of their creation."""
        return [job for jobs in self._jobs.values() for job in jobs]

    def play(self, script: Script) -> str:
        """Begin a job now and return its ARN; of several jobs of one name, a Get by name finds the latest."""
        jobs = self._jobs[script.kind]
        if self.drill:
            job_id = self.drill.job_id(script, jobs.count(script.name))
            script = shortened(script)
        else:
            job_id = secrets.token_hex(6)
        job = Job(begin(script, script.job_id or job_id, self.clock()))
        jobs.add(job)
        return job.run.arn

    def unused_name(self, script: Script) -> str:
        """Return the script's name, with a number behind it where another job of its kind has that name."""
        jobs, names = self._jobs[script.kind], (script.name, *(f"{script.name}-{n}" for n in range(2, 100_000)))
        return next(name for name in names if not jobs.count(name))

    def stop(self, identifier: str, *, seconds: float = 1.0) -> None:
        """Stop a running job: Stopping for *seconds* of real time, then Stopped.

        Raises Refusal when there is no such job (404) or when it does not run (409).
        """
        found = (jobs.find(identifier, Caller()) for jobs in self._jobs.values())
        job = next(filter(None, found), None)
        if job is None:
            raise not_found(identifier)
        job.stop(self.clock(), seconds)

    def inject(self, fault: Fault) -> None:
        """Make something go wrong from now on; raises UsageError when it never could."""
        self._faults.inject(fault, self.clock())

    def clear(self) -> None:
        """End all faults; what already hangs goes on hanging."""
        self._faults.clear()

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve on *host* and *port* (0: any free one) and yield the endpoint's URL.

        Raises UsageError when *host* is not a loopback address, WatchError when it cannot be listened on.
        """
        if not _is_loopback(host):
            raise UsageError(
                f"{host!r} is not a loopback address", "the simulated Bedrock serves 127.0.0.1 or ::1 only"
            )
        runner = web.AppRunner(self._application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else str(error)
                raise WatchError(
                    f"cannot listen on {host} port {port}: {reason}", "choose another --port; 0 takes a free one"
                ) from error
            shown = f"[{host}]" if ":" in host else host
            yield f"http://{shown}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                *(route for kind, play in PLAYS.items() for route in self._routes(kind, play)),
                web.post("/listTagsForResource", self._tags),
                services(self),
                *routes(self),
            ]
        )
        return application

    def _routes(self, kind: str, play: Play) -> Iterator[web.RouteDef]:
        """Yield the routes of a kind's two operations."""

        async def get(request: web.Request) -> web.Response:
            return await self._get(kind, play, request)

        async def listing(request: web.Request) -> web.Response:
            return await self._list(kind, play, request)

        yield web.get(play.list_path, listing)
        # Where the two share a path, an empty identifier is sent here: to AWS, too, that is a List.
        yield web.get(f"{play.list_path}/", listing)
        yield web.get(f"{play.get_path}/{{identifier:.+}}", get)

    async def _get(self, kind: str, play: Play, request: web.Request) -> web.Response:
        """Answer a Get."""
        now, caller = self.clock(), _caller(request)
        identifier = request.match_info["identifier"]
        job = self._jobs[kind].find(identifier, caller)
        asked = Asked("Get", play, [job.run] if job else [], caller.region, identifier)

        def answer(fault: Fault | None) -> bytes:
            if job is None:
                raise not_found(identifier, play.noun)
            if fault is None:
                return bytes(job.response(now))
            return msgspec.json.encode(faults.twist(fault, play, job.run.response(_phase(job, fault, now))))

        return await self._answer(request, asked, identifier, answer)

    async def _list(self, kind: str, play: Play, request: web.Request) -> web.Response:
        """Answer a List."""
        now, caller = self.clock(), _caller(request)
        try:
            page, token = self._jobs[kind].page(parse(request.query, play), caller, now)
        except Refusal as refusal:
            return _refuse(refusal)
        asked = Asked("List", play, [job.run for job in page], caller.region)

        def answer(fault: Fault | None) -> bytes:
            summaries: list[object] = [each for job in page for each in _summaries(job, fault, now)]
            gone_wrong = fault.kind if fault else None
            document: Document = {play.rows: summaries + (_ODD_ROWS if gone_wrong is Kind.ODD_ROWS else [])}
            more = _SAME_TOKEN if gone_wrong is Kind.LOOPING_TOKEN else token
            if more:
                document["nextToken"] = more
            return msgspec.json.encode(document)

        return await self._answer(request, asked, request.query_string, answer)

    async def _tags(self, request: web.Request) -> web.Response:
        """Answer ListTagsForResource."""
        caller = _caller(request)
        arn = str(msgspec.json.decode(await request.read(), type=dict[str, str]).get("resourceARN", ""))
        found = (jobs.find(arn, caller) for jobs in self._jobs.values())
        job = next(filter(None, found), None)
        asked = Asked("Tags", PLAYS[CUSTOMIZATION], [job.run] if job else [], caller.region, arn)

        def answer(fault: Fault | None) -> bytes:
            del fault
            if job is None:
                raise not_found(arn, "resource")
            tags = job.run.script.tags
            return msgspec.json.encode({"tags": [{"key": key, "value": value} for key, value in tags.items()]})

        return await self._answer(request, asked, arn, answer)

    async def _answer(
        self, request: web.Request, asked: Asked, what: str, answer: Callable[[Fault | None], bytes]
    ) -> web.Response:
        """Log the request and answer it, well or as a fault has it."""
        now, caller = self.clock(), _caller(request)
        fault = self._faults.take(asked, now)
        self.counts[asked.operation] += 1
        self.requests.append(Request(now, asked.operation, what, asked.region, fault.kind if fault else ""))
        try:
            if not self.revoked.isdisjoint((caller.key, caller.token)):
                raise expired_token()
            if fault is None:
                return _respond(answer(None))
            return await _spoil(request, fault, asked, answer)
        except Refusal as refusal:
            return _refuse(refusal)


async def _spoil(
    request: web.Request, fault: Fault, asked: Asked, answer: Callable[[Fault | None], bytes]
) -> web.Response:
    """Return what *fault* makes of the answer; raises Refusal when it makes an error of it."""
    if fault.kind is Kind.HANG:
        await asyncio.Event().wait()  # cancelled when the client leaves, or the server stops
    if fault.kind is Kind.SLOW:
        await asyncio.sleep(fault.delay)
    if fault.kind is Kind.RESET and request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        request.transport.abort()
    refusal = faults.refusal(fault, asked)
    if refusal:
        raise refusal
    fixed = faults.fixed(fault)
    if fixed:
        response = _respond(fixed.body, status=fixed.status, content_type=fixed.content_type)
        response.headers.update(fixed.headers)
        return response
    body = answer(fault)
    return _respond(body[: len(body) // 2] if fault.kind is Kind.TRUNCATED else body)


def _summaries(job: Job, fault: Fault | None, now: float) -> list[msgspec.Raw | Document]:
    """Return what a List shows of one job: one summary, or as *fault* has it."""
    if fault is None or not fault.about(job.run):
        return [job.summary(now)]
    summary = faults.twist(fault, job.run.play, job.run.summary(_phase(job, fault, now)))
    return [summary] * {Kind.MISSING: 0, Kind.DUPLICATED: 2}.get(fault.kind, 1)


def _phase(job: Job, fault: Fault, now: float) -> int:
    """Return the phase to show: the present one, or the one before for a stale answer."""
    index = job.run.index(now)
    return max(index - 1, 0) if fault.kind is Kind.STALE else index


def _caller(request: web.Request) -> Caller:
    return Caller.of(request.headers.get("Authorization", ""), request.headers.get("X-Amz-Security-Token", ""))


def _respond(body: bytes, *, status: int = 200, content_type: str = "application/json") -> web.Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return web.Response(body=body, status=status, content_type=content_type, headers=headers)


def _refuse(refusal: Refusal) -> web.Response:
    response = _respond(msgspec.json.encode({"message": refusal.message}), status=refusal.status)
    response.headers.update(refusal.headers)
    return response


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
