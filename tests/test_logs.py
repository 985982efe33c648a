"""What is logged, and in which form: for the journal as fields with a priority, otherwise in lines."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import support_simulator as support
from support_daemon import Home, hook_url
from support_receivers import web_receiver
from support_simulator import NOON, Clock

from watcher.logs.journal import Journal, is_stderr
from watcher.simulator import Fault, Kind, Simulator, failing, fine_tuning

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)


def parse(datagram: bytes) -> dict[str, str]:
    """Return the fields of an entry; source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/."""
    fields = {}
    while datagram:
        name, _, rest = datagram.partition(b"\n")
        if b"=" in name:
            key, _, value = name.partition(b"=")
        else:
            key, length = name, int.from_bytes(rest[:8], "little")
            value, rest = rest[8 : 8 + length], rest[9 + length :]
        fields[key.decode()] = value.decode()
        datagram = rest
    return fields


def entry(tmp_path: Path, level: str, event: str, **fields: Any) -> dict[str, str]:
    """Return what the journal is given for an event."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journald:
        journald.bind(f"{tmp_path}/journal")
        Journal(f"{tmp_path}/journal").take(event=event, level=level, **fields)
        return parse(journald.recv(1 << 20))


def test_an_event_reaches_the_journal_as_fields(tmp_path: Path) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/x:1/abc"
    assert entry(tmp_path, "warning", "job_failing", job=arn, error="not here", tries=3) == {
        "MESSAGE": f'job_failing job={arn} error="not here" tries=3',
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "bedrock-watch",
        "BEDROCK_EVENT": "job_failing",
        "BEDROCK_JOB": arn,
        "BEDROCK_ERROR": "not here",
        "BEDROCK_TRIES": "3",
    }


@pytest.mark.parametrize(("level", "priority"), [("debug", "7"), ("info", "6"), ("warning", "4"), ("error", "3")])
def test_a_level_becomes_a_priority_of_syslog(tmp_path: Path, level: str, priority: str) -> None:
    assert entry(tmp_path, level, "x")["PRIORITY"] == priority


def test_line_breaks_are_kept_in_fields_and_never_break_the_line_for_people(tmp_path: Path) -> None:
    """Nor can a foreign text smuggle in a field of its own."""
    told = entry(tmp_path, "error", "bug", error="one\nPRIORITY=0\nthree", channels=["a", "b"])
    assert told["BEDROCK_ERROR"] == "one\nPRIORITY=0\nthree"
    assert told["BEDROCK_CHANNELS"] == "a\nb"
    assert told["PRIORITY"] == "3"
    assert "\n" not in told["MESSAGE"]


def test_an_endless_text_is_cut_so_that_the_event_arrives(tmp_path: Path) -> None:
    assert len(entry(tmp_path, "info", "x", error="é" * 1_000_000)["BEDROCK_ERROR"]) == 8192


def test_without_the_journal_s_socket_lines_with_a_priority_go_to_stderr(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    Journal(f"{tmp_path}/nowhere", descriptor=writing).take(event="job_failing", level="error", job="x y")
    assert os.read(reading, 4096).decode() == '<3>job_failing job="x y"\n'
    os.close(reading)
    os.close(writing)


def test_stderr_is_the_journal_when_systemd_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By device and inode; a child whose stderr was redirected is told the same and must not believe it."""
    with (tmp_path / "stream").open("w") as stream, (tmp_path / "other").open("w") as other:
        here = os.fstat(stream.fileno())
        env = {"JOURNAL_STREAM": f"{here.st_dev}:{here.st_ino}"}
        monkeypatch.setattr(sys, "stderr", stream)
        assert is_stderr(env)
        assert not is_stderr({})
        monkeypatch.setattr(sys, "stderr", other)
        assert not is_stderr(env)
    assert not is_stderr(env)


def test_the_daemon_writes_one_prefixed_line_an_event_where_stderr_is_the_journal(
    tmp_path: Path, simulator: Simulator, endpoint: str
) -> None:
    """The lines are those of sd-daemon(3): this machine's journal has no socket here, or takes the fields."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    log = tmp_path / "daemon.log"
    log.touch()
    if Path("/run/systemd/journal/socket").exists():
        pytest.skip("LOUDLY: this machine has a journal, whose entries this test would have to read")
    home.env = {"JOURNAL_STREAM": f"{log.stat().st_dev}:{log.stat().st_ino}"}
    with home.running() as daemon:
        daemon.wait_for(lambda: "<6>news " in home.words())
        assert daemon.terminate() == 0
    assert all(line.startswith(("<6>", "<4>")) for line in home.words().splitlines())
    assert "<4>no_channel " in home.words()


def test_a_mistake_in_the_configuration_is_one_error_in_the_journal(tmp_path: Path) -> None:
    home = Home(tmp_path, "http://127.0.0.1:9", more="[nonsense]\n[more]\n")
    log = tmp_path / "log"
    with log.open("w") as stream:
        here = os.fstat(stream.fileno())
        env = home.environment() | {"JOURNAL_STREAM": f"{here.st_dev}:{here.st_ino}"}
        done = subprocess.run(home.command("run"), stderr=stream, env=env, check=False)
    assert done.returncode == 78
    if not Path("/run/systemd/journal/socket").exists():
        (line,) = log.read_text().splitlines()
        assert line.startswith("<3>ended error=")
        assert "nonsense" in line


def test_nothing_is_logged_of_a_poll_and_of_a_fault_its_beginning_and_its_end(
    tmp_path: Path, simulator: Simulator, clock: Clock, endpoint: str
) -> None:
    """A dozen polls, and failed ones after that: not a line more."""
    with web_receiver() as hook:
        home = Home(
            tmp_path, endpoint, [simulator.play(make()) for make in (failing, fine_tuning)], {"hook": hook_url(hook)}
        )
        with home.running() as daemon:
            daemon.wait_for(lambda: simulator.counts["Get"] >= 12)
            quiet = [line["event"] for line in home.log()]
            simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN))
            daemon.wait_for(lambda: home.logged("credentials_failing"))
            ((failures,),) = home.query("SELECT failures FROM scopes")
            daemon.wait_for(lambda: home.query("SELECT failures > ? FROM scopes", failures + 2) == [(1,)])
            simulator.clear()
            daemon.wait_for(lambda: home.logged("credentials_work_again"))
            clock.now = NOON + 5 * 60
            daemon.wait_for(lambda: hook.requests)
            assert daemon.terminate() == 0
    assert quiet == ["started", "news", "news"]
    events = [line["event"] for line in home.log()]
    assert events.count("credentials_failing") == events.count("credentials_work_again") == 1
    assert set(events) == {"started", "news", "credentials_failing", "credentials_work_again", "stopping", "stopped"}


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_a_person_at_a_terminal_reads_lines_that_name_the_job(
    tmp_path: Path, simulator: Simulator, endpoint: str, no_color: str, *, colored: bool
) -> None:
    """In colour, unless it is not wanted."""
    home = Home(tmp_path, endpoint, [simulator.play(failing())])
    master, slave = pty.openpty()
    environment = {**home.environment(), "TERM": "xterm", "NO_COLOR": no_color}
    done = subprocess.run(home.command("run", "--once"), stdout=slave, stderr=slave, env=environment, check=False)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert done.returncode == 0
    assert ("\x1b[" in shown) == colored
    if not colored:
        assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ \[info     \] started version=", shown)
        assert re.search(r"news job=arn:\S+ name=nova-legal-v1 what=appeared told=nobody", shown)
