"""Slack's payloads and threads, in a workspace that answers as Slack does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support_receivers import Reply, WebReceiver, slack_says
from support_slack import BOT, HOOK, TOKEN, Workspace, slack_workspace

from watcher.channels import open_channel
from watcher.model import Failed, Message, Sent, Severity, Verdict

PAYLOAD: dict[str, Any] = {
    "text": "FAILED nova-support (training): AccessDenied",
    "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "*FAILED*\n```on s3://bucket/key```"}}],
    "attachments": [{"color": "#a30200", "blocks": []}],
}
NEWS = Message("FAILED <nova>", "*AccessDenied*", Severity.FAILURE, payload=PAYLOAD, conversation="job/1")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[WebReceiver, Workspace]]:
    """Slack on loopback."""
    with slack_workspace(monkeypatch) as served:
        yield served


@pytest.fixture
def slack(served: tuple[WebReceiver, Workspace]) -> Workspace:
    """What is in the workspace."""
    return served[1]


@pytest.fixture
def web(served: tuple[WebReceiver, Workspace]) -> WebReceiver:
    """What was asked of it."""
    return served[0]


def send(message: Message, url: str = BOT) -> Verdict:
    """Return the verdict of one message, sent by a channel that was just opened: as after a restart."""
    channel = open_channel("slack", url)
    verdict = channel.send(message)
    channel.close()
    return verdict


def thread(message: Message, url: str = BOT) -> dict[str, str]:
    """Return what the next message of the conversation needs to know of this one."""
    verdict = send(message, url)
    assert isinstance(verdict, Sent)
    return dict(verdict.receiver_data)


@pytest.mark.parametrize("url", [HOOK, BOT], ids=["hook", "bot"])
def test_the_payload_takes_the_place_of_apprises_attachment(web: WebReceiver, url: str) -> None:
    """Its keys arrive as they are; of Apprise's own object the channel alone is left."""
    assert isinstance(send(NEWS, url), Sent)
    (request,) = web.requests
    assert {key: value for key, value in request.json.items() if key != "channel"} == PAYLOAD


@pytest.mark.parametrize("url", [HOOK, BOT], ids=["hook", "bot"])
def test_what_a_phone_shows_is_never_empty(slack: Workspace, url: str) -> None:
    """Slack makes the preview of the top-level text, and of nothing else."""
    assert isinstance(send(replace(NEWS, payload={"blocks": PAYLOAD["blocks"]}), url), Sent)
    assert [post["text"] for post in slack.posts] == ["FAILED &lt;nova&gt;"]


@pytest.mark.parametrize("url", [HOOK.replace("://", "://watcher@"), f"{BOT}/"], ids=["hook", "bot"])
def test_the_url_still_says_who_posts_and_where(slack: Workspace, url: str) -> None:
    """A name before the token is the name that Slack shows."""
    assert isinstance(send(NEWS, url), Sent)
    (post,) = slack.posts
    assert (post.get("username"), post.get("channel")) == (("watcher", None) if url != f"{BOT}/" else (None, "C0001"))


def test_a_workflow_gets_the_one_text_that_it_declares(web: WebReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's Workflow Builder refuses members that the workflow does not know."""
    monkeypatch.setattr("apprise.plugins.slack.NotifySlack.workflow_trigger_url", f"{web.url}/triggers")
    web.answer = None
    assert send(NEWS, "slack://T12345678/123456/abcdef?mode=trigger") == Sent()
    (request,) = web.requests
    assert request.json == {"text": "FAILED <nova>: *AccessDenied*"}


def test_a_template_in_the_url_is_what_is_posted(slack: Workspace, tmp_path: Path) -> None:
    """Whoever wrote it wants its looks, and still the one thread."""
    template = tmp_path / "template.json"
    template.write_text('{"blocks": [{"type": "section", "text": {"type": "plain_text", "text": "{{app_title}}"}}]}')
    url = f"slack://{TOKEN}/#jobs?template={quote(str(template), safe='')}"
    first = thread(NEWS, url)
    assert thread(replace(NEWS, thread=first), url) == first
    assert [post["attachments"][0]["blocks"][0]["text"]["text"] for post in slack.posts] == [NEWS.title] * 2


def test_a_job_is_one_thread(slack: Workspace) -> None:
    """Every message after the first is a reply to the first, whichever of their answers is used, and after restarts."""
    first = thread(NEWS)
    second = thread(replace(NEWS, thread=first))
    assert second == first
    assert thread(replace(NEWS, thread=second)) == first
    assert [post.get("thread_ts") for post in slack.posts] == [None, first["ts"], first["ts"]]
    assert {post["channel"] for post in slack.posts} == {"C0001"}
    assert (first["channel"], first["ts"]) == ("C0001", slack.posts[0]["ts"])


def test_a_reply_is_shown_in_the_channel_when_it_matters(web: WebReceiver) -> None:
    """And only a reply: the first message is in the channel anyway."""
    first = thread(replace(NEWS, broadcast=True))
    send(replace(NEWS, thread=first, broadcast=True))
    send(replace(NEWS, thread=first))
    assert [request.json.get("reply_broadcast") for request in web.requests] == [None, True, None]


def test_a_web_hook_has_no_threads(slack: Workspace) -> None:
    """It is not told what it has posted, and a thread that a bot has begun is not its own."""
    bots = {"channel": "C0001", "ts": "1503435956.000247"}
    assert send(replace(NEWS, thread=bots, broadcast=True), HOOK) == Sent()
    assert slack.posts == [PAYLOAD]


@pytest.mark.parametrize("strict", [False, True], ids=["posts it anew", "refuses it"])
def test_a_thread_whose_first_message_was_deleted_begins_anew(
    slack: Workspace,
    strict: bool,  # noqa: FBT001
) -> None:
    """Either way the news is posted once, and what follows goes into the new thread."""
    slack.strict = strict
    old = thread(NEWS)
    slack.delete(old["ts"])
    new = thread(replace(NEWS, thread=old, broadcast=True))
    assert new["ts"] != old["ts"]
    assert thread(replace(NEWS, thread=new)) == new
    assert [post.get("thread_ts") for post in slack.posts] == [None, None, new["ts"]]


def test_another_channel_in_the_url_is_where_news_goes_from_then_on(slack: Workspace) -> None:
    """A thread of the channel before it is left alone, though the token is the same."""
    old = thread(NEWS)
    new = thread(replace(NEWS, thread=old), f"slack://{TOKEN}/#ops")
    assert [(post["channel"], post.get("thread_ts")) for post in slack.posts] == [("C0001", None), ("C0002", None)]
    assert new["channel"] == "C0002"


def test_a_channel_made_anew_under_its_name_is_found(slack: Workspace) -> None:
    """The thread knows the channel's old id."""
    old = thread(NEWS)
    slack.channels["#jobs"] = "C0009"
    assert thread(replace(NEWS, thread=old))["channel"] == "C0009"


def test_a_thread_in_the_url_holds_all_news(slack: Workspace) -> None:
    """Its owner has said so; a job's own thread would be a thread in a thread."""
    root = thread(NEWS)["ts"]
    url = f"slack://{TOKEN}/+C0001:{root}"
    first = thread(NEWS, url)
    thread(replace(NEWS, thread=first), url)
    assert [post.get("thread_ts") for post in slack.posts] == [None, root, root]


def test_a_channel_that_is_not_there_is_told_as_such(web: WebReceiver) -> None:
    """With a thread or without; the second try is the last."""
    gone = f"slack://{TOKEN}/#nowhere"
    for known in ({}, {"channel": "C0404", "ts": "1503435956.000247"}):
        assert send(replace(NEWS, thread=known), gone) == Failed("HTTP 200 OK: channel_not_found", permanent=True)
    assert len(web.requests) == 3


def test_a_wrong_token_is_told_as_such(slack: Workspace) -> None:
    """Permanent, in Slack's word."""
    assert send(NEWS, "slack://xoxb-1-1-wrong/#jobs") == Failed("HTTP 200 OK: invalid_auth", permanent=True)
    assert slack.posts == []


def test_a_rate_limit_leaves_the_thread_alone(web: WebReceiver, slack: Workspace) -> None:
    """It is the outbox that tries again, after the time that Slack asks for."""
    first = thread(NEWS)
    web.replies.append(slack_says("ratelimited", 429, **{"Retry-After": "30"}))
    verdict = send(replace(NEWS, thread=first))
    assert verdict == Failed("HTTP 429 Too Many Requests: ratelimited", retry_after=30.0)
    assert len(slack.posts) == 1
    assert thread(replace(NEWS, thread=first)) == first


@pytest.mark.parametrize("url", [HOOK, BOT], ids=["hook", "bot"])
def test_news_is_not_lost_for_its_looks(slack: Workspace, url: str) -> None:
    """A payload that Slack will not have goes out as Apprise's own attachment, once."""
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    assert isinstance(send(replace(NEWS, payload={"text": "t", "blocks": blocks}), url), Sent)
    (post,) = slack.posts
    assert post["attachments"][0]["text"] == NEWS.body


def test_an_answer_with_ok_in_its_words_is_not_taken_for_a_yes(web: WebReceiver) -> None:
    """Apprise's plugin takes it for one, and the news would be lost."""
    web.answer = None
    web.reply = Reply(200, '{"ok": false, "error": "restricted_action", "detail": "BROKEN by policy: NOT OK"}')
    verdict = send(NEWS)
    assert isinstance(verdict, Failed)
    assert verdict.permanent
    assert "restricted_action" in verdict.reason


def test_an_answer_that_is_not_understood_begins_no_thread(web: WebReceiver) -> None:
    """It says yes; that is all we know."""
    web.answer = None
    web.reply = Reply(200, '{"ok": true}')
    assert send(NEWS) == Sent()


def test_an_answer_without_the_message_leaves_the_thread_as_it_was(web: WebReceiver) -> None:
    """Of a reply its own ``ts`` is no thread."""
    first = thread(NEWS)
    web.replies.append(Reply(200, '{"ok": true, "channel": "C0001", "ts": "1503435957.000001"}'))
    assert thread(replace(NEWS, thread=first)) == first
