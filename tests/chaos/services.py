"""The other services of AWS that the daemon asks, with strangers in their place now and then.

STS (the jobs' account is reached by a role), the container's credentials, which assume that role, and an SQS queue.
Bedrock itself is elsewhere (``gateway``, ``front``).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from support_receivers import DROP, Reply, Request, web_receiver
from support_signin import SignIn

from chaos.gateway import ANSWERS, KINDS
from chaos.records import Look

ACCOUNT: Final = "123456789012"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/watch"
QUEUE: Final = "queue"
SERVICES: Final = ("STS", "SQS", "metadata")
"""Those in whose place somebody else may answer."""

STRANGERS: Final = tuple(kind for kind in KINDS if kind in ANSWERS)
_JSON: Final = {"Content-Type": "application/json"}
_KEY: Final = {"AccessKeyId": f"ASIA{ACCOUNT}", "SecretAccessKey": "testing", "Token": "of-the-container"}
_LASTS: Final = 3600.0
_IDLE: Final = 0.5
"""Seconds that an empty queue takes to answer."""


@dataclass
class Services:
    """The three at one address.  *asked* is what was spoilt, *answered* how often each was right."""

    luck: random.Random
    url: str = ""
    followed: int = 0
    asked: list[Look] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    _signing_in: SignIn = field(default_factory=SignIn)
    _trouble: tuple[str, str, float] = ("", "", 0.0)

    @property
    def env(self) -> dict[str, str]:
        """The environment of a process that has its credentials from here alone."""
        return {
            "AWS_ENDPOINT_URL_STS": self.url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}/role",
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
        }

    def obstruct(self, service: str, kind: str, seconds: float) -> None:
        """Answer in place of *service* for so many seconds."""
        assert service in SERVICES
        assert kind in STRANGERS
        self._trouble = (service, kind, time.time() + seconds)

    def clear(self) -> None:
        """End all trouble."""
        self._trouble = ("", "", 0.0)

    def answer(self, request: Request) -> Reply:
        """Answer one request, as the service that it is for or as a stranger."""
        if request.path.endswith("/liar"):
            self.followed += 1
            return Reply(200, "{}", _JSON)
        service = "SQS" if "X-Amz-Target" in request.headers else "metadata" if request.path == "/role" else "STS"
        troubled, kind, until = self._trouble
        if service == troubled and time.time() < until:
            self.asked.append(Look(time.time(), "", fault=f"{service}: {kind}"))
            return self._stranger(kind)
        self.counts[service] = self.counts.get(service, 0) + 1
        return self._genuine(service, request)

    def _genuine(self, service: str, request: Request) -> Reply:
        if service == "SQS":
            time.sleep(_IDLE)
            return Reply(200, "{}", {"Content-Type": "application/x-amz-json-1.0"})
        if service == "metadata":
            end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3 * _LASTS))
            return Reply(200, json.dumps({**_KEY, "Expiration": end}), _JSON)
        return self._signing_in.answer(request)

    def _stranger(self, kind: str) -> Reply:
        answer = self.luck.choice(ANSWERS[kind])
        body = answer.body.decode("utf-8", "replace")
        if answer.status == 204 or self.luck.random() < 0.1:
            return Reply(instead=DROP)
        return Reply(answer.status, body, {"Content-Type": answer.content_type, **answer.headers})


@contextmanager
def services(seed: str) -> Iterator[Services]:
    """Serve the three on loopback."""
    made = Services(random.Random(seed))
    with web_receiver() as receiver:
        made.url, receiver.answer = receiver.url, made.answer
        yield made
