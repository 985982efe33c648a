"""Slack's side of a message: its payload, its thread, and what the API says of both.

A bot's messages about one job are one thread; a web hook's cannot be, since it is not told what it has posted.
News that Slack refuses for its form alone goes out in a plainer one.
Not its business: what a payload says (``render``), which of Slack's errors are final (``verdict``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from watcher.channels.answer import Answer
from watcher.channels.witness import Witness
from watcher.channels.words import members
from watcher.model import Message

if TYPE_CHECKING:
    from apprise import NotifyBase

    from watcher.channels.wire import Wire

_THREAD_GONE = frozenset(
    {
        "cannot_reply_to_message",
        "channel_not_found",
        "is_archived",
        "message_not_found",
        "not_in_channel",
        "restricted_action_thread_locked",
        "thread_not_found",
    }
)
"""Errors that may be the thread's alone: it was deleted or locked, or its channel is another one by now."""

_BAD_FORM = frozenset(
    {
        "attachment_payload_limit_exceeded",
        "invalid_attachments",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_payload",
        "msg_blocks_too_long",
        "msg_too_long",
        "too_many_attachments",
    }
)
"""Errors of a payload.  Source: Slack's references of chat.postMessage and of incoming webhooks."""


def target(plugin: NotifyBase) -> str:
    """Return a mark, fit to be stored, of where *plugin* posts to by the Web API; empty for a web hook."""
    if plugin.mode != "bot":  # type: ignore[attr-defined]
        return ""
    return hashlib.blake2b(repr(plugin.channels).encode(), digest_size=6).hexdigest()  # type: ignore[attr-defined]


def editor(plugin: NotifyBase) -> Callable[[str, Message], str]:
    """Return what puts a message's payload and thread into the object that *plugin* posts.

    Workflows take the one text that their owner has declared, and a URL's own ``template`` is its owner's wish.
    """
    rich = plugin.mode not in ("workflow", "trigger") and not plugin.template  # type: ignore[attr-defined]
    return partial(_edited, target(plugin), rich)


def _edited(here: str, rich: bool, content: str, message: Message) -> str:  # noqa: FBT001 - partial's
    """Return the object of Slack's Web API and web hooks, made of Apprise's *content*; *here* is as of ``target``.

    The payload takes the place of Apprise's attachment; ``text``, which phones show, is never missing.
    """
    post: dict[str, Any] = json.loads(content)
    if rich and message.payload is not None:
        kept = {key: value for key, value in post.items() if key not in ("attachments", "mrkdwn")}
        post = {"text": escape(message.title, quote=False)} | kept | dict(message.payload)
    thread = message.thread
    # The thread of another target belonged to the URL before this one.
    if here and thread and thread.get("target", here) == here:
        post |= {"channel": thread["channel"], "thread_ts": thread["ts"]}
    if message.broadcast and "thread_ts" in post:
        post["reply_broadcast"] = True
    return json.dumps(post)


def accepted(answer: Answer | None) -> bool:
    """Whether the Web API says so itself: Apprise takes any answer for a yes that has "OK" somewhere in it."""
    return _parsed(answer).get("ok") is True


def instead(answer: Answer | None, message: Message) -> Message | None:
    """Return what to send in place of a *message* that Slack has refused for certain, and not for the news in it.

    Without its thread, when that is gone; without its payload, when Slack finds fault with its form.  None: nothing.
    """
    word = _parsed(answer).get("error") or (answer.body.strip() if answer else "")
    if message.thread and word in _THREAD_GONE:
        return replace(message, thread={})
    if message.payload is not None and word in _BAD_FORM:
        return replace(message, payload=None)
    return None


def thread_of(answer: Answer | None, thread: Mapping[str, str], here: str) -> Mapping[str, str]:
    """Return the thread that the next message of the same conversation belongs to; *thread* is what was asked for.

    That is the ``thread_ts`` of the message as it was posted, or else the message itself: Slack posts a reply to a
    deleted message as a new one, without a word.
    """
    parsed = _parsed(answer)
    posted = parsed.get("message")
    root = posted.get("thread_ts") if isinstance(posted, dict) else thread.get("ts")
    channel, ts = parsed.get("channel"), root or parsed.get("ts")
    if not (isinstance(channel, str) and isinstance(ts, str)):
        return {}
    return {"channel": channel, "ts": ts, "target": here}


def sign_in(plugin: NotifyBase, wire: Wire, witness: Witness) -> None:
    """Ask the Web API whether the bot's token is good; posts nothing, and needs no scope.

    Source: Slack's reference of auth.test.  Raises what the wire raises.
    """
    url: str = plugin.api_url.format("auth.test")  # type: ignore[attr-defined]
    token: str = plugin.access_token  # type: ignore[attr-defined]
    wire.request(witness, "POST", url, headers={"Authorization": f"Bearer {token}"})


def _parsed(answer: Answer | None) -> Mapping[str, Any]:
    return members(answer.body) if answer else {}
