"""SIGHUP, as people use it on the installed program: the configuration changes, and nothing is lost or told twice."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
import support_simulator as support
import trustme
from support_daemon import DEADLINE, Home, Process, hold, hook_url, posted
from support_jobs import arn, response
from support_receivers import Reply, WebReceiver, server_tls, web_receiver
from support_simulator import NOON, Clock
from support_sweep import Diary

from watcher.config import ChannelConfig, Config
from watcher.daemon.lanes import Lanes
from watcher.daemon.parts import Parts
from watcher.model import ChannelTest
from watcher.simulator import Simulator, failing, fine_tuning
from watcher.store import Store
from watcher.store.jobs import Wanted
from watcher.store.store import Settings

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

COMPLETED = "[bedrock] COMPLETED titan-tickets-v7 after 1h50m"
FAILED = "[bedrock] FAILED nova-legal-v1 (training) after 1h30m"


@pytest.fixture
def hook() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def other() -> Iterator[WebReceiver]:
    with web_receiver() as receiver:
        yield receiver


def told(hook: WebReceiver) -> list[str]:
    """Return the titles that arrived."""
    return [alert.title for alert in posted(hook)]


def seen(home: Home) -> int:
    """Return how many jobs have been seen."""
    ((count,),) = home.query("SELECT count(*) FROM jobs WHERE version > 0")
    assert isinstance(count, int)
    return count


def reload(daemon: Process, home: Home, more: str = "", *, refused: bool = False) -> None:
    """Write the configuration of *home*, with *more*, and have the daemon read it."""
    home.configure(more)
    event = "reload_refused" if refused else "reloaded"
    before = len(home.logged(event))
    daemon.popen.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: len(home.logged(event)) == before + 1)


def test_jobs_and_channels_come_and_go_and_nothing_is_lost_or_repeated(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, other: WebReceiver
) -> None:
    """A job and a channel are added; then the first job and the first channel are taken away."""
    first, second = simulator.play(failing()), simulator.play(fine_tuning())
    home = Home(tmp_path, endpoint, [first], {"hook": hook_url(hook)})
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 1)
        home.jobs, home.channels = [first, second], {"hook": hook_url(hook), "other": hook_url(other)}
        reload(daemon, home)
        daemon.wait_for(lambda: seen(home) == 2)
        clock.now = NOON + 53 * 60
        daemon.wait_for(lambda: len(hook.requests) == len(other.requests) == 2)
        home.jobs, home.channels = [second], {"other": hook_url(other)}
        reload(daemon, home)
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: COMPLETED in told(other))
        assert home.status()["channels"] == ["other"]
        assert daemon.terminate() == 0
    assert len(hook.requests) == 2
    assert FAILED not in told(other)
    assert sorted(told(other)) == sorted(set(told(other)))
    assert home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)]
    assert home.query("SELECT from_config FROM jobs ORDER BY id") == [(0,), (1,)]


def test_a_removed_channel_finishes_what_it_is_sending_and_the_rest_is_given_up_aloud(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, other: WebReceiver
) -> None:
    """What is on its way is marked as sent, and not told of as given up."""
    home = Home(
        tmp_path,
        endpoint,
        [simulator.play(failing()), simulator.play(fine_tuning())],
        {"hook": hook_url(hook), "other": hook_url(other)},
    )
    released = hold(hook)
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 2)
        clock.now = NOON + 111 * 60
        daemon.wait_for(lambda: len(hook.requests) == 1 and len(other.requests) == 2)
        home.channels = {"other": hook_url(other)}
        reload(daemon, home)
        # The failure goes first, whichever was written first.
        assert home.query("SELECT state FROM deliveries WHERE channel = 'hook' ORDER BY urgent DESC") == [
            ("sending",),
            ("pending",),
        ]
        released.set()
        daemon.wait_for(lambda: len(other.requests) == 3)
        assert daemon.terminate() == 0
    states = home.query("SELECT state FROM deliveries WHERE channel = 'hook' ORDER BY urgent DESC")
    assert states == [("sent",), ("dead",)]
    assert len(hook.requests) == 1
    assert "no longer in the configuration" in posted(other)[-1].body


def test_a_changed_channel_sends_what_waits_to_its_new_place_at_once(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, other: WebReceiver
) -> None:
    """Its file holds another URL; nothing else has changed."""
    secret = tmp_path / "url"
    secret.write_text("json://127.0.0.1:9/\n")
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    channel = f'[[channel]]\nname = "ops"\nurl_file = "{secret}"\n'
    home.configure(channel)
    home.more = channel
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 1)
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: home.logged("channel_failing"))
        secret.write_text(f"{hook_url(hook)}\n")
        reload(daemon, home)
        daemon.wait_for(lambda: told(hook) == [FAILED])
        assert daemon.terminate() == 0
    assert home.query("SELECT state FROM deliveries") == [("sent",)]
    assert home.logged("reloaded")[0]["changed"] == ["ops"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("nonsense\n", "is not TOML"),
        ("[pol]\n", "unknown key"),
        ('[[channel]]\nname = "bad"\nurl = "nosuch://x"\n', "Apprise knows no service 'nosuch'"),
        ('[[channel]]\nname = "bad"\nurl_file = "nowhere"\n', "cannot be read: No such file"),
        ('[[channel]]\nname = "bad"\nurl = "json://x"\ntitle = "{{"\n', "template"),
        ('[[channel]]\nname = "bad"\nurl_credential = "new"\n', "systemd credential new"),
        ('[[job]]\nid = "some-job"\nprofile = "nobody"\n', "profile (nobody) could not be found"),
        ('[[job]]\nid = "some-job"\n', "nothing tells its region"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_and_changes_nothing(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver, more: str, said: str
) -> None:
    """It is logged once, shown by status until it is mended, and the old one goes on."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 1)
        before = home.query("SELECT * FROM jobs"), home.query("SELECT * FROM notes")
        home.channels, home.region = {}, ""
        reload(daemon, home, more, refused=True)
        daemon.wait_for(lambda: home.status()["reload_error"])
        assert (home.query("SELECT * FROM jobs"), home.query("SELECT * FROM notes")) == before
        assert said in home.status()["reload_error"]
        assert home.status()["channels"] == ["hook"]
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: told(hook) == [FAILED])
        # As the mistake is still in the file, which is what the command reads, too.
        shown = home.run("status", more=more)
        document = json.loads(home.run("status", "-o", "json", more=more).stdout)
        assert home.run("health", more=more).returncode == 0
        home.channels = {"hook": hook_url(hook)}
        reload(daemon, home)
        daemon.wait_for(lambda: not home.status()["reload_error"])
        assert daemon.terminate() == 0
    assert shown.returncode == 0
    assert "changed, and refused: " in shown.stdout
    assert "nobody will be told" not in shown.stderr
    assert "the daemon refused the changed configuration, and goes on with the old one" in shown.stderr
    assert said in shown.stderr
    assert said in document["reload_error"]
    (line,) = home.logged("reload_refused")
    assert said in line["error"]


def test_what_waits_for_a_digest_waits_for_its_new_hour_and_goes_at_once_without_one(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    def in_hours(hours: int) -> tuple[datetime, str]:
        then = (datetime.now(UTC) + timedelta(hours=hours)).replace(second=0, microsecond=0)
        return then, f'digest = "{then:%H:%M}"\n'

    def due() -> list[datetime]:
        return [datetime.fromtimestamp(one, UTC) for (one,) in home.query("SELECT next_attempt_at FROM deliveries")]

    (first, line), (second, other) = in_hours(3), in_hours(20)
    home = Home(tmp_path, endpoint, [simulator.play(fine_tuning())], {"hook": hook_url(hook)}, channel=line)
    with home.running() as daemon:
        daemon.wait_for(lambda: seen(home) == 1)
        clock.now = NOON + 5 * 60
        daemon.wait_for(lambda: due() == [first])
        home.channel = other
        reload(daemon, home)
        assert due() == [second]
        home.channel = ""
        reload(daemon, home)
        daemon.wait_for(lambda: hook.requests)
        assert daemon.terminate() == 0


def test_a_reload_that_reads_from_what_does_not_answer_is_known_to_stand_still(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    """As from a file system of another machine; here nobody writes into a pipe.  Then the watchdog is not fed."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    home.hook = "import watcher.daemon.process as process\nprocess.LONGEST_RELOAD = 0.2\n"
    with home.running() as daemon:
        home.configure(f'[[channel]]\nname = "ops"\nurl_file = "{pipe}"\n')
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: home.status()["standing_still"] == ["reload"])


def test_a_changed_state_dir_is_refused(tmp_path: Path, simulator: Simulator, endpoint: str) -> None:
    """A daemon has one database, for as long as it lives."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    with home.running() as daemon:
        file = home.configure()
        file.write_text(file.read_text().replace(f"{tmp_path}/state", f"{tmp_path}/elsewhere"))
        daemon.popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: home.logged("reload_refused"))
        assert daemon.terminate() == 0
    assert "restart it" in home.logged("reload_refused")[0]["remedy"]
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_that_is_gone_is_a_mistake_and_not_the_defaults(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """It was found by searching, as the user's own; without it there would be no job and no channel."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    users = tmp_path / "xdg/bedrock-watch/config.toml"
    users.parent.mkdir(parents=True)
    home.configure().rename(users)
    env = home.environment() | {"XDG_CONFIG_HOME": f"{tmp_path}/xdg"}
    command = [sys.executable, "-m", "watcher"]
    with (tmp_path / "daemon.log").open("wb") as log:
        popen = subprocess.Popen([*command, "run"], stderr=log, env=env)
    daemon = Process(popen, home)
    try:
        daemon.wait_for(lambda: home.status().get("pid") == popen.pid and seen(home) == 1)
        users.rename(tmp_path / "kept.toml")
        popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: home.logged("reload_refused"))
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: told(hook) == [FAILED])
        assert daemon.terminate() == 0
    finally:
        if popen.poll() is None:
            daemon.kill()
    assert str(users) in home.logged("reload_refused")[0]["error"]


def another_bundle(directory: Path) -> tuple[ssl.SSLContext, str, str]:
    """Return a server's TLS context, a file in which only another authority is, and what belongs into that file."""
    tls, bundle = server_tls(directory)
    right = Path(bundle).read_text()
    trustme.CA().cert_pem.write_to_path(bundle)
    return tls, bundle, right


def test_a_channel_s_other_authority_in_the_same_file_is_trusted_from_then_on(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """What waits is told at once."""
    tls, bundle, right = another_bundle(tmp_path)
    with web_receiver(tls) as hook:
        home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": f"jsons://{hook.address}/"})
        home.channel = f'ca_bundle = "{bundle}"\n'
        with home.running() as daemon:
            daemon.wait_for(lambda: seen(home) == 1)
            clock.now = NOON + 91 * 60
            daemon.wait_for(lambda: home.logged("channel_failing"))
            Path(bundle).write_text(right)
            reload(daemon, home)
            daemon.wait_for(lambda: told(hook) == [FAILED])
            assert daemon.terminate() == 0
    assert home.logged("reloaded")[0]["changed"] == ["hook"]


def test_another_authority_for_aws_in_the_same_file_is_trusted_from_then_on(tmp_path: Path) -> None:
    tls, bundle, right = another_bundle(tmp_path)
    with web_receiver(tls) as server:
        server.reply = Reply(body=json.dumps(response(1)))
        home = Home(tmp_path, f"https://{server.address}", [arn(1)], aws=f'ca_bundle = "{bundle}"')
        with home.running() as daemon:
            daemon.wait_for(lambda: home.logged("scope_failing"))
            Path(bundle).write_text(right)
            reload(daemon, home)
            daemon.wait_for(lambda: seen(home) == 1)
            assert daemon.terminate() == 0


def test_a_first_file_where_there_was_none_comes_into_use(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """A daemon is begun without a configuration, and ``config init`` makes one; its database stays the same."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    env = home.environment() | {"XDG_CONFIG_HOME": f"{tmp_path}/xdg", "STATE_DIRECTORY": f"{tmp_path}/state"}
    with (tmp_path / "daemon.log").open("wb") as log:
        popen = subprocess.Popen([sys.executable, "-m", "watcher", "run"], stderr=log, env=env)
    daemon = Process(popen, home)
    try:
        daemon.wait_for(lambda: home.status().get("pid") == popen.pid)
        users = tmp_path / "xdg/bedrock-watch/config.toml"
        users.parent.mkdir(parents=True)
        home.configure().rename(users)
        popen.send_signal(signal.SIGHUP)
        daemon.wait_for(lambda: home.status()["configuration"] == str(users) and seen(home) == 1)
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: told(hook) == [FAILED])
        assert daemon.terminate() == 0
    finally:
        if popen.poll() is None:
            daemon.kill()


def test_another_endpoint_is_asked_from_then_on(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """Where AWS could not be asked it is asked at once: the reload mends it."""
    home = Home(tmp_path, "http://127.0.0.1:9", [simulator.play(failing())], {"hook": hook_url(hook)})
    with home.running() as daemon:
        daemon.wait_for(lambda: home.logged("scope_failing"))
        home.endpoint = endpoint
        reload(daemon, home)
        daemon.wait_for(lambda: home.logged("scope_works_again"))
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: told(hook)[-1:] == [FAILED])
        assert daemon.terminate() == 0


def test_a_credential_of_the_service_is_said_to_need_a_restart(
    tmp_path: Path, simulator: Simulator, endpoint: str, hook: WebReceiver
) -> None:
    """What systemd handed out does not change while the process lives: systemd.exec(5), "Credentials"."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/ops").write_text(hook_url(hook))
    env = {"CREDENTIALS_DIRECTORY": f"{tmp_path}/secrets"}
    home = Home(tmp_path, endpoint, [simulator.play(failing())], env=env)
    home.more = '[[channel]]\nname = "ops"\nurl_credential = "ops"\n'
    with home.running() as daemon:
        reload(daemon, home)
        daemon.wait_for(lambda: home.logged("credentials_kept"))
        assert daemon.terminate() == 0
    assert home.logged("credentials_kept")[0]["of"] == ["channel ops"]
    assert "restart" in home.logged("credentials_kept")[0]["remedy"]


def test_hangups_in_a_storm_end_nothing_and_lose_nothing(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """From the first moment on: one that comes while the daemon starts is kept for later."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())], {"hook": hook_url(hook)})
    with home.running() as daemon:
        for minute in range(92):
            clock.now = NOON + minute * 60
            daemon.popen.send_signal(signal.SIGHUP)
            time.sleep(0.02)
        daemon.wait_for(lambda: FAILED in told(hook))
        assert daemon.terminate() == 0
    assert sorted(told(hook)) == sorted(set(told(hook)))
    assert home.query("SELECT DISTINCT state FROM deliveries") == [("sent",)]


def test_a_terminal_that_goes_away_ends_the_daemon_in_order(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    """Its SIGHUP asks for no reload: nobody would be there to end it."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    master, slave = pty.openpty()
    popen = subprocess.Popen(
        home.command("run"), stdin=slave, stdout=slave, stderr=slave, start_new_session=True, env=home.environment()
    )
    os.close(slave)
    try:
        daemon = Process(popen, replace(home))
        end = time.monotonic() + DEADLINE
        while home.status().get("pid") != popen.pid and time.monotonic() < end:
            time.sleep(0.02)
        shown = os.read(master, 65536).decode()
        os.close(master)
        popen.send_signal(signal.SIGHUP)
        assert popen.wait(DEADLINE) == 0
    finally:
        with suppress(ProcessLookupError):
            daemon.kill()
    assert "started" in shown


def test_a_hangup_while_the_daemon_starts_is_kept_until_it_can_be_honoured(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    """The configuration may have been read before it, and another process holds the start up."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    with home.running() as daemon:
        assert daemon.terminate() == 0
    with closing(sqlite3.connect(tmp_path / "state/bedrock-watch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with (tmp_path / "second.log").open("wb") as log:
            popen = subprocess.Popen(home.command("run"), stderr=log, env=home.environment())
        daemon = Process(popen, home)
        try:
            daemon.wait_for(lambda: catches_hangup(popen.pid))
            popen.send_signal(signal.SIGHUP)
            daemon.wait_for(lambda: "database_failing" in (tmp_path / "second.log").read_text())
            other.execute("ROLLBACK")
            daemon.wait_for(lambda: '"reloaded"' in (tmp_path / "second.log").read_text())
            assert daemon.terminate() == 0
        finally:
            if popen.poll() is None:
                daemon.kill()


def catches_hangup(pid: int) -> bool:
    """Return whether a process has a handler for SIGHUP; source: proc_pid_status(5), SigCgt."""
    (mask,) = (line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "SigCgt" in line)
    return bool(int(mask, 16) & 1 << (signal.SIGHUP - 1))


def test_what_is_posted_to_a_channel_while_it_leaves_is_given_up_too(tmp_path: Path) -> None:
    """A turn that had begun by the old configuration ends after the channel has gone."""
    channels = (ChannelConfig("old", url="json://127.0.0.1:9/"), ChannelConfig("ops", url="json://127.0.0.1:9/"))
    with closing(Store.open(tmp_path / "x.db")) as store:

        async def main() -> None:
            parts = Parts(Config(None, tmp_path, channels=channels), store, Diary())
            lanes = Lanes(parts)
            with anyio.fail_after(DEADLINE):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(lanes.serve)
                    await anyio.lowlevel.checkpoint()
                    parts.config = replace(parts.config, channels=channels[1:])
                    lanes.reconfigure()
                    while "old" not in lanes.gone:
                        await anyio.sleep(0.01)
                    late = store.outbox.put("old", ChannelTest("old"), 1.0)
                    await lanes.retire()
                    parts.stopping = True
                    lanes.ring()
            (told,) = store.history.deliveries(ids=(late,))
            assert (told.state, told.last_error) == ("dead", "the channel is no longer in the configuration")

        anyio.run(main)


def test_an_account_s_other_credentials_are_used_from_then_on(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str, hook: WebReceiver
) -> None:
    """Its jobs could not be asked for; the reload mends that at once."""
    job = simulator.play(failing())
    account = job.split(":")[4]
    profiles = tmp_path / "aws"
    profiles.write_text("[profile right]\naws_access_key_id = testing\naws_secret_access_key = testing\n")
    home = Home(tmp_path, endpoint, [job], {"hook": hook_url(hook)}, env={"AWS_CONFIG_FILE": str(profiles)})
    home.more = f'[[account]]\nid = "{account}"\nprofile = "wrong"\n'
    with home.running() as daemon:
        daemon.wait_for(lambda: home.logged("credentials_failing"))
        home.more = home.more.replace("wrong", "right")
        reload(daemon, home)
        daemon.wait_for(lambda: home.logged("credentials_work_again"))
        clock.now = NOON + 91 * 60
        daemon.wait_for(lambda: FAILED in told(hook))
        assert daemon.terminate() == 0


def test_what_follows_from_a_configuration_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of it fails, as on a full disk; the jobs before it are not there."""
    settings = Settings([Wanted("a-job", "us-east-1")], "other limits", {"ops": 2.0}, {"ops": "print"})
    with closing(Store.open(tmp_path / "x.db")) as store:
        before = store.database.data_version(), list(store.database._connection.iterdump())
        with monkeypatch.context() as patch:
            patch.setattr(store.dead_letters, "revive", failing_disk)
            with pytest.raises(sqlite3.OperationalError):
                store.adopt(settings, 1.0)
        assert (store.database.data_version(), list(store.database._connection.iterdump())) == before
        store.adopt(settings, 1.0)
        assert [job.identifier for job in store.jobs.listed(every=True)] == ["a-job"]


def failing_disk(*_: object) -> int:
    """Fail as SQLite does."""
    raise sqlite3.OperationalError("database or disk is full")
