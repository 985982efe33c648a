"""A Bedrock and a web hook that are nobody's bottleneck: bytes made beforehand, over a bare asyncio protocol.

Run as ``python -m bench.world JOBS [CERTIFICATE]``: it prints its ports as JSON and serves until its stdin ends.  All
jobs run and stand still until ``/_world/change/N`` lets training end for job N.  It notes, by the clock that all
processes share (CLOCK_MONOTONIC), when a response first carried that change, and when the hook was told.
Not its business: faults, histories and everything else that ``watcher.simulator`` plays.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 1000
ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/"

_LIST, _GET, _WORLD = "/model-customization-jobs", "/model-customization-jobs/", "/_world/"


def arn(number: int) -> str:
    """Return the ARN of the job of that number: its last twelve characters are the number."""
    return f"{ARN}{number:012d}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class World:
    """The jobs, and what was asked and told."""

    def __init__(self, jobs: int) -> None:
        self.began = time.time() - 600
        self.summaries = [self._summary(number) for number in range(jobs)]
        self.pages: dict[int, bytes] = {}
        self.counts: Counter[str] = Counter()
        self.carried: dict[int, float] = {}
        self.waiting: dict[int, set[int]] = {}
        self.told: list[tuple[float, bytes]] = []

    def answer(self, method: str, target: str, body: bytes) -> bytes:
        """Return the body of the answer to one request."""
        if method == "POST" and not target.startswith(_WORLD):
            self.told.append((time.monotonic(), body))
            return b"ok"
        if target.startswith(_GET):
            return self._get(int(unquote(target)[-12:]))
        if target.startswith(_LIST):
            return self._list(int(parse_qs(urlsplit(target).query).get("nextToken", ["0"])[0]))
        return json.dumps(self._control(*target.removeprefix(_WORLD).split("/"))).encode()

    def _control(self, verb: str, number: str = "") -> object:
        if verb == "change":
            self._change(int(number))
        elif verb == "told":
            return [(at, json.loads(body)) for at, body in self.told]
        elif verb == "times":
            return {"first": self.told[0][0], "last": self.told[-1][0]} if self.told else {}
        elif verb == "forget":
            self.told.clear()
        return {**self.counts, "told": len(self.told), "carried": self.carried}

    def _change(self, number: int) -> None:
        self.summaries[number] = self._summary(number, ended=time.time())
        self.pages.pop(number // PAGE, None)
        self.waiting.setdefault(number // PAGE, set()).add(number)

    def _list(self, index: int) -> bytes:
        self.counts["List"] += 1
        self.counts["cycles"] += index == 0
        for number in self.waiting.pop(index, ()):
            self.carried.setdefault(number, time.monotonic())
        if index not in self.pages:
            more = f',"nextToken":"{index + 1}"' if (index + 1) * PAGE < len(self.summaries) else ""
            rows = b",".join(self.summaries[index * PAGE : (index + 1) * PAGE])
            self.pages[index] = b'{"modelCustomizationJobSummaries":[' + rows + b"]" + more.encode() + b"}"
        return self.pages[index]

    def _get(self, number: int) -> bytes:
        self.counts["Get"] += 1
        if number in self.waiting.get(number // PAGE, ()):
            self.carried.setdefault(number, time.monotonic())
        more = {
            "outputModelName": f"model-{number:012d}",
            "clientRequestToken": f"token-{number:012d}",
            "roleArn": "arn:aws:iam::123456789012:role/bedrock-tuning",
            "hyperParameters": {"epochCount": "2", "batchSize": "1", "learningRate": "0.00001"},
            "trainingDataConfig": {"s3Uri": f"s3://training-data-bucket/{number:012d}/train.jsonl"},
            "validationDataConfig": {"validators": [{"s3Uri": f"s3://training-data-bucket/{number:012d}/val.jsonl"}]},
            "outputDataConfig": {"s3Uri": f"s3://training-output-bucket/{number:012d}"},
        }
        return json.dumps(json.loads(self.summaries[number]) | more).encode()

    def _summary(self, number: int, ended: float = 0.0) -> bytes:
        start = self.began
        steps = {
            "validationDetails": ("Completed", start, start + 60),
            "dataProcessingDetails": ("Completed", start + 60, start + 120),
            "trainingDetails": ("Completed" if ended else "InProgress", start + 120, ended or start + 300),
        }
        summary = {
            "jobArn": arn(number),
            "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0:300k",
            "jobName": f"job-{number:012d}",
            "status": "InProgress",
            "statusDetails": {
                name: {"status": status, "creationTime": _iso(began), "lastModifiedTime": _iso(changed)}
                for name, (status, began, changed) in steps.items()
            },
            "lastModifiedTime": _iso(ended or start + 300),
            "creationTime": _iso(start),
            "customizationType": "FINE_TUNING",
        }
        return json.dumps(summary, separators=(",", ":")).encode()


class _Http(asyncio.Protocol):
    """HTTP/1.1 with kept connections, as much of it as the clients here speak."""

    def __init__(self, answer: Callable[[str, str, bytes], bytes]) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length, lines = 0, head.split("\r\n")
            for line in lines[1:]:
                name, _, value = line.partition(":")
                if name.lower() == "content-length":
                    length = int(value)
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            method, target, _ = lines[0].split(" ", 2)
            reply = self._answer(method, target, body)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(reply)}\r\n\r\n"
            self._transport.write(head.encode() + reply)


async def serve(jobs: int, certificate: str) -> None:
    """Serve until stdin ends; with a certificate (PEM, with its key) the hook listens by TLS too."""
    loop = asyncio.get_running_loop()
    world = World(jobs)
    plain = await loop.create_server(lambda: _Http(world.answer), "127.0.0.1", 0)
    ports = {"http": plain.sockets[0].getsockname()[1]}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        secret = await loop.create_server(lambda: _Http(world.answer), "127.0.0.1", 0, ssl=context)
        ports["https"] = secret.sockets[0].getsockname()[1]
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
