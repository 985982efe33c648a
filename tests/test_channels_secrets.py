"""No part of a channel's URL is ever told, logged or repeated, whatever a server sends back."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from base64 import b64encode

import pytest
from support_receivers import DROP, HANG, Reply, Request, mail_receiver, web_receiver

from watcher.channels import open_channel
from watcher.channels.scrub import LONGEST_REASON, scrubber
from watcher.model import Failed, Message, Severity

NEWS = Message("title", "body", Severity.INFO)
USER, PASSWORD, PATH, QUERY, HEADER = (
    "planted-user",
    "planted pass/word",
    "planted-path",
    "planted-query",
    "planted-head",
)

PROGRAM = """
import json, logging, sys, traceback, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Apprise's import
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
for name in ("apprise", "urllib3", "urllib3.connectionpool", "requests"):
    logging.getLogger(name).setLevel(logging.DEBUG)
from apprise.plugins.slack import NotifySlack
from watcher.channels import BadChannel, Limits, open_channel
from watcher.model import Message, Severity
NotifySlack.webhook_url, NotifySlack.api_url = sys.argv[1] + "/services", sys.argv[1] + "/api/{}"
news = Message("title", "body", Severity.FAILURE, html="<p>body</p>", payload={"text": "t"}, conversation="job/1")
for url in json.load(sys.stdin):
    try:
        channel = open_channel("ops", url, limits=Limits(connect=0.3, read=0.3, total=0.6))
        print(channel.send(news), channel, channel.limit_key)
        channel.close()
    except BadChannel:
        traceback.print_exc(file=sys.stdout)
print("the end")
"""


def echo(request: Request) -> Reply:
    """Answer as no server should: with all that it was sent, and where it was sent."""
    whole = " ".join([request.path, *request.headers.values(), request.body])
    if "redirect" in request.path:
        return Reply(302, whole, {"Location": f"https://example.com{request.path}"})
    for word, how in (("hang", HANG), ("drop", DROP)):
        if word in request.path:
            return Reply(instead=how)
    if "api" in request.path:
        return Reply(200, json.dumps({"ok": False, "error": whole}))
    return Reply(500 if "services" in request.path else 400, whole)


LOGIN = "planted-user:planted-pass@"
TO = "?from=planted-from@example.com&to=planted-to@example.com&+X-T=planted-head"
REST = "planted-path/?-k=planted-query&+X-Token=planted-head&:room=planted-more&-planted-alone"


def sent_to(web: str, mail: int, nobody: int) -> list[str]:
    """Return URLs with a secret in each place, that can be sent to: servers on loopback, and a port of nobody's."""
    return [
        *(f"json://{LOGIN}{web}/{how}{REST}" for how in ("", "redirect/", "hang/", "drop/")),
        f"jsons://{LOGIN}{web}/{REST}",
        f"json://{LOGIN}127.0.0.1:{nobody}/{REST}",
        "slack://xoxb-planted-token/#planted-channel",
        "slack://planted-name@T1planted/B1planted/planted1token",
        f"mailto://{LOGIN}127.0.0.1:{mail}/{TO}",
        f"mailto://{LOGIN}127.0.0.1:{mail}/{TO}&mode=starttls",
        f"mailto://127.0.0.1:{mail}/{TO}",
        f"mailtos://{LOGIN}127.0.0.1:{nobody}/{TO}",
    ]


REFUSED = [
    "planted-token",
    "slack://planted-token",
    "slack://xoxb-planted_bad!/#planted",
    f"json://{LOGIN}?planted=planted",
    f"json://{LOGIN}example.com/{REST}&retry=planted",
    "tgram://planted:token/planted",
    f"mailto://{LOGIN}example.com?to=planted",
    f"mailto://{LOGIN}example.com{TO}&+Message-ID=planted",
    f"nosuch://{LOGIN}example.com/planted",
]


def test_nothing_that_runs_tells_a_secret_at_any_log_level() -> None:
    """Everything that a process prints: its verdicts, its errors with tracebacks, its loggers all at DEBUG."""
    with web_receiver() as web, mail_receiver(password="right") as mail, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        web.answer = echo
        mail.at_rcpt = "550 <planted-to@example.com> from planted-from@example.com refused"
        urls = sent_to(web.address, mail.port, nobody.getsockname()[1])
        command = [sys.executable, "-c", PROGRAM, web.url]
        done = subprocess.run(command, input=json.dumps(urls + REFUSED), capture_output=True, text=True, check=True)
        tokens = [request.headers["X-Token"] for request in web.requests if "X-Token" in request.headers]
        assert tokens == ["planted-head"] * 4, "they were sent"
        assert "planted-alone" in web.requests[0].path
    told = done.stdout + done.stderr
    assert (told.count("Failed("), told.count("opening.BadChannel: ")) == (len(urls), len(REFUSED))
    assert told.rstrip().endswith("the end")
    for secret in ("planted", b64encode(b"planted-user:planted-pass").decode(), "xoxb"):
        assert [line for line in told.splitlines() if secret in line] == []


def test_no_secret_of_a_web_hook_is_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Even by a server that repeats whatever it was sent, at any log level."""
    caplog.set_level(logging.DEBUG)
    login = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    echo = f"no: Basic {login} {USER} {PASSWORD} planted+pass%2Fword /{PATH}?k={QUERY} {HEADER.upper()} end"
    with web_receiver() as hook:
        hook.reply = Reply(400, echo)
        channel = open_channel(
            "ops", f"json://{USER}:planted%20pass%2Fword@{hook.address}/{PATH}/?-k={QUERY}&+X-Token={HEADER}"
        )
        verdict = channel.send(NEWS)
        channel.close()
        (request,) = hook.requests
    assert login in request.headers["Authorization"]
    assert (request.path, request.headers["X-Token"]) == (f"/{PATH}/?k={QUERY}", HEADER), "they were sent"
    assert isinstance(verdict, Failed)
    assert verdict.reason.startswith("HTTP 400 Bad Request: no: Basic ***")
    assert verdict.reason.endswith(" end")
    shown = verdict.reason + caplog.text
    for secret in (USER, PASSWORD, PATH, QUERY, HEADER, login, "planted"):
        assert secret.lower() not in shown.lower()


def test_no_secret_of_a_mail_is_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The recipient's address counts as one: it is the URL's."""
    caplog.set_level(logging.DEBUG)
    with mail_receiver() as server:
        server.at_rcpt = f"550 {USER} {PASSWORD} {HEADER} refused"
        url = f"mailto://{USER}:planted%20pass%2Fword@127.0.0.1:{server.port}/?from=a@example.com&+X-Token={HEADER}"
        verdict = open_channel("ops", url).send(NEWS)
    assert isinstance(verdict, Failed)
    assert "planted" not in verdict.reason + caplog.text


def test_a_secret_is_not_told_by_its_first_half() -> None:
    """The words are scrubbed before they are cut."""
    scrub = scrubber("json://host/planted-path-that-is-long")
    for lead in range(LONGEST_REASON - 30, LONGEST_REASON + 5):
        told = scrub("x" * lead + "planted-path-that-is-long")
        assert len(told) <= LONGEST_REASON
        assert "planted" not in told


def test_a_secret_is_not_hidden_by_control_characters() -> None:
    """Nor does the text keep any."""
    assert scrubber("json://host/planted-path")("a\x00\x1b[31m pla\x00nted\u202e-path\r\nb") == "a[31m *** b"


def test_what_is_no_secret_is_told() -> None:
    """A host, a port and a word of a fixed list help whoever reads the reason."""
    scrub = scrubber("mailtos://user:pass-word@smtp.example.com:2525?mode=ssl&k=abc", {"smtp.example.com"})
    assert scrub("smtp.example.com:2525 ssl abc pass-word") == "smtp.example.com:2525 ssl abc ***"
