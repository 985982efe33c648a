"""Slack on loopback: a workspace that answers chat.postMessage and incoming webhooks as Slack's documents say.

Its words and their order were taken from Slack's references of both.  What it does with a reply to a deleted message
(it posts it as a new message) is in no document: https://github.com/slack-go/slack/issues/1571.
Not its business: a server that is broken (``support_receivers``).
"""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack
from support_receivers import Reply, Request, WebReceiver, web_receiver

TOKEN = "xoxb-123456-123456-abcdefghijkl"
BOT = f"slack://{TOKEN}/#jobs"
HOOK = "slack://T12345678/B12345678/abcdefghijklmnop"

_MOST_BLOCKS = 50
_MOST_CHARACTERS = 3000  # of a section's text


@dataclass
class Workspace:
    """A workspace with one bot and one webhook; *posts* is what is in its channels, oldest first."""

    channels: dict[str, str] = field(default_factory=lambda: {"#jobs": "C0001", "#ops": "C0002"})
    posts: list[dict[str, Any]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    strict: bool = False

    def __call__(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith("/services/"):
            return self._hook(request)
        if request.path != "/api/chat.postMessage":
            return _answer(error="unknown_method")
        return self._post_message(request)

    def delete(self, ts: str) -> None:
        """Delete a message, as a person may."""
        self.gone.add(ts)

    def _hook(self, request: Request) -> Reply:
        if not HOOK.endswith(request.path.removeprefix("/services/")):
            return Reply(404, "no_service")
        fault = _fault(request.json)
        if fault:
            return Reply(400, fault)
        self.posts.append(request.json)
        return Reply(200, "ok")

    def _post_message(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _answer(error="invalid_auth")
        post = dict(request.json)
        channel = self.channels.get(post["channel"], post["channel"])
        if channel not in self.channels.values():
            return _answer(error="channel_not_found")
        fault = _fault(post)
        if fault:
            return _answer(error=fault)
        root = post.pop("thread_ts", None)
        here = {other["ts"] for other in self.posts if other.get("channel") == channel}
        if root in here - self.gone:
            post["thread_ts"] = root
        elif root is not None and self.strict:
            return _answer(error="thread_not_found")
        post |= {"channel": channel, "ts": f"1503435956.{len(self.posts):06}"}
        self.posts.append(post)
        return _answer(channel=channel, ts=post["ts"], message=post)


def _fault(post: dict[str, Any]) -> str:
    """Return Slack's word for what is wrong with a message."""
    blocks = post.get("blocks", [])
    if len(blocks) > _MOST_BLOCKS or any(len(b.get("text", {}).get("text", "")) > _MOST_CHARACTERS for b in blocks):
        return "invalid_blocks"
    return "" if post.get("text") or blocks or post.get("attachments") else "no_text"


def _answer(error: str = "", **members: Any) -> Reply:
    body = {"ok": False, "error": error} if error else {"ok": True} | members
    return Reply(200, json.dumps(body), {"Content-Type": "application/json; charset=utf-8"})


@contextlib.contextmanager
def slack_workspace(
    monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[WebReceiver, Workspace]]:
    """Serve a workspace on loopback, where Apprise will look for Slack."""
    with web_receiver(tls) as receiver:
        monkeypatch.setattr(NotifySlack, "webhook_url", f"{receiver.url}/services")
        monkeypatch.setattr(NotifySlack, "api_url", receiver.url + "/api/{}")
        workspace = Workspace()
        receiver.answer = workspace
        yield receiver, workspace
