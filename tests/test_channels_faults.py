"""What goes wrong when a channel is opened is that channel's fault, named, and never the end of the program.

And which channels are called unconfirmed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support_receivers import web_receiver

from watcher.channels import BadChannel, confirms, open_channel
from watcher.cli import main
from watcher.model import Failed, Message, Sent, Severity
from watcher.store import Store

NEWS = Message("FAILED nova-support", "AccessDenied", Severity.FAILURE)

OPEN = """
from watcher.channels import BadChannel, open_channel
try:
    channel = open_channel("ops", "json://watcher:planted-secret@127.0.0.1:9/hook")
    print("opened", channel.service)
except BadChannel as error:
    print("refused", error.what, "|", error.remedy)
"""
PREPARATIONS = {
    "no descriptor left": (
        "import os, resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir('/proc/self/fd'))),) * 2)",
        "refused channel 'ops': it cannot be opened: ",
    ),
    "Apprise is missing": ("import sys\nsys.modules['apprise'] = None", "ModuleNotFoundError | install bedrock-watch"),
    "requests is missing": (
        "import sys\nsys.modules['requests'] = None",
        "ModuleNotFoundError | install bedrock-watch",
    ),
    "a bug in Apprise": (
        "import apprise\ndef broken(*a, **k): raise RecursionError('planted-secret')\napprise.Apprise.instantiate = broken",
        "refused channel 'ops': it cannot be opened: RecursionError",
    ),
    "the directory is deleted": (
        "import os, tempfile\nd = tempfile.mkdtemp()\nos.chdir(d)\nos.rmdir(d)",
        "refused channel 'ops': it cannot be opened: No such file or directory | put that right",
    ),
}


@pytest.mark.parametrize(("before", "said"), PREPARATIONS.values(), ids=PREPARATIONS.keys())
def test_what_goes_wrong_in_opening_is_the_channels_fault(before: str, said: str) -> None:
    program = f"import watcher.channels\n{before}\n{OPEN}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said in done.stdout
    assert "planted" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("url", "package"),
    [("mqtt://h.example/topic", "paho-mqtt"), ("xmpp://u:p@h.example", "slixmpp"), ("growl://h.example", "gntp")],
)
def test_a_package_that_a_service_needs_is_named(url: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it is installed here or not: Apprise marks the plugins whose library it has not found."""
    import apprise  # noqa: PLC0415

    plugins = apprise.manager_plugins.NotificationManager()  # type: ignore[no-untyped-call]
    monkeypatch.setattr(plugins[url.partition("://")[0]], "enabled", False)
    with pytest.raises(BadChannel, match=f"URLs need .*{package}") as refused:
        open_channel("ops", url)
    assert "pip install" in str(refused.value)


def test_a_socks_proxy_without_its_package_is_named_and_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the environment's, which may be put right; the URL is in order."""
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    monkeypatch.setenv("https_proxy", "socks5://user:planted@127.0.0.1:9")
    verdict = open_channel("ops", "jsons://news.invalid/hook").send(NEWS)
    assert verdict == Failed("the environment's socks5:// proxy needs the package PySocks: pip install PySocks")


@pytest.mark.parametrize("proxy", ["http://", "http://[", "://x"])
def test_a_proxy_that_is_no_url_is_temporary(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    verdict = open_channel("ops", "jsons://news.invalid/hook").send(NEWS)
    assert isinstance(verdict, Failed)
    assert (verdict.permanent, verdict.uncertain) == (False, False)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", ".example"])
def test_a_host_that_cannot_be_looked_up_is_the_urls_fault(host: str) -> None:
    """Whether Apprise refuses it or the resolver's encoding: no UnicodeError."""
    for url in (f"json://{host}/hook", f"mailto://{host}:25/?from=a@example.com&to=b@example.com"):
        try:
            verdict = open_channel("ops", url).send(NEWS)
        except BadChannel:
            continue
        assert isinstance(verdict, Failed)
        assert not verdict.uncertain


@pytest.mark.parametrize(
    ("url", "confirmed"),
    [
        ("json://h.example/", True),
        ("mailto://h.example", True),
        ("mqtt://h.example/topic", True),
        ("mqtts://h.example/topic?QoS=2", True),
        ("mqtt://h.example/topic?qos=0", False),
        ("irc://h.example/#jobs", False),
        ("IRCS://h.example/#jobs", False),
        ("rsyslog://h.example", False),
        ("syslog://local3", False),
        ("xmpp://u:p@h.example", False),
    ],
)
def test_a_service_confirms_its_messages_or_is_called_unconfirmed(url: str, confirmed: bool) -> None:  # noqa: FBT001
    assert confirms(url) is confirmed


def test_what_left_for_a_service_that_never_confirms_is_sent_unconfirmed() -> None:
    """Syslog over UDP: nobody need be there."""
    with web_receiver() as taken:
        port = taken.address.rpartition(":")[2]
        assert open_channel("log", f"rsyslog://127.0.0.1:{port}").send(NEWS) == Sent(confirmed=False)
        assert open_channel("hook", f"json://{taken.address}/").send(NEWS) == Sent(confirmed=True)


def test_unconfirmed_channels_are_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'state_dir = "{tmp_path}"\n[[channel]]\nname = "chat"\nurl = "irc://u:p@h.example/#jobs"\n'
        '[[channel]]\nname = "hook"\nurl = "json://h.example/hook"\n'
    )
    config.chmod(0o600)
    Store.open(tmp_path / "bedrock-watch.db").close()

    def run(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            main(["--config", str(config), *words])
        assert not ended.value.code
        return "".join(capsys.readouterr())

    assert 'channel "chat" is unconfirmed: IRC never says whether a message arrived' in run("config", "check")
    for words in (("config", "check"), ("channel", "list")):
        channels = {one["name"]: one["confirmed"] for one in _channels(run(*words, "-o", "json"))}
        assert channels == {"chat": False, "hook": True}
    listed = run("channel", "list")
    assert listed.count("unconfirmed") == 1


@pytest.mark.parametrize(("url", "named"), [(f"lfg://{'a' * 32}", True), ("json://h.example/hook", False)])
def test_a_service_that_shows_no_text_is_named(
    url: str,
    named: bool,  # noqa: FBT001 - pytest's
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'state_dir = "{tmp_path}"\n[[channel]]\nname = "alarm"\nurl = "{url}"\n')
    config.chmod(0o600)
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(config), "config", "check"])
    assert not ended.value.code
    assert ('channel "alarm" shows no text' in capsys.readouterr().err) is named


def _channels(printed: str) -> list[dict[str, object]]:
    """Return the channels of a JSON document that stands behind warnings."""
    document = json.loads(printed[printed.index("{") : printed.rindex("}") + 1])
    channels: list[dict[str, object]] = document["channels"]
    return channels
