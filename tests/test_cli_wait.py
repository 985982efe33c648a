"""``bedrock-watch wait`` as a process: with a daemon, without one, and with one that dies meanwhile."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest
import support_signals  # noqa: F401 - its import is its work
import support_simulator as support
from support_daemon import DEADLINE, Home, hook_url
from support_receivers import web_receiver
from support_simulator import Clock

from watcher.cli.wait.goals import Goal, worst
from watcher.cli.wait.progress import cut, line
from watcher.errors import ExitCode, UsageError
from watcher.model import Outcome, Snapshot, Step
from watcher.simulator import Fault, Kind, Simulator, distillation, failing, fine_tuning, stopped

clock = pytest.fixture(support.clock)
simulator = pytest.fixture(support.simulator)
endpoint = pytest.fixture(support.endpoint)

MINUTE = 60.0


class Waiting:
    """A ``wait`` that runs, and what it has printed so far."""

    def __init__(self, home: Home, *words: str) -> None:
        self.popen = subprocess.Popen(
            home.command("wait", *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=home.environment() | {"PYTHONUNBUFFERED": ""},
        )
        self.out: list[str] = []
        self.err: list[str] = []
        assert self.popen.stdout
        assert self.popen.stderr
        self._readers = [self._read(self.popen.stdout, self.out), self._read(self.popen.stderr, self.err)]

    def _read(self, stream: IO[str], into: list[str]) -> threading.Thread:
        thread = threading.Thread(target=self._lines, args=(stream, into), daemon=True)
        thread.start()
        return thread

    @staticmethod
    def _lines(stream: IO[str], into: list[str]) -> None:
        into.extend(line.rstrip("\n") for line in stream)

    def until(self, condition: Callable[[], object]) -> None:
        """Return as soon as *condition* holds."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert self.popen.poll() is None, (self.popen.returncode, self.out, self.err)
            assert time.monotonic() < end, (self.out, self.err)
            time.sleep(0.02)

    def code(self) -> int:
        """Return the exit code, when it has ended."""
        code = self.popen.wait(DEADLINE)
        for reader in self._readers:
            reader.join(DEADLINE)
        return code


@contextmanager
def waiting(home: Home, *words: str) -> Iterator[Waiting]:
    """Run ``wait``; at the end, see to it that it is gone."""
    made = Waiting(home, *words)
    try:
        yield made
    finally:
        if made.popen.poll() is None:
            made.popen.kill()
        made.code()
        for stream in (made.popen.stdout, made.popen.stderr):
            assert stream
            stream.close()


def test_without_a_daemon_it_looks_itself_prints_what_changes_and_neither_writes_nor_tells(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    arn = simulator.play(distillation())
    clock.now += 6 * MINUTE
    with web_receiver() as hook:
        home = Home(tmp_path, endpoint, [arn], {"hook": hook_url(hook)})
        with waiting(home, arn) as wait:
            wait.until(lambda: wait.err)
            assert wait.err[0].startswith("bedrock-watch: nova-support-v3: InProgress, validation for ")
            assert wait.err[0].endswith("; waiting for its end")
            clock.now += 10 * MINUTE
            wait.until(lambda: len(wait.out) == 2)
            clock.now += 200 * MINUTE
            assert wait.code() == 0
        assert hook.requests == []
    assert wait.out == [
        "nova-support-v3: validation: InProgress -> Completed at 2025-06-02 12:14:00 UTC, after 10m",
        "nova-support-v3: data processing: NotStarted -> InProgress at 2025-06-02 12:14:00 UTC",
        "nova-support-v3: data processing: InProgress -> Completed at 2025-06-02 13:12:00 UTC, after 58m",
        "nova-support-v3: training: NotStarted -> Completed at 2025-06-02 15:12:00 UTC, after 2h00m",
        "nova-support-v3: Job: InProgress -> Completed at 2025-06-02 15:12:00 UTC",
    ]
    assert not (tmp_path / "state").exists()


def test_the_failure_message_is_on_stderr_and_the_most_severe_of_several_jobs_counts(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    done, broken, halted = (simulator.play(script) for script in (fine_tuning(), failing(), stopped()))
    clock.now += 200 * MINUTE
    home = Home(tmp_path, endpoint)
    assert home.run("wait", done).returncode == 0
    one = home.run("wait", broken, "--for", "completed")
    assert one.returncode == 10
    assert one.stdout == "nova-legal-v1: Job: first seen -> Failed at 2025-06-02 13:30:00 UTC\n"
    assert one.stderr == (
        "bedrock-watch: nova-legal-v1: Failed after 1h30m:\n"
        "Encountered an unexpected error when processing the request, please try again\n"
    )
    one = home.run("wait", halted)
    assert (one.returncode, one.stderr) == (11, "bedrock-watch: llama-triage-v2: Stopped after 58m\n")
    every = home.run("wait", done, halted, broken, "-o", "json")
    document = json.loads(every.stdout)
    assert (every.returncode, document["exit_code"]) == (10, 10)
    assert sorted(job["status"] for job in document["jobs"]) == ["Completed", "Failed", "Stopped"]
    assert [event["transitions"][0]["type"] for event in document["events"]] == ["StatusChanged"] * 3


def test_any_ends_with_the_first_that_is_there(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    home = Home(tmp_path, endpoint)
    arns = [simulator.play(script) for script in (distillation(), failing(), fine_tuning())]
    with waiting(home, *arns, "--any", "--for", "completed") as wait:
        wait.until(lambda: len(wait.err) == 3)
        clock.now += 95 * MINUTE  # the failing one is over, and is not what is waited for
        wait.until(lambda: any("Failed after" in line for line in wait.err))
        clock.now += 20 * MINUTE
        assert wait.code() == 0
    assert any(line.startswith("titan-tickets-v7: Job: InProgress -> Completed") for line in wait.out)


def test_a_sub_task_can_be_waited_for_and_one_that_never_came_is_said(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    home = Home(tmp_path, endpoint)
    arn = simulator.play(distillation())
    with waiting(home, arn, "--for", "step:Data-Processing=completed", "-o", "jsonl") as wait:
        wait.until(lambda: wait.err)
        clock.now += 75 * MINUTE
        assert wait.code() == 0
    events = [json.loads(line) for line in wait.out]
    assert all(event["version"] == 1 for event in events)
    assert events[-1]["transitions"][-1]["step"] == "training"
    clock.now += 200 * MINUTE
    one = home.run("wait", arn, "--for", "step:training=Failed")
    assert (one.returncode, one.stderr) == (
        1,
        "bedrock-watch: nova-support-v3: Completed, and it never came to step:training=Failed\n",
    )


def test_with_a_daemon_it_reads_what_the_daemon_writes_and_asks_aws_nothing(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    arn = simulator.play(failing())
    clock.now += 5 * MINUTE
    home = Home(tmp_path, endpoint, [arn])
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        # Where this one would ask, nobody answers.
        deaf = Home(tmp_path, "http://127.0.0.1:9", [arn])
        with waiting(deaf, "nova-legal-v1") as wait:
            wait.until(lambda: wait.err)
            clock.now += 20 * MINUTE
            wait.until(lambda: wait.out)
            clock.now += 80 * MINUTE
            assert wait.code() == 10
        assert not any("EndpointConnectionError" in line for line in wait.err)
        assert wait.out[0].startswith("nova-legal-v1: validation: InProgress -> Completed")
        assert wait.err[-1] == "Encountered an unexpected error when processing the request, please try again"
        # What is over is answered at once, from the database alone.
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'ended'"))
        assert daemon.terminate() == 0
    one = deaf.run("wait", "nova-legal-v1")
    assert (one.returncode, one.stdout.splitlines()[-1]) == (10, wait.out[-1])


def test_when_the_daemon_dies_it_goes_on_by_itself(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    arn = simulator.play(fine_tuning())
    home = Home(tmp_path, endpoint, [arn])
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        with waiting(home, arn) as wait:
            wait.until(lambda: wait.err)
            daemon.kill()
            wait.until(lambda: "bedrock-watch: the daemon has ended: asking AWS in its place" in wait.err)
            clock.now += 200 * MINUTE
            assert wait.code() == 0
    assert wait.out[-1].endswith("-> Completed at 2025-06-02 13:50:00 UTC")


def test_when_the_job_is_removed_it_goes_on_by_itself(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    """The daemon looks at it no more, and would never say how it ends."""
    home = Home(tmp_path, endpoint)
    arn = simulator.play(fine_tuning())
    with home.running() as daemon:
        assert home.run("add", arn).returncode == 0
        with waiting(home, arn) as wait:
            wait.until(lambda: wait.err)
            assert home.run("remove", arn).returncode == 0
            wait.until(lambda: any("titan-tickets-v7 is watched no more: " in line for line in wait.err))
            clock.now += 200 * MINUTE
            assert wait.code() == 0
        assert daemon.terminate() == 0
    assert wait.out[-1].endswith("-> Completed at 2025-06-02 13:50:00 UTC")


def test_what_aws_does_not_know_or_refuses_ends_it_at_once_and_a_blip_does_not(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    arn = simulator.play(fine_tuning())
    home = Home(tmp_path, endpoint)
    one = home.run("wait", arn[:-4] + "zzzz")
    assert one.returncode == 4
    assert "ResourceNotFoundException" in one.stderr
    simulator.inject(Fault(kind=Kind.DENIED))
    one = home.run("wait", arn)
    assert one.returncode == 5
    assert "allow bedrock:GetModelCustomizationJob" in one.stderr
    simulator.clear()
    simulator.inject(Fault(kind=Kind.INTERNAL, count=4))
    with waiting(Home(tmp_path, "http://127.0.0.1:9"), arn) as wait:
        wait.until(lambda: "  it is asked for again" in wait.err)
    with waiting(home, arn) as wait:
        wait.until(lambda: "  AWS's fault; asked again by itself" in wait.err)
        wait.until(lambda: any("InProgress (queued)" in line for line in wait.err))
        assert not any("it is asked for again" in line for line in wait.err)
        clock.now += 200 * MINUTE
        assert wait.code() == 0


def test_credentials_that_are_lost_for_long_end_it_though_the_job_was_seen_before(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    """They are the whole account's trouble, and not this job's own; a pipeline must not wait for a sign-in."""
    arn = simulator.play(fine_tuning())
    home = Home(tmp_path, endpoint, [arn], poll='blind_after = "100ms"')
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        with waiting(home, arn) as wait:
            wait.until(lambda: wait.err)
            simulator.inject(Fault(kind=Kind.EXPIRED_TOKEN))
            assert wait.code() == 5
        assert any("ExpiredTokenException" in line for line in wait.err)
        assert daemon.terminate() == 0


def test_its_time_may_be_limited_and_ctrl_c_ends_it(simulator: Simulator, endpoint: str, tmp_path: Path) -> None:
    arn = simulator.play(fine_tuning())
    home = Home(tmp_path, endpoint)
    one = home.run("wait", arn, "--timeout", "2s")
    assert one.returncode == 124
    assert one.stderr.splitlines()[-1].startswith("bedrock-watch: timed out: ")
    assert one.stderr.endswith("; still waiting for its end\n")
    with waiting(home, arn) as wait:
        wait.until(lambda: wait.err)
        wait.popen.send_signal(signal.SIGINT)
        assert wait.code() == 130
    assert "Traceback" not in "".join(wait.err)
    simulator.inject(Fault(kind=Kind.HANG))
    one = home.run("wait", arn, "--timeout", "1s")
    id_ = arn.rpartition("/")[2]
    assert (one.returncode, one.stderr) == (
        124,
        f"bedrock-watch: timed out: {id_}: not seen yet; still waiting for its end\n",
    )


def test_where_nobody_reads_what_it_prints_it_does_not_say_that_all_went_well(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    """As in ``wait JOB | head -1`` with pipefail: nobody waits then for how the job ends."""
    arn = simulator.play(fine_tuning())
    clock.now += 200 * MINUTE
    home = Home(tmp_path, endpoint)
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as stdout:
        done = subprocess.run(
            home.command("wait", arn), stdout=stdout, stderr=subprocess.PIPE, env=home.environment(), check=False
        )
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("text", "shown"), [("x" * 19, "x" * 19), ("x" * 20, "x" * 16 + "..."), ("名" * 10, "名" * 8 + "..."), ("", "")]
)
def test_the_line_of_a_terminal_is_cut_by_what_is_seen_of_it(text: str, shown: str) -> None:
    """A line that is longer than the terminal is wide would not be written over."""
    assert cut(text, 19) == shown


def test_where_a_line_is_too_long_the_titles_are_cut_before_the_sub_task() -> None:
    one, other = ("support bot production eu", "InProgress, training for 3m"), ("short", "new")
    assert line("waited 9s for ", [one, other], 80) == (
        "waited 9s for support bot production eu: InProgress, training for 3m, short: new"
    )
    assert line("waited 9s for ", [one, other], 71) == (
        "waited 9s for support bot p...: InProgress, training for 3m, short: new"
    )
    assert line("waited 9s for ", [one, other], 40) == "waited 9s for support bot p...: InPro..."
    assert line("waited 9s for ", [], 40) == "waited 9s for jobs"


MISUSED = {
    ("--for", "done"): "step:NAME=STATUS",
    ("--for", "step:trainin=Completed"): "validation, data-processing, training",
    ("--for", "step:training=Complete"): "Completed, Failed, InProgress, NotStarted, Stopped, Stopping",
    ("--timeout", "soon"): "--timeout 'soon'",
}


@pytest.mark.parametrize(("words", "told"), MISUSED.items())
def test_a_word_that_means_nothing_is_refused_with_those_that_do(
    endpoint: str, tmp_path: Path, words: tuple[str, str], told: str
) -> None:
    one = Home(tmp_path, endpoint).run("wait", support_arn(), *words)
    assert (one.returncode, one.stdout) == (2, "")
    assert told in one.stderr


def support_arn() -> str:
    """Return the ARN of a job that nobody has."""
    return "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-lite-v1:0:300k/abcdefghij12"


class Screen:
    """A terminal of so many columns for the stderr of a ``wait``, and all that it was sent so far."""

    def __init__(self, home: Home, *words: str, columns: int) -> None:
        self.shown = ""
        self._ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("hhhh", 24, columns, 0, 0))
        self.popen = subprocess.Popen(
            home.command("wait", *words),
            stdout=subprocess.DEVNULL,
            stderr=its,
            env=home.environment() | {"TERM": "xterm"},
        )
        os.close(its)
        self._giving_up = threading.Timer(DEADLINE, self.popen.kill)
        self._giving_up.start()

    def until(self, pattern: str) -> None:
        """Return as soon as it shows that."""
        while not re.search(pattern, self.shown):
            assert self._read(), self.shown

    def code(self) -> int:
        """Return the exit code, when it has ended."""
        while self._read():
            pass
        return self.popen.wait(DEADLINE)

    def close(self) -> None:
        """See to it that it is gone."""
        self._giving_up.cancel()
        self.popen.kill()
        self.popen.wait(DEADLINE)
        os.close(self._ours)

    def _read(self) -> bool:
        try:
            piece = os.read(self._ours, 4096).decode()
        except OSError:  # Linux's end of file of a terminal
            return False
        self.shown += piece
        return bool(piece)


def test_a_terminal_sees_how_long_and_for_what_and_a_pipe_does_not(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    arn = simulator.play(fine_tuning())
    clock.now += 30 * MINUTE
    with closing(Screen(Home(tmp_path, endpoint), arn, columns=64)) as screen:
        screen.until(r"\r\x1b\[Kwaited [1-9]\S* for titan-tickets-v7: InProgress, training for \d")
        clock.now += 200 * MINUTE
        assert screen.code() == 0
    assert screen.shown.endswith("\r\x1b[K")
    assert max(len(text) for text in re.split(r"\r|\n", screen.shown) if "waited" in text) <= 64 + len("\x1b[K")


def test_what_is_said_meanwhile_takes_the_place_of_the_line(
    clock: Clock, simulator: Simulator, endpoint: str, tmp_path: Path
) -> None:
    arn = simulator.play(fine_tuning())
    home = Home(tmp_path, endpoint, [arn])
    with home.running() as daemon:
        daemon.wait_for(lambda: home.query("SELECT 1 FROM jobs WHERE state = 'running'"))
        with closing(Screen(home, arn, columns=80)) as screen:
            screen.until("waited ")
            daemon.kill()
            screen.until("the daemon has ended: .*\n")
            clock.now += 200 * MINUTE
            assert screen.code() == 0
    said = [text for text in screen.shown.splitlines() if "bedrock-watch: " in text]
    assert len(said) > 1
    assert all("waited" not in text.rpartition("\x1b[K")[2] for text in said)


def a_snapshot(outcome: Outcome, **steps: str) -> Snapshot:
    """Return a job's snapshot with these sub-tasks."""
    return Snapshot(
        outcome.value, outcome, tuple(Step(name.replace("_", " "), status) for name, status in steps.items())
    )


CODES = {Outcome.SUCCEEDED: 0, Outcome.STOPPED: 11, Outcome.FAILED: 10, Outcome.EXPIRED: 10, Outcome.PARTIAL: 10}


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("goal", ["terminal", "completed"])
def test_each_way_to_end_has_its_exit_code(goal: str, outcome: Outcome) -> None:
    assert Goal.parse(goal).code(a_snapshot(outcome)) == CODES.get(outcome)


def test_a_sub_task_that_is_completed_has_been_under_way() -> None:
    goal = Goal.parse("step:training=InProgress")
    assert goal.code(a_snapshot(Outcome.RUNNING, training="NotStarted")) is None
    assert goal.code(a_snapshot(Outcome.RUNNING, training="Completed")) == 0
    assert goal.code(a_snapshot(Outcome.SUCCEEDED, validation="Completed")) == 1
    assert goal.code(a_snapshot(Outcome.FAILED, validation="Failed", training="NotStarted")) == 10


def test_a_failed_job_counts_for_more_than_a_stopped_one() -> None:
    assert worst([0, ExitCode.JOB_STOPPED, ExitCode.JOB_FAILED]) == ExitCode.JOB_FAILED
    assert worst([ExitCode.UNKNOWN_JOB, ExitCode.TIMED_OUT]) == ExitCode.TIMED_OUT
    with pytest.raises(UsageError):
        Goal.parse("step:training")
