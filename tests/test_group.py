"""The service's files among three users: the service, a member of its group, and somebody else.

Real users of the kernel's, so it needs root; where the tests are not root, or other users may not run this Python,
that is said by the reason of the skip.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support_config import open_dir
from support_daemon import DEADLINE
from support_jobs import arn
from support_receivers import web_receiver
from support_simulator import running

import watcher
from watcher.simulator import Simulator

SERVICE, MEMBER, STRANGER = 40_000, 40_001, 40_002
"""Numbers of users; the service's group has the service's number."""

SECRET = "T0K3N-of-the-channel"


# A Python that lies in root's home is not for other users; the machine's own of the same version can run the same code.
PYTHONS = (
    sys.executable,
    f"/usr/bin/python3.{sys.version_info.minor}",
    f"/usr/local/bin/python3.{sys.version_info.minor}",
)


@dataclass
class Machine:
    """A configuration and a state directory as the service's package makes them (deploy/systemd)."""

    etc: Path
    var: Path
    secret: Path
    python: str = ""

    def run(self, user: int, *words: str, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
        """Run the program as a user, who has the umask of a person unless told otherwise."""
        return subprocess.run(
            self.command(*words),
            user=user,
            group=user,
            extra_groups=[SERVICE] if user == MEMBER else [],
            umask=umask,
            env=self.environment(),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    def command(self, *words: str) -> list[str]:
        """Return the words that run the program."""
        return [self.python, "-m", "watcher", "--config", str(self.etc / "config.toml"), *words]

    def runs_with(self, python: str) -> bool:
        """Return whether other users can run the program with that Python."""
        self.python = python
        try:
            return self.run(STRANGER, "--version").returncode == 0
        except OSError:
            return False

    def environment(self) -> dict[str, str]:
        """Return an environment with dummy credentials, and with nobody's home."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join((str(Path(watcher.__file__).parent.parent), sysconfig.get_path("purelib"))),
            "HOME": "/nonexistent",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def modes(self) -> dict[str, str]:
        """Return the modes of the files of the state directory, and whose group each is."""
        return {
            one.name: f"{stat.S_IMODE(one.stat().st_mode):o} {one.stat().st_gid}" for one in sorted(self.var.iterdir())
        }


@pytest.fixture
def machine() -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("only root can be several users")
    with open_dir() as directory, running(Simulator()) as endpoint, web_receiver() as hook:
        etc, var = directory / "etc", directory / "var"
        etc.mkdir()
        (etc / "secrets").mkdir()
        secret = etc / "secrets" / "hook"
        secret.write_text(f"json://{SECRET}@{hook.address}/\n")
        config = etc / "config.toml"
        config.write_text(
            f'state_dir = "{var}"\n[poll]\nfastest = "100ms"\nslowest = "300ms"\n'
            f'[aws]\nregion = "us-east-1"\nendpoint_url = "{endpoint}"\n[[job]]\nid = "{arn(1)}"\n'
            f'[[channel]]\nname = "hook"\nurl_file = "{secret}"\n'
        )
        for path, owner, group, mode in (
            (etc, 0, SERVICE, 0o750),
            (config, 0, SERVICE, 0o640),
            (secret.parent, SERVICE, SERVICE, 0o700),
            (secret, SERVICE, SERVICE, 0o400),
        ):
            os.chown(path, owner, group)
            path.chmod(mode)
        var.mkdir()
        os.chown(var, SERVICE, SERVICE)
        var.chmod(0o2770)
        made = Machine(etc, var, secret)
        made.python = next(filter(made.runs_with, PYTHONS), "")
        if not made.python:
            pytest.skip(f"other users may run none of {', '.join(PYTHONS)}")
        yield made


SHARED = f"660 {SERVICE}"


def test_whoever_comes_first_makes_the_files_for_the_whole_group(machine: Machine) -> None:
    """A member's own umask keeps the group out; the directory says who is let in, and nobody else is."""
    assert machine.run(MEMBER, "add", arn(2), umask=0o077).returncode == 0
    assert machine.modes() == {"bedrock-watch.db": SHARED}
    assert machine.run(MEMBER, "channel", "test", umask=0o077).returncode == 6  # the secret is not for members
    assert machine.modes()["daemon.lock"] == SHARED
    done = machine.run(SERVICE, "run", "--once", umask=0o007)
    assert done.returncode == 5, done.stderr  # it works; the simulator knows no job


def test_all_that_sqlite_and_the_daemon_make_is_the_groups(machine: Machine) -> None:
    """The log and the index of the database take its mode, and the directory's group; the status file as well."""
    service = subprocess.Popen(
        machine.command("run"),
        user=SERVICE,
        group=SERVICE,
        extra_groups=[],
        umask=0o007,
        env=machine.environment(),
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        for _ in range(300):
            if machine.run(MEMBER, "health").returncode == 0 and (machine.var / "status.json").exists():
                break
        assert machine.modes() == dict.fromkeys(
            ("bedrock-watch.db", "bedrock-watch.db-shm", "bedrock-watch.db-wal", "daemon.lock", "status.json"), SHARED
        )
        done = machine.run(MEMBER, "add", arn(2), umask=0o077)
        assert "added" in done.stdout
        seen = machine.run(MEMBER, "doctor")  # by the daemon's eyes: the secret is there, and is nobody else's
        assert seen.returncode == 0, seen.stdout
        assert f"has looked, as uid {SERVICE}" in seen.stderr
        assert f"ok    files          {machine.secret}: mode 0400" in seen.stdout
        assert "ok    channel        hook: JSON answers: 127.0.0.1:" in seen.stdout
        tested = machine.run(MEMBER, "channel", "test")  # the daemon sends it, who may read the secret
        assert tested.returncode == 0, tested.stderr
    finally:
        service.terminate()
        service.wait(DEADLINE)


@pytest.mark.parametrize(
    "words",
    [
        ["list"],
        ["list", "--all"],
        ["status"],
        ["health"],
        ["show", "job"],
        ["events"],
        ["deliveries"],
        ["deliveries", "retry", "--all-dead"],
        ["mute", "job", "--for", "1h"],
        ["unmute", "job"],
        ["channel", "list"],
        ["channel", "explain", "job"],
        ["channel", "preview", "--family", "slack"],
        ["config", "check"],
        ["config", "show"],
        ["db", "check"],
        ["doctor"],
        ["add", arn(3), "--no-wait"],
        ["remove", arn(3)],
    ],
    ids=" ".join,
)
def test_no_command_fails_only_because_a_member_may_not_read_a_secret(machine: Machine, words: list[str]) -> None:
    """Each does what it does for the service itself, and ends as it does there."""
    assert machine.run(SERVICE, "add", arn(1), "--label", "job", umask=0o007).returncode == 0
    if words[0] == "remove":
        machine.run(SERVICE, "add", arn(3), umask=0o007)
    done = machine.run(MEMBER, *words)
    # No daemon runs here, and the simulator knows none of the jobs.
    assert done.returncode == (3 if words[0] in ("status", "health", "doctor") else 0), done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_that_is_closed_is_not_checkable_rather_than_wrong(machine: Machine) -> None:
    done = machine.run(MEMBER, "config", "check")
    assert done.returncode == 0
    assert 'not checkable here: channel "hook": its URL in' in done.stderr


def test_a_member_backs_the_database_up_for_himself_only(machine: Machine) -> None:
    """What is in it is the group's, and no business of the group that he has elsewhere."""
    assert machine.run(SERVICE, "add", arn(1), umask=0o007).returncode == 0
    with open_dir() as home:
        os.chown(home, MEMBER, MEMBER)
        done = machine.run(MEMBER, "db", "backup", str(home / "copy.db"), umask=0)
        assert done.returncode == 0, done.stderr
        assert stat.S_IMODE((home / "copy.db").stat().st_mode) == 0o600
        assert (home / "copy.db").stat().st_uid == MEMBER


@pytest.mark.parametrize(
    "words",
    [["list"], ["status"], ["health"], ["add", arn(3)], ["run", "--once"], ["db", "check"], ["db", "backup", "copy"]],
    ids=" ".join,
)
def test_somebody_who_is_not_of_the_group_is_told_how_to_become_so(machine: Machine, words: list[str]) -> None:
    """Whether it is the configuration that is closed, or the database."""
    done = machine.run(STRANGER, *words)
    assert done.returncode == 78
    assert "this user may not read it" in done.stderr
    assert f"run it as a member of the group gid {SERVICE} (you are uid {STRANGER}), or name a state_dir" in done.stderr
    machine.etc.chmod(0o755)
    (machine.etc / "config.toml").chmod(0o644)
    assert machine.run(SERVICE, "add", arn(2), umask=0o007).returncode == 0
    done = machine.run(STRANGER, *words)
    assert done.returncode == 1, done.stderr
    assert f"run it as uid {SERVICE} or as a member of the group gid {SERVICE} (you are" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_directory_that_cannot_be_made_is_no_news_that_it_will_be(machine: Machine) -> None:
    machine.var.rmdir()
    done = machine.run(MEMBER, "doctor")
    what = f"FAIL  files          {machine.var}: not there yet, and this user may not make it in {machine.var.parent}\n"
    assert what in done.stdout
    assert "or name another state_dir" in done.stdout
    done = machine.run(MEMBER, "run", "--once")
    assert done.returncode == 1
    assert (
        f"bedrock-watch: cannot write {machine.var / 'daemon.lock'}: Permission denied\n  name a state_dir"
        in done.stderr
    )
    assert machine.run(0, "doctor").stdout.count(f"{machine.var}: not there yet: it is made when it is first") == 1
