"""What sending needs is imported at the start, and a send with all that it tries again has one deadline."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from support_receivers import Reply, Request, WebReceiver, mail_receiver, slack_says, web_receiver
from support_slack import BOT

from watcher.channels import Limits, open_channel
from watcher.channels.deadline import DEADLINES
from watcher.channels.wire import Wire
from watcher.channels.witness import Witness
from watcher.model import Failed, Message, Severity

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)

SEND = """
import os, sys, tempfile
from watcher.channels import open_channel, prepare
from watcher.model import Message, Severity

import gc

class Replaced:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(f"{name} was replaced")

{prepare}
directory = tempfile.mkdtemp()
os.chdir(directory)
os.rmdir(directory)
sys.meta_path.insert(0, Replaced())
for url in sys.argv[1:]:
    print(open_channel("ops", url).send(Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)))
"""


def sends(preparation: str, *urls: str) -> subprocess.CompletedProcess[str]:
    program = SEND.replace("{prepare}", preparation)
    return subprocess.run([sys.executable, "-c", program, *urls], capture_output=True, text=True, check=False)


def test_a_process_that_has_prepared_sends_though_its_files_and_its_directory_are_gone() -> None:
    with web_receiver() as web, mail_receiver() as mail:
        urls = (
            f"json://{web.address}/hook",
            f"ntfy://{web.address}/topic",
            f"mailto://127.0.0.1:{mail.port}/?from=a@example.com&to=b@example.com",
        )
        done = sends("prepare()", *urls)
    assert done.stdout.count("Sent(") == len(urls), done.stdout + done.stderr


def test_a_process_that_has_not_prepared_cannot() -> None:
    """Else the test above would show nothing."""
    assert "BadChannel" in sends("", "json://127.0.0.1:9/hook").stderr


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebReceiver]:
    request = Wire.request
    with web_receiver() as web:

        def there(wire: Wire, witness: Witness, method: str, url: str, **options: Any) -> Any:
            return request(wire, witness, method, f"{web.url}/{url.rpartition('/')[2]}", **options)

        monkeypatch.setattr(Wire, "request", there)
        yield web


def test_slacks_refused_message_and_the_plainer_one_share_one_deadline(
    slack: WebReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which ends the second request, although that one alone would have had the time."""
    begun: list[float] = []
    released = threading.Event()

    def within(seconds: float, late: Any) -> Any:
        begun.append(seconds)
        return real(seconds, late)

    def answer(_request: Request) -> Reply:
        if len(slack.requests) > 1:
            released.wait(30)
        return slack_says("invalid_blocks")

    real = DEADLINES.within
    monkeypatch.setattr(DEADLINES, "within", within)
    slack.answer = answer
    channel = open_channel("ops", BOT, limits=Limits(connect=5, read=20, total=1.0))
    begun.clear()
    verdict = channel.send(replace(NEWS, payload={"blocks": []}))
    released.set()
    channel.close()
    assert len(slack.requests) == 2
    assert begun == [1.0]
    assert isinstance(verdict, Failed)
    assert verdict.uncertain
    assert "within 1 s" in verdict.reason
