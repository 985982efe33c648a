"""Hostile text from end to end: through the renderer and the channel, to what a real server receives."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from support_receivers import mail_receiver, server_tls, web_receiver
from support_slack import BOT, HOOK, slack_workspace
from support_stories import JOB, story
from test_channels_hostile import CHATS, CORPUS, Reader
from test_render_hostile import HOSTILE, OUR_ELEMENTS

from watcher.channels import open_channel
from watcher.model import FailureExplained, Family, Message, Outcome, Sent, StatusChanged
from watcher.render import compose, write
from watcher.render.words import clean, cut

TEXTS = [*HOSTILE, *CORPUS.values()]
INVISIBLE = str.maketrans("", "", "\u200b\\")


def failed(text: str, family: Family, limit: int | None = None) -> Message:
    """Return the message of a job that failed, every text of which is *text*."""
    hostile = replace(JOB, name=text, label=text, tags=(text,))
    ending = StatusChanged("InProgress", "Failed", Outcome.FAILED)
    return write(compose(story(ending, FailureExplained(text), job=hostile)), family, limit)


def assert_no_word_is_lost(text: str, arrived: str, longest: int = 1200) -> None:
    """Compare what a reader sees, without what only keeps marks from acting, and without what was cut and says so."""
    seen = "".join(arrived.translate(INVISIBLE).split())
    for word in cut(clean(text), longest).translate(INVISIBLE).split():
        assert word in seen or "left out" in arrived or "…" in arrived


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("url", [HOOK, BOT], ids=["hook", "bot"])
def test_slack(url: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack makes a mention or a link of nothing but what stands between < and >: ours are links to AWS alone."""
    tls, bundle = server_tls(tmp_path)
    with slack_workspace(monkeypatch, tls) as (_, slack):
        channel = open_channel("slack", url, ca_bundle=bundle)
        assert isinstance(channel.send(failed(text, channel.family, channel.body_limit)), Sent)
        channel.close()
        (post,) = slack.posts
    said = repr(post["blocks"]) + repr(post["attachments"]) + post["text"]
    for tagged in said.split("<")[1:]:
        assert tagged.startswith("https://"), tagged[:40]
    assert "<" not in post["text"]
    assert_no_word_is_lost(
        text, said.replace("\\\\", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize(("url", "text_of"), CHATS, ids=["discord", "mattermost", "teams"])
def test_chats(url: str, text_of: object, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(text_of)
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as web:
        discord = import_module("apprise.plugins.discord")
        monkeypatch.setattr(discord.NotifyDiscord, "notify_url", f"{web.url}/webhooks")
        channel = open_channel("chat", url.format(web.address), ca_bundle=bundle)
        assert isinstance(channel.send(failed(text, channel.family, channel.body_limit)), Sent)
        channel.close()
        (request,) = web.requests
    said = text_of(request.json)
    for alive in ("<!", "<@", "@everyone", "@here", "@all", "@**", "<at>", "<script", "<img"):
        assert alive not in said
    for linked in said.split("](")[1:]:
        assert linked.startswith(("https://us-east-1.console.aws.amazon.com/", "https://docs.aws.amazon.com/"))
    assert said.count("```") % 2 == 0


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_mail(text: str) -> None:
    with mail_receiver() as server:
        channel = open_channel("mail", f"mailto://127.0.0.1:{server.port}/?from=a@example.com&to=b@example.com")
        assert isinstance(channel.send(failed(text, channel.family, channel.body_limit)), Sent)
        channel.close()
    (mail,) = server.mails
    plain, rich = (part.get_content() for part in mail.iter_parts())
    read = Reader(rich)
    assert set(read.tags) <= OUR_ELEMENTS
    assert mail["Bcc"] is None
    assert server.recipients == ["b@example.com"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert_no_word_is_lost(text, plain, 2500)
    assert_no_word_is_lost(text, read.words, 2500)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_json(text: str, tmp_path: Path) -> None:
    """A program gets AWS's words as they are: whole, and without our zero-width spaces."""
    tls, bundle = server_tls(tmp_path)
    with web_receiver(tls) as web:
        channel = open_channel("json", f"jsons://{web.address}/", ca_bundle=bundle)
        assert isinstance(channel.send(failed(text, channel.family, channel.body_limit)), Sent)
        channel.close()
        (request,) = web.requests
    assert request.json["failure_message"] == text.encode(errors="replace").decode() or "\ud800" in text
