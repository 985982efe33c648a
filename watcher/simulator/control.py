"""The control API, under ``/_simulator/``: what a test or a fire drill in another process asks of the simulator.

``POST jobs`` begins a ready script: ``{"scenario": "failing", "name": "nova-legal-v1", "speed": 60}``.  In a drill what
the order leaves out is the drill's: account, region, speed and tags.  Without a name it gets one that no job has.
``GET jobs`` gives every job with the truth: the response that a Get without faults would have.
``POST jobs/{ARN or name}/stop`` stops a running job (``?seconds=`` of Stopping).
``POST faults`` injects a fault: ``{"kind": "throttled", "operation": "Get", "count": 3}``; ``DELETE faults`` ends all.
``GET requests`` gives the counters by operation, and the latest requests.

Not its business: AWS's API (``server``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from aiohttp import web

from watcher.errors import UsageError
from watcher.simulator.faults import Fault
from watcher.simulator.refusals import Refusal
from watcher.simulator.scripts import SCENARIOS
from watcher.simulator.timeline import Script

if TYPE_CHECKING:
    from watcher.simulator.server import Simulator

VERSION = 1

_LONGEST_STOP = 86_400.0
_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})

Handler = Callable[[web.Request], Awaitable[web.Response]]


class Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A job to play: a ready script, and what to change in it (see Script; *at* is of ``failing`` alone)."""

    scenario: str
    name: str | None = None
    region: str | None = None
    account: str | None = None
    base_model: str | None = None
    job_id: str | None = None
    failure_message: str | None = None
    at: Literal["validationDetails", "trainingDetails"] | None = None
    speed: float | None = None
    tags: dict[str, str] | None = None

    def script(self, defaults: Mapping[str, Any]) -> Script:
        """Return the script that is ordered, with *defaults* for what it leaves out.

        Raises UsageError when there is no such scenario, or when it has no such member.
        """
        given = {key: value for key, value in msgspec.structs.asdict(self).items() if value is not None}
        changes = {**defaults, **given}
        scenario = changes.pop("scenario")
        if scenario not in SCENARIOS:
            raise UsageError(f"no scenario {scenario!r}", f"one of {', '.join(SCENARIOS)}")
        try:
            return SCENARIOS[scenario](**changes)
        except TypeError as error:
            raise UsageError(f"{scenario} cannot be changed so: {error}") from error


def routes(simulator: Simulator) -> list[web.RouteDef]:
    """Return the routes of the control API."""
    control = _Control(simulator)
    return [
        web.post("/_simulator/jobs", _explained(control.play)),
        web.get("/_simulator/jobs", _explained(control.truth)),
        web.post("/_simulator/jobs/{identifier:.+}/stop", _explained(control.stop)),
        web.post("/_simulator/faults", _explained(control.inject)),
        web.delete("/_simulator/faults", _explained(control.clear)),
        web.get("/_simulator/requests", _explained(control.requests)),
    ]


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def play(self, request: web.Request) -> web.Response:
        order = msgspec.json.decode(await request.read(), type=Order)
        drill = self._simulator.drill
        script = order.script(drill.defaults if drill else {})
        if order.name is None:
            script = replace(script, name=self._simulator.unused_name(script))
        return _json({"arn": self._simulator.play(script), "name": script.name}, status=201)

    async def truth(self, request: web.Request) -> web.Response:
        del request
        now = self._simulator.clock()
        return _json(
            {"jobs": [{"status": job.status(now), "response": job.response(now)} for job in self._simulator.jobs]}
        )

    async def stop(self, request: web.Request) -> web.Response:
        seconds = msgspec.convert(request.query.get("seconds", "1"), float, strict=False)
        if not 0 <= seconds <= _LONGEST_STOP:  # also refuses a NaN
            raise UsageError(f"seconds={seconds}: not from 0 to {_LONGEST_STOP:g}")
        self._simulator.stop(request.match_info["identifier"], seconds=seconds)
        return _json({})

    async def inject(self, request: web.Request) -> web.Response:
        self._simulator.inject(msgspec.json.decode(await request.read(), type=Fault))
        return _json({}, status=201)

    async def clear(self, request: web.Request) -> web.Response:
        del request
        self._simulator.clear()
        return _json({})

    async def requests(self, request: web.Request) -> web.Response:
        del request
        return _json({"counts": self._simulator.counts, "requests": list(self._simulator.requests)})


def _explained(handler: Handler) -> Handler:
    """Return *handler* answering a request that cannot be carried out with the reason."""

    async def explained(request: web.Request) -> web.Response:
        if reason := foreign(request) or _not_json(request):
            return _json({"message": reason}, status=403)
        try:
            return await handler(request)
        except Refusal as refusal:
            return _json({"message": refusal.message}, status=refusal.status)
        except (UsageError, msgspec.ValidationError, msgspec.DecodeError) as error:
            return _json({"message": str(error)}, status=400)

    return explained


def foreign(request: web.Request) -> str:
    """Return why a request is not obeyed: a web page could have a browser send it.  Empty when it may be ours.

    A browser names the page in Origin (Fetch Standard, 3.1), sends JSON to a stranger only when that allows it, and
    keeps the name in Host that was made to lead here (DNS rebinding).
    """
    if request.url.host not in _HOSTS:
        return f"Host {request.host!r} is not this machine: use the address that simulate printed"
    if "Origin" in request.headers:
        return "it has an Origin, so a web page sends it"
    return ""


def _not_json(request: web.Request) -> str:
    """Return why a body is not obeyed: a form of a web page can send it.  Empty when none can."""
    if request.can_read_body and request.content_type != "application/json":
        return "the body is not JSON: send it with Content-Type: application/json"
    return ""


def _json(document: dict[str, Any], *, status: int = 200) -> web.Response:
    body = msgspec.json.encode({"version": VERSION, **document})
    return web.Response(body=body, status=status, content_type="application/json")
