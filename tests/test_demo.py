"""The demo: the real daemon, the simulated Bedrock, and everybody's own channels."""

from __future__ import annotations

import subprocess
import sys

from support_daemon import posted
from support_receivers import web_receiver

ENDINGS = (
    "[bedrock] COMPLETED nova-support-v3 after 3h12m",
    "[bedrock] COMPLETED titan-tickets-v7 after 1h50m",
    "[bedrock] FAILED nova-legal-v1 (training) after 1h30m",
    "[bedrock] STOPPED llama-triage-v2 (training) after 58m",
)


def demo(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watcher", "demo", *words], capture_output=True, text=True, timeout=120, check=False
    )


def test_the_demo_shows_every_ending_and_tells_the_users_own_channel_too() -> None:
    """And it says so when one of them was not reached."""
    with web_receiver() as hook:
        done = demo("--notify", f"json://{hook.address}/", "--notify", "json://127.0.0.1:9/")
        sent = [alert.title for alert in posted(hook)]
    assert done.returncode == 6, done.stdout + done.stderr
    assert "yours-2 was not told" in done.stdout
    for ending in ENDINGS:
        assert done.stdout.count(ending) == 1
        assert sent.count(ending) == 1


def test_the_demo_refuses_a_channel_that_is_none_before_it_begins() -> None:
    done = demo("--notify", "nosuch://x")
    assert done.returncode == 2
    assert "nosuch" in done.stderr
    assert done.stdout == ""
