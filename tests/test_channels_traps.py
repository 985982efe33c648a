"""Traps of Apprise that no other test here stands in front of."""

from __future__ import annotations

import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path

import apprise
import pytest
from support_receivers import HANG, Reply, mail_receiver, server_tls, web_receiver
from support_slack import BOT, HOOK, TOKEN, slack_workspace

from watcher.channels import Limits, open_channel
from watcher.model import Message, Sent, Severity

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)
PATIENT = Limits(read=600.0, total=600.0)


def test_apprise_is_the_one_that_was_measured() -> None:
    """Its 2.0 changed what a send answers, and another one may again."""
    assert apprise.__version__.startswith("2.")


def test_a_dozen_hung_receivers_delay_nobody() -> None:
    """Apprise's shared pool would be full; each of our sends has its caller's thread."""
    with web_receiver() as hung, web_receiver() as healthy:
        hung.reply = Reply(instead=HANG)
        stuck = [open_channel("hung", f"json://{hung.address}/", limits=PATIENT) for _ in range(12)]
        threads = [threading.Thread(target=channel.send, args=[NEWS]) for channel in stuck]
        for thread in threads:
            thread.start()
        while len(hung.requests) < len(stuck):
            time.sleep(0.01)
        channel = open_channel("healthy", f"json://{healthy.address}/")
        assert channel.send(NEWS) == Sent()
        assert all(thread.is_alive() for thread in threads)
        for other in (*stuck, channel):
            other.hang_up("the test is over")
        for thread in threads:
            thread.join()


def test_no_send_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise would hold the thread for the 1.2 s that it leaves between two messages to Slack."""

    def sleep(_seconds: float) -> None:
        raise AssertionError

    with slack_workspace(monkeypatch) as (_, slack):
        monkeypatch.setattr(time, "sleep", sleep)
        channel = open_channel("slack", HOOK)
        assert [channel.send(NEWS) for _ in range(3)] == [Sent()] * 3
        channel.close()
        assert len(slack.posts) == 3


@pytest.mark.parametrize("body", ["", " \n\t"])
def test_a_title_alone_is_a_message(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apprise refuses one without a body, and gives no reason."""
    news = replace(NEWS, body=body)
    with slack_workspace(monkeypatch) as (_, slack), mail_receiver() as mail, web_receiver() as web:
        mailbox = f"mailto://127.0.0.1:{mail.port}/?from=a@example.com&to=b@example.com"
        for url in (HOOK, BOT, mailbox, f"json://{web.address}/"):
            channel = open_channel("ops", url)
            assert isinstance(channel.send(news), Sent)
            channel.close()
    assert [post["attachments"][0]["title"] for post in slack.posts] == [NEWS.title] * 2
    assert [request.json["title"] for request in web.requests] == [NEWS.title]
    assert [arrived["Subject"] for arrived in mail.mails] == [NEWS.title]


def test_a_channel_builds_one_tls_context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For all its messages, by HTTPS or SMTP: one costs 20 ms of CPU."""
    tls, bundle = server_tls(tmp_path)
    built: list[ssl.SSLContext] = []
    build = ssl.create_default_context

    def counted(*args: str, **options: str | None) -> ssl.SSLContext:
        built.append(build(*args, **options))  # type: ignore[arg-type]
        return built[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    with web_receiver(tls) as web, mail_receiver(tls) as mail:
        mailbox = f"mailtos://127.0.0.1:{mail.port}/?from=a@example.com&to=b@example.com"
        for url in (f"jsons://{web.address}/", mailbox):
            built.clear()
            channel = open_channel("ops", url, ca_bundle=bundle)
            assert [channel.send(NEWS) for _ in range(3)] == [Sent()] * 3
            channel.close()
            assert len(built) == 1


TELEGRAM = "tgram://123456789:ABCdefGHIjklMNOpqrSTUvwxYZ012345678"
ACCOUNTS = {
    "Slack's bot": (BOT, f"slack://{TOKEN}/#ops"),
    "Slack's hook": (HOOK, f"slack://watcher@{HOOK.removeprefix('slack://')}"),
    "Telegram": (f"{TELEGRAM}/1", f"{TELEGRAM}/2"),
    "mail": ("mailtos://me:secret@example.com?to=a@example.com", "mailtos://me:secret@example.com?to=b@example.com"),
    "ntfy": ("ntfys://me:secret@ntfy.example.com/a", "ntfys://me:secret@ntfy.example.com/b"),
    "Guilded": ("guilded://1234567890/abcdefghij", "guilded://1234567890/abcdefghij?footer=yes"),
}


@pytest.mark.parametrize("urls", ACCOUNTS.values(), ids=ACCOUNTS.keys())
def test_channels_of_one_account_have_one_limit(urls: tuple[str, str]) -> None:
    """Apprise counts for each URL alone; the service counts the token, and refuses what comes too fast."""
    one, other = (open_channel("ops", url) for url in urls)
    assert one.limit_key == other.limit_key


def test_channels_of_two_accounts_have_two_limits() -> None:
    """One busy team does not slow another; and no key can be undone, nor guessed."""
    urls = [*(one for one, _ in ACCOUNTS.values()), f"slack://{TOKEN}x/#jobs", f"{TELEGRAM}x/1", "json://example.com/a"]
    keys = {open_channel("ops", url).limit_key for url in urls}
    assert len(keys) == len(urls)
    assert all(len(key) == 16 and set(key) <= set("0123456789abcdef") for key in keys)
