"""What ``install.sh`` puts on a machine, what it refuses, and that it takes all of it away again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import INSTALL, Boot
from container import Container, Layers
from service import CONFIGURATION, DATABASE, Service

OFFLINE = f"PIP_CONFIG_FILE=/dev/null {INSTALL} --wheelhouse /wheelhouse"
"""With nothing but the wheels: not by what pip is told elsewhere (``conftest.PEOPLE``)."""

ARN = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"

EVERYTHING = """
find / -xdev \\( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /var/tmp \\
    -o -path /var/log \\) -prune -o -printf '%y %m %u %g %p -> %l\\n' | sort
cat /etc/passwd /etc/group /etc/shadow /etc/gshadow
systemctl list-unit-files
"""
"""All files with their owners and modes, all users and groups, all units."""

LEFT_BY_OTHERS = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock")
"""Copies that useradd(8) and its like keep of the files before their last change, and their lock."""


def everything(container: Container) -> set[str]:
    lines = container.run(EVERYTHING).stdout.splitlines()
    return {line for line in lines if not any(f" {path} " in line for path in LEFT_BY_OTHERS)}


INSTALLED = """
d 750 root bedrock-watch /etc/bedrock-watch
f 640 root bedrock-watch /etc/bedrock-watch/config.toml
d 700 root root /etc/bedrock-watch/credentials
d 710 root bedrock-watch /etc/bedrock-watch/secrets
f 644 root root /etc/fish/completions/bedrock-watch.fish
l 777 root root /etc/systemd/system/multi-user.target.wants/bedrock-watch.service
d 755 root root /opt/bedrock-watch
l 777 root root /opt/bedrock-watch/current
f 644 root root /opt/bedrock-watch/made
d 755 root root /opt/bedrock-watch/releases
l 777 root root /usr/local/bin/bedrock-watch
d 755 root root /usr/local/lib/systemd
d 755 root root /usr/local/lib/systemd/system
f 644 root root /usr/local/lib/systemd/system/bedrock-watch.service
d 755 root root /usr/local/lib/sysusers.d
f 644 root root /usr/local/lib/sysusers.d/bedrock-watch.conf
d 755 root root /usr/local/lib/tmpfiles.d
f 644 root root /usr/local/lib/tmpfiles.d/bedrock-watch.conf
d 755 root root /usr/local/share/bash-completion
d 755 root root /usr/local/share/bash-completion/completions
f 644 root root /usr/local/share/bash-completion/completions/bedrock-watch
d 755 root root /usr/local/share/man/man1
f 644 root root /usr/local/share/man/man1/bedrock-watch.1
f 644 root root /usr/local/share/zsh/site-functions/_bedrock-watch
d 2770 bedrock-watch bedrock-watch /var/lib/bedrock-watch
f 660 bedrock-watch bedrock-watch /var/lib/bedrock-watch/bedrock-watch.db
f 660 bedrock-watch bedrock-watch /var/lib/bedrock-watch/bedrock-watch.db-shm
f 660 bedrock-watch bedrock-watch /var/lib/bedrock-watch/bedrock-watch.db-wal
f 660 bedrock-watch bedrock-watch /var/lib/bedrock-watch/daemon.lock
f 660 bedrock-watch bedrock-watch /var/lib/bedrock-watch/status.json
"""
"""All that is there when the service runs, the release itself aside."""


def files_of(lines: set[str]) -> list[str]:
    """Return what of *lines* (of ``everything``) are files, where links lead left out; the release itself aside."""
    found = {line.partition(" -> ")[0] for line in lines if re.match(r"[a-z] \d+ ", line)}
    # A status file that is being replaced has another name for a moment.
    aside = r" (/opt/bedrock-watch/releases/|/var/lib/bedrock-watch/status\.\d+$)"
    return sorted((line for line in found if not re.search(aside, line)), key=lambda line: line.split(" ", 4)[4])


def refused(container: Container, command: str, *, user: str = "root") -> str:
    """Run *command*, which has to fail and to change nothing; return its last words."""
    before = everything(container)
    done = container.run(command, user=user, check=False)
    assert done.returncode != 0
    assert everything(container) == before
    return done.stderr


def test_purge_leaves_nothing_behind(machine: Container) -> None:
    """Neither of what was installed, nor of what was made since by the service and by the administrator."""
    before = everything(machine)
    machine.run(OFFLINE)
    machine.run(f"bedrock-watch add {ARN}", check=False)  # there are no credentials here
    machine.write("/etc/systemd/system/bedrock-watch.service.d/mine.conf", "[Service]\nNice=5\n")
    machine.run("systemctl daemon-reload; systemctl restart bedrock-watch; usermod -aG bedrock-watch alice")
    machine.run("systemctl cat bedrock-watch >/etc/systemd/system/bedrock-watch.service")  # as by edit --full
    assert len(everything(machine)) > len(before) + 1000
    said = machine.run("/opt/bedrock-watch/current/deploy/install.sh --uninstall --purge").stdout
    assert said == "bedrock-watch: uninstalled; nothing is left\n"
    assert everything(machine) == before
    assert known_to_systemd(machine) == ""


def known_to_systemd(container: Container) -> str:
    """Return the lines with units of ours, failed ones too, that systemd has in its memory."""
    return container.run("systemctl list-units --all --plain --no-legend 'bedrock-watch*'").stdout


def test_what_is_installed_is_this_and_nothing_else(machine: Container) -> None:
    """With these owners and modes, whatever the caller's umask is, and however closed the files were that it came from.

    It is done as README says for a machine without a network: a directory that was carried there, named by a relative
    path.
    """
    before = everything(machine)
    machine.run("cp -r /wheelhouse /root/wheelhouse && cp -r /home/admin/bedrock-watch/deploy/systemd /root/wheelhouse")
    machine.run("chown -R root: /root/wheelhouse && chmod -R go= /root/wheelhouse && ls -l /root/wheelhouse/systemd")
    command = "wheelhouse/systemd/install.sh --wheelhouse wheelhouse"
    said = machine.run(f"umask 077; PIP_CONFIG_FILE=/dev/null {command}", cwd="/root").stdout
    assert re.search(r"^bedrock-watch: installed \S+; it runs: systemctl status bedrock-watch$", said, re.MULTILINE)
    machine.run("rm -r /root/wheelhouse")
    assert files_of(everything(machine) - before) == INSTALLED.strip().splitlines()
    closed = "find /opt/bedrock-watch ! -type l ! -perm -o=r -o -type d ! -perm -o=x -o ! -user root -o -perm /go=w ! -type l"
    assert machine.run(closed).stdout == ""
    user = machine.run("getent passwd bedrock-watch").stdout.strip()
    assert user.endswith(":bedrock-watch, watches Amazon Bedrock jobs:/nonexistent:/usr/sbin/nologin")
    assert machine.run("systemctl show -P NeedDaemonReload bedrock-watch").stdout == "no\n"


def test_uninstalling_keeps_state_and_configuration_for_the_next_installation(service: Service) -> None:
    container = service.container
    service.container.run(f"bedrock-watch add {ARN}", check=False)  # there are no credentials here
    container.write(CONFIGURATION, container.path(CONFIGURATION).read_text() + "# mine\n")
    good = container.path(CONFIGURATION).read_text()
    container.write(CONFIGURATION, "[pool]\n")
    container.run("systemctl restart bedrock-watch", check=False)
    container.write(CONFIGURATION, good)
    assert "failed" in known_to_systemd(container)
    said = container.run(f"{INSTALL} --uninstall").stdout
    assert "kept: /etc/bedrock-watch, /var/lib/bedrock-watch" in said
    assert known_to_systemd(container) == ""
    left = container.run("ls /opt /usr/local/bin; systemctl cat bedrock-watch", check=False)
    assert "bedrock-watch" not in left.stdout
    container.run(f"test -e {DATABASE}")
    container.run(OFFLINE)
    assert service.active
    assert [job["arn"] for job in service.ask("list")["jobs"]] == [ARN]
    assert container.path(CONFIGURATION).read_text().endswith("# mine\n")


def test_uninstalling_ends_a_service_that_runs(service: Service) -> None:
    assert service.pid
    service.container.run(f"{INSTALL} --uninstall")
    assert service.container.run("pgrep -u bedrock-watch", check=False).stdout == ""


def test_installing_again_changes_nothing_but_the_release(service: Service) -> None:
    container, before = service.container, service.pid
    container.write(CONFIGURATION, container.path(CONFIGURATION).read_text() + "# mine\n")
    files = {line for line in everything(container) if "/opt/" not in line and "/var/lib/" not in line}
    assert "upgraded" in container.run(OFFLINE).stdout
    assert service.active
    assert service.pid != before
    assert container.path(CONFIGURATION).read_text().endswith("# mine\n")
    assert {line for line in everything(container) if "/opt/" not in line and "/var/lib/" not in line} == files
    assert container.run("ls -A /opt/bedrock-watch").stdout.split() == ["current", "made", "releases"]
    assert len(container.run("ls /opt/bedrock-watch/releases").stdout.split()) == 1
    assert service.shown("NeedDaemonReload") == "no"


def test_one_that_was_stopped_and_disabled_stays_so_in_an_upgrade(service: Service) -> None:
    service.container.run("systemctl disable --now bedrock-watch")
    said = service.container.run(OFFLINE).stdout
    assert "it does not run: systemctl enable --now bedrock-watch" in said
    assert not service.active


def test_it_installs_into_an_image_where_no_systemd_runs(machine: Container) -> None:
    """As when a machine's image is built in a chroot: it starts with the machine, later."""
    said = machine.run(f"unshare --mount sh -c 'mount -t tmpfs tmpfs /run/systemd && {OFFLINE}'").stdout
    assert "it starts with the machine" in said
    assert machine.run("systemctl is-enabled bedrock-watch").stdout == "enabled\n"
    machine.run("systemctl daemon-reload && systemctl start bedrock-watch")


def test_a_service_that_does_not_start_is_said_with_its_last_words(machine: Container) -> None:
    """The database is nobody's: what there was before is left as it was."""
    machine.run("mkdir /var/lib/bedrock-watch && seq 9999 >/var/lib/bedrock-watch/bedrock-watch.db")
    done = machine.run(OFFLINE, check=False)
    assert done.returncode == 1
    assert "is not a database" in done.stderr or "is damaged" in done.stderr, done.stderr
    assert "installed, but the service does not start (its last words are above)" in done.stderr
    assert machine.run("seq 9999 | cmp - /var/lib/bedrock-watch/bedrock-watch.db").stdout == ""


def pretend(container: Container, version: int) -> None:
    """Let systemctl say that it is of that version."""
    shim = f'#!/bin/sh\n[ "$1" != --version ] && exec /bin/systemctl "$@"\necho "systemd {version} ({version}.1)"\n'
    container.write("/usr/local/sbin/systemctl", shim)
    container.run("chmod 755 /usr/local/sbin/systemctl")


def test_a_systemd_that_is_too_old_is_said(bare: Container) -> None:
    pretend(bare, 251)
    assert "systemd 251 is too old: 252 or later is needed" in refused(bare, OFFLINE)
    bare.run("rm /usr/local/sbin/systemctl")


def test_the_delay_between_restarts_grows_where_systemd_knows_how(machine: Container) -> None:
    """From 254 on; here is 252, which can at least show where the drop-in lies."""
    pretend(machine, 254)
    machine.run(OFFLINE)
    assert "RestartSteps=8" in machine.run("/bin/systemctl cat bedrock-watch").stdout
    machine.run("rm /usr/local/sbin/systemctl")
    machine.run(OFFLINE)
    assert "RestartSteps" not in machine.run("systemctl cat bedrock-watch").stdout


def test_the_configuration_is_the_commented_example_for_the_group_to_read(service: Service) -> None:
    container = service.container
    assert container.run(f"stat -c '%a %U:%G' {CONFIGURATION}").stdout == "640 root:bedrock-watch\n"
    example = container.run("bedrock-watch config init -").stdout
    line = 'state_dir = "/var/lib/bedrock-watch"'
    assert container.path(CONFIGURATION).read_text() == example.replace(f"#{line}", line)
    assert container.run("bedrock-watch config check", user="alice").stdout.startswith("ok: /etc/bedrock-watch/")


def test_an_existing_configuration_is_made_readable_for_the_service(machine: Container) -> None:
    machine.run(f"mkdir /etc/bedrock-watch && umask 077 && echo '[poll]' >{CONFIGURATION}")
    said = machine.run(OFFLINE).stdout
    assert f"{CONFIGURATION}: the group may read it now" in said
    assert machine.path(CONFIGURATION).read_text() == "[poll]\n"
    assert machine.run("systemctl is-active bedrock-watch").stdout == "active\n"


def test_shells_complete_its_commands(service: Service) -> None:
    run = service.container.run
    assert "status" in run("fish -c 'complete -C \"bedrock-watch st\"'", user="alice").stdout
    bash = """
    . /usr/share/bash-completion/bash_completion
    _completion_loader bedrock-watch
    COMP_WORDS=(bedrock-watch st); COMP_CWORD=1
    "$(complete -p bedrock-watch | sed 's/.*-F \\([^ ]*\\).*/\\1/')" bedrock-watch st bedrock-watch
    echo "${COMPREPLY[@]}"
    """
    assert "status" in run(bash, user="alice").stdout
    zsh = "autoload -Uz compinit; compinit -u; whence -w _bedrock_watch_completion; print ${_comps[bedrock-watch]}"
    assert "_bedrock-watch" in run(f"zsh -fc '{zsh}'", user="alice", check=False).stdout


def test_the_manual_page_is_there_and_has_every_command(service: Service) -> None:
    page = service.container.run("MANWIDTH=200 man bedrock-watch", user="alice").stdout
    help_text = service.container.run("bedrock-watch --help").stdout
    # What is indented further goes on with the line before.
    commands = re.findall(r"^  (\S+)", help_text.partition("Commands:")[2], re.MULTILINE)
    assert len(commands) > 12
    for command in commands:
        assert f"bedrock-watch {command}" in page


def test_man_finds_no_fault_with_the_manual_page(service: Service) -> None:
    file = "/usr/local/share/man/man1/bedrock-watch.1"
    done = service.container.run(f"man --warnings -l {file} >/dev/null; mandoc -Tlint -Wwarning {file}", check=False)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line]
    assert complaints == []


@pytest.fixture(scope="module")
def bare(booted: Boot, debian: Layers) -> Iterator[Container]:
    """One machine for all the tests in which nothing is installed."""
    with booted(debian) as container:
        yield container


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--frobnicate", "unknown option: --frobnicate"),
        ("--purge", "--purge goes with --uninstall only"),
        ("--wheelhouse", "--wheelhouse needs a value"),
        ("--wheelhouse /nowhere", "no such directory: /nowhere"),
        ("--wheelhouse /wheelhouse --python /bin/false", "no Python 3.11 or later at /bin/false"),
    ],
)
def test_words_that_make_no_sense_change_nothing(bare: Container, words: str, said: str) -> None:
    assert f"install.sh: {said}" in refused(bare, f"{INSTALL} {words}")


def test_only_root_can_install(bare: Container) -> None:
    assert "only root can do this" in refused(bare, OFFLINE, user="admin")


def test_without_a_checkout_the_wheels_have_to_be_named(machine: Container) -> None:
    machine.run("cp -r /home/admin/bedrock-watch/deploy/systemd /home/admin/alone")
    said = refused(machine, "/home/admin/alone/install.sh")
    assert "there is no checkout around this script" in said
    machine.run("/home/admin/alone/install.sh --wheelhouse /wheelhouse")


def test_a_python_without_venv_is_said(bare: Container) -> None:
    bare.run("mv /usr/lib/python3.11/ensurepip /root")
    assert "apt-get install python3-venv" in refused(bare, OFFLINE)
    bare.run("mv /root/ensurepip /usr/lib/python3.11")


def test_a_wheel_that_is_not_the_locks_is_refused(bare: Container) -> None:
    """Two wheels are exchanged: what is in the house is not what was tested."""
    bare.run("cp -r /wheelhouse /other && cp /other/rich-*.whl /other/jinja2-*.whl")
    assert "DO NOT MATCH THE HASHES" in refused(bare, f"{INSTALL} --wheelhouse /other")


def test_a_program_of_that_name_from_elsewhere_is_not_replaced(bare: Container) -> None:
    bare.run("ln -s /bin/true /usr/local/bin/bedrock-watch")
    assert "/usr/local/bin/bedrock-watch exists, and is not from here" in refused(bare, OFFLINE)
    bare.run("rm /usr/local/bin/bedrock-watch")


def test_an_installation_that_is_interrupted_leaves_nothing(bare: Container) -> None:
    """By whoever pressed Ctrl-C, or by a shutdown, when the release was half made."""
    half = (
        '#!/bin/sh\n[ "$2" != venv ] || { mkdir -p "$3/half"; kill -TERM $PPID; exit 0; }\nexec /usr/bin/python3 "$@"\n'
    )
    bare.write("/root/python", half)
    bare.run("chmod 755 /root/python")
    refused(bare, f"{OFFLINE} --python /root/python")


def test_the_newest_python_that_will_do_is_found(bare: Container) -> None:
    """Where python3 itself is too old."""
    bare.write("/usr/local/sbin/python3", "#!/bin/sh\nexit 1\n")
    for name in ("python3.12", "python3.13"):  # each says yes to what it is asked, and no to what it is to do
        bare.write(f"/usr/local/sbin/{name}", '#!/bin/sh\n[ "$2" != -c ] || exit 0\necho "$0 it is" >&2\nexit 1\n')
    bare.run("chmod 755 /usr/local/sbin/python3*")
    assert "/usr/local/sbin/python3.13 it is" in refused(bare, OFFLINE)
    bare.run("rm /usr/local/sbin/python3*")


def test_help_says_what_it_does(bare: Container) -> None:
    assert bare.run(f"{INSTALL} --help", user="alice").stdout.startswith("usage: install.sh")
