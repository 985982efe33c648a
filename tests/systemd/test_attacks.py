"""What members of the service's group, and other local users, try: none of it gets them root, a secret, or a file."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import wheels
from conftest import INSTALL
from container import Container
from service import DATABASE, Service
from support_daemon import hook_url
from support_receivers import web_receiver
from test_install import OFFLINE
from test_store_guard import hot_journal
from test_upgrade import build

STATE = "/var/lib/bedrock-watch"
VICTIM = "/etc/victim"

ROOT_S_COMMANDS = (
    "list",
    "status",
    "health",
    "db check",
    "db backup --force /root/copy.db",
    "show x",
    "events",
    "deliveries",
    "doctor",
    "channel test",
    "run --once",
    "mute --all --for 1h",
    "add arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12",
)
"""What an administrator runs as root: whatever these find in the state directory, root's files stay as they are."""


@pytest.fixture
def victim(service: Service) -> Service:
    """Return the service on a machine that has a file of root's which the attacks are after."""
    service.container.run(f"echo precious >{VICTIM}; chmod 600 {VICTIM}")
    return service


def as_member(service: Service, command: str) -> None:
    """Run *command* as a member of the service's group, in the state directory."""
    service.container.run(command, user="alice", cwd=STATE)


def root_s_files_are_as_they_were(container: Container) -> None:
    assert container.run(f"cat {VICTIM}; stat -c '%u %a' {VICTIM}").stdout == "precious\n0 600\n"
    assert container.run("ls /etc/ld.so.preload /etc/nologin", check=False).stdout == ""


def all_of_root_s_commands(service: Service) -> None:
    for words in ROOT_S_COMMANDS:
        done = service.container.run(f"timeout 60 bedrock-watch {words}", check=False)
        assert done.returncode not in (70, 124), (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_journal_that_names_a_file_of_root_s_deletes_nothing(victim: Service) -> None:
    victim.container.run("systemctl stop bedrock-watch")
    journal = base64.b64encode(hot_journal(Path(VICTIM))).decode()
    as_member(victim, f"echo {journal} | base64 -d >bedrock-watch.db-journal")
    all_of_root_s_commands(victim)
    victim.container.run("systemctl start bedrock-watch")
    victim.container.run(OFFLINE)
    assert victim.active
    assert "foreign_journal_moved" in victim.container.journal()
    root_s_files_are_as_they_were(victim.container)


@pytest.mark.parametrize("name", ["bedrock-watch.db", "daemon.lock", "status.json", "crashes.json"])
@pytest.mark.parametrize("target", [VICTIM, "/etc/nologin"])
def test_a_link_to_a_file_of_root_s_is_never_written_through(victim: Service, name: str, target: str) -> None:
    victim.container.run("systemctl stop bedrock-watch")
    as_member(victim, f"rm -f {name} bedrock-watch.db-wal bedrock-watch.db-shm; ln -s {target} {name}")
    all_of_root_s_commands(victim)
    victim.container.run("timeout 20 systemctl start bedrock-watch", check=False)
    root_s_files_are_as_they_were(victim.container)


def test_fifos_in_the_state_directory_hang_nobody(victim: Service) -> None:
    victim.container.run("systemctl stop bedrock-watch")
    as_member(victim, "rm -f daemon.lock status.json; mkfifo daemon.lock status.json")
    all_of_root_s_commands(victim)


def test_root_s_file_is_not_created_by_an_upgrade_that_fails(victim: Service, tmp_path: Path) -> None:
    """The attack: when the new release is in place, the database becomes a link to a file that root would make."""
    container = victim.container
    attack = f"""
before=$(readlink /opt/bedrock-watch/current)
for _ in $(seq 6000); do
    [ "$(readlink /opt/bedrock-watch/current)" = "$before" ] || {{
        rm -f {DATABASE}*
        ln -s /etc/ld.so.preload {DATABASE}
    }}
    sleep 0.01
done
"""
    container.write("/home/alice/attack", attack)
    container.run("systemd-run --quiet --unit=attack --uid=alice --gid=bedrock-watch sh /home/alice/attack")
    build(container, wheels.broken(wheels.version(wheels.current(tmp_path), "77.0")))
    done = container.run(OFFLINE, check=False)
    container.run("systemctl stop attack", check=False)
    assert done.returncode != 0
    root_s_files_are_as_they_were(container)


def test_a_folder_of_somebody_s_runs_no_code_when_root_installs_from_it(machine: Container) -> None:
    for name in ("venv", "pip", "ensurepip", "sqlite3", "watcher"):
        machine.write(f"/home/bob/{name}.py", "open('/etc/owned', 'w')\n")
    machine.run(f"cd /home/bob && {OFFLINE}", cwd="/home/bob")
    assert machine.run("ls /etc/owned", check=False).stdout == ""


def test_an_installation_from_the_checkout_builds_with_the_locked_tools_alone(machine: Container) -> None:
    machine.run(INSTALL)
    assert machine.run("systemctl is-active bedrock-watch").stdout == "active\n"
    assert machine.run("ls -d /opt/bedrock-watch/releases/*.build", check=False).stdout == ""


def test_an_interpreter_that_the_service_could_not_run_is_refused(machine: Container) -> None:
    machine.run("mkdir -m 700 /root/bin && cp $(readlink -f /usr/bin/python3) /root/bin/python3")
    done = machine.run(f"{OFFLINE} --python /root/bin/python3", check=False)
    assert done.returncode == 1
    assert "the service's user cannot run" in done.stderr


def test_the_configuration_is_read_only_inside_the_unit(service: Service) -> None:
    """As the kernel sees it, and as the service's own user finds it."""
    mounts = service.container.run(f"cat /proc/{service.pid}/mountinfo").stdout.splitlines()
    points = {words[4]: words[5].split(",") for words in (line.split() for line in mounts)}
    nearest = max((point for point in points if "/etc/bedrock-watch/x".startswith(point.rstrip("/") + "/")), key=len)
    assert "ro" in points[nearest]
    inside = f"nsenter --target {service.pid} --mount setpriv --reuid=bedrock-watch --clear-groups"
    for path in ("config.toml", "secrets/x", "credentials/x"):
        done = service.container.run(f"{inside} touch /etc/bedrock-watch/{path}", check=False)
        assert done.returncode != 0


def test_no_member_reads_a_secret_and_nobody_else_reads_anything(service: Service) -> None:
    container = service.container
    container.run(
        "umask 077; cd /etc/bedrock-watch; echo hidden >secrets/a; chown bedrock-watch secrets/a; echo hidden >credentials/b"
    )
    for user in ("alice", "bob"):
        done = container.run(
            "cat /etc/bedrock-watch/secrets/a /etc/bedrock-watch/credentials/b", user=user, check=False
        )
        assert "hidden" not in done.stdout
    for path in (STATE, "/etc/bedrock-watch"):
        assert container.run(f"ls {path}", user="bob", check=False).returncode != 0


def test_run_as_root_is_refused_and_says_who_may(service: Service) -> None:
    service.container.run("systemctl stop bedrock-watch")
    done = service.container.run("bedrock-watch run", check=False)
    assert done.returncode == 78
    assert "sudo -u bedrock-watch" in done.stderr


def test_root_s_backup_goes_where_only_root_writes(service: Service) -> None:
    service.container.run("bedrock-watch db backup /root/copy.db")
    assert service.container.run("stat -c '%U %a' /root/copy.db").stdout == "root 600\n"
    service.container.run("systemctl stop bedrock-watch")
    check = "import sqlite3; print(sqlite3.connect('/root/copy.db').execute('PRAGMA integrity_check').fetchone())"
    assert service.container.run(f'python3 -c "{check}"').stdout == "('ok',)\n"


def test_credentials_that_systemd_read_where_the_service_wrote_are_moved_with_consent(service: Service) -> None:
    """As older versions had documented it: the upgrade refuses, and moves them when it is told to."""
    container = service.container
    with web_receiver() as hook:
        container.run(f"umask 077; echo {hook_url(hook)} >/etc/bedrock-watch/secrets/hook")
        service.drop_in("credentials", "LoadCredential=hook:/etc/bedrock-watch/secrets/hook")
        service.configure([], {"hook": 'url_credential = "hook"'})
        done = container.run(OFFLINE, check=False)
        assert done.returncode == 1
        assert "--move-credentials" in done.stderr
        container.run(f"{OFFLINE} --move-credentials")
        assert container.run("ls /etc/bedrock-watch/secrets").stdout == ""
        assert container.run("stat -c '%U %a' /etc/bedrock-watch/credentials/hook").stdout == "root 600\n"
        container.run("systemctl restart bedrock-watch; bedrock-watch channel test")
        assert len(hook.requests) == 1


def test_a_credential_that_the_service_turned_into_a_link_is_not_moved(service: Service) -> None:
    container = service.container
    container.run("echo root-only >/root/x; ln -s /root/x /etc/bedrock-watch/secrets/hook")
    service.drop_in("credentials", "LoadCredential=hook:/etc/bedrock-watch/secrets/hook")
    done = container.run(f"{OFFLINE} --move-credentials", check=False)
    assert done.returncode == 1
    assert "was not a regular file" in done.stderr
    assert container.run("ls /etc/bedrock-watch/credentials", check=False).stdout == ""
